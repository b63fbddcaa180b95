"""`towpath key`."""

from pathlib import Path

import click

from service.commands.installation import CommandRefused, advice_on_key_file
from service.config import read_settings
from service.foundation.crypto.key_file import create_key_file


@click.group("key")
def command() -> None:
    """Make the key file of an installation that is about to begin."""


@command.command("create")
@click.argument("path", type=click.Path(path_type=Path), required=False)
def create(path: Path | None) -> None:
    """Make a key file at PATH, or where TOWPATH_KEY_FILE says.

    Needed only where the service may not write it itself, as in a container; otherwise the first start makes
    it. A file that is there is never overwritten.

    Whoever holds the key file and the database can read every record, and without it nobody can: keep a
    copy apart from every copy of the database.

    \b
    Example:
      towpath key create secrets/towpath.key
    """  # noqa: D301  \b is click's mark for lines that stay as they are
    path = path or read_settings().keys
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        create_key_file(path)
    except FileExistsError:
        raise CommandRefused(f"There is a key file at {path} already. It stays as it is.") from None
    except OSError as error:
        raise CommandRefused(f"The key file cannot be made at {path} ({error.strerror}).") from error
    click.echo(advice_on_key_file(path))
