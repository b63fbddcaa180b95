"""The `towpath` command. Its subcommands are imported only when they are used."""

import signal
import sys
from importlib import import_module
from types import FrameType
from typing import Final

import click

COMMANDS: Final = {
    "serve": "Start the service; without a database of yours it brings its own.",
    "demo": "Act the whole main job out with a made-up practice, then keep serving.",
    "migrate": "Bring the database up to this program.",
    "practice": "Create a practice and its first owner; list practices.",
    "therapist": "Let a therapist in again who has lost the password.",
    "device": "Revoke a lost phone.",
    "key": "Make the key file of an installation that is about to begin.",
    "backup": "Write a verified backup of every record, still sealed.",
    "restore": "Restore a backup into an empty installation.",
    "doctor": "Say what is wrong with this installation, and how to mend it.",
    "openapi": "Print the API's OpenAPI document.",
}
"""What each module of this package with a `command` is for, so that listing them imports none."""

TERMINATED: Final = 128 + signal.SIGTERM


class Towpath(click.Group):
    """A group whose subcommands are modules, and whose errors are sentences instead of tracebacks."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  click's signature
        """Return the names in the order in which a new installation needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  same
        """Import and return a subcommand."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = import_module(f"service.commands.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  same
        """Write the list of subcommands."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> object:
        """Run the subcommand; print an error it raises as a sentence or two."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            from service.commands.refusals import explain  # noqa: PLC0415  --help needs none of it

            said = explain(error)
            if said is None:
                raise
            raise click.ClickException(said) from error


@click.group(
    cls=Towpath,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Settings come from the environment (TOWPATH_…); `towpath doctor` lists them with their values.",
)
@click.version_option(package_name="towpath", prog_name="towpath")
def towpath() -> None:
    """Run the backend of a walk-and-talk therapist's phone.

    \b
    To begin:
      towpath serve              starts everything, and prints the address
      towpath practice create    creates a practice with its first owner
    """  # noqa: D301  \b is click's mark for lines that stay as they are
    signal.signal(signal.SIGTERM, _leave_orderly)


def _leave_orderly(_signal: int, _frame: FrameType | None) -> None:
    """Exit with an exception, so that half-written files are removed and servers stopped."""
    sys.exit(TERMINATED)
