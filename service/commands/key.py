"""`towpath key`."""

from pathlib import Path

import click

from service.commands.installation import CommandRefused, advice_on_key_file
from service.config import read_settings
from service.foundation.crypto.key_file import create_key_file


@click.group("key")
def command() -> None:
    """Create the key file of a new installation."""


@command.command("create")
@click.argument("path", type=click.Path(path_type=Path), required=False)
def create(path: Path | None) -> None:
    """Create a key file at PATH, or at TOWPATH_KEY_FILE.

    This is needed only where the service cannot write it, as in a container. Otherwise the first start
    creates it. An existing file is never overwritten.

    Whoever has the key file and the database can read every record; without the key file nobody can. Keep a
    copy apart from all copies of the database.

    \b
    Example:
      towpath key create secrets/towpath.key
    """  # noqa: D301  \b is click's mark for lines that stay as they are
    path = path or read_settings().keys
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        create_key_file(path)
    except FileExistsError:
        raise CommandRefused(f"There is a key file at {path} already. It was not changed.") from None
    except OSError as error:
        raise CommandRefused(f"The key file cannot be created at {path} ({error.strerror}).") from error
    click.echo(advice_on_key_file(path))
