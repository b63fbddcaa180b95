"""`towpath backup`."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import click

from service.commands.installation import (
    Installation,
    connected_directly,
    migrator_of,
    open_installation,
    release,
    say,
)
from service.config import Settings, read_settings
from service.foundation.crypto.key_file import KeyFileError, load_key_file
from service.foundation.crypto.sealing import Keyring, WrongKeyFile
from service.foundation.database.dumps import programs_for
from service.foundation.database.keep_backup import Manifest, back_up


@click.command("backup")
@click.argument("dest", type=click.Path(path_type=Path))
def command(dest: Path) -> None:
    """Back every practice up into the new folder DEST, as of one instant, and read it back.

    The service may run meanwhile. A database of your own is dumped as TOWPATH_MIGRATOR_URL, since row-level
    security hides rows from the service's own login.

    The key file is NOT in the backup. Without it the backup cannot be read by anyone, you included; with it
    the backup is every record there is. Keep a copy of the key file, and keep it elsewhere.

    \b
    Example:
      towpath backup /backups/towpath-$(date +%F)
    """  # noqa: D301  \b is click's mark for lines that stay as they are
    settings = read_settings()
    with open_installation(settings, beside_service=True) as installation:
        manifest = asyncio.run(_back_up(installation, dest.absolute()))
    click.echo(
        f"{dest}: {manifest.rows['practice']} practices, {sum(manifest.rows.values())} rows,"
        f" {manifest.size_bytes / 1e6:.1f} MB, verified"
    )
    click.echo(
        f"To restore it you need the key file with the key {manifest.key_id}. It is not in the backup."
    )
    _look_at_key_file(settings, manifest)


async def _back_up(installation: Installation, dest: Path) -> Manifest:
    async with connected_directly(migrator_of(installation, "back up")) as connection:
        return await back_up(
            connection,
            await programs_for(connection),
            migrator_of(installation, "back up"),
            dest,
            release=release(),
            now=datetime.now(UTC),
            progress=say,
        )


def _look_at_key_file(settings: Settings, manifest: Manifest) -> None:
    """Say where the key file is, or that the backup has none to be opened with."""
    try:
        if not Keyring(load_key_file(settings.keys)).matches(manifest.key_check):
            raise WrongKeyFile
    except KeyFileError as error:
        raise click.ClickException(
            f"The backup is there, but the key file that opens it is not. {error}"
        ) from error
    click.echo(f"That is {settings.keys}: keep a copy of it, apart from the backup.")
