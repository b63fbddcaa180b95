"""`towpath backup`."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import click

from service.commands.installation import (
    CommandRefused,
    Installation,
    connected_directly,
    migrator_of,
    open_installation,
    release,
    say,
)
from service.config import read_settings
from service.foundation.crypto.key_file import KeyFileError, load_key_file
from service.foundation.database.backup_files import Backup
from service.foundation.database.dumps import programs_for
from service.foundation.database.keep_backup import back_up


@click.command("backup")
@click.argument("dest", type=click.Path(path_type=Path))
@click.option("--without-client-keys", is_flag=True, help="Leave the clients' wrapped keys out.")
def command(dest: Path, *, without_client_keys: bool) -> None:
    """Back up all practices, as of one instant, into the new folder DEST, and verify the backup.

    The service may run meanwhile. A database of your own is dumped as TOWPATH_MIGRATOR_URL, because row-level
    security hides rows from the service's own login.

    The backup is encrypted with the key file, which is NOT in the backup. Without the key file nobody can
    read the backup, not even you. With it anybody can read every record. Keep a copy of the key file in
    another place than the backup.

    The clients' keys are in a file of their own, client-keys.sealed. Erasing a client means destroying the
    client's key. So delete this file from a backup as soon as there is a newer backup: the clinical values in
    the old one then never open again. --without-client-keys does not write this file.

    \b
    Example:
      towpath backup /backups/towpath-$(date +%F)
    """  # noqa: D301  \b is click's mark for lines that stay as they are
    settings = read_settings()
    with open_installation(settings, beside_service=True) as installation:
        backup = asyncio.run(_back_up(installation, dest.absolute(), client_keys=not without_client_keys))
    rows = backup.kept_rows
    click.echo(
        f"{dest}: {rows['practice']} practices, {sum(rows.values())} rows,"
        f" {backup.size_bytes / 1e6:.1f} MB, encrypted and verified"
    )
    click.echo(
        f"To restore it you need the key file with the key {backup.manifest.key_id}. It is not in the backup."
    )
    click.echo(f"That is {settings.keys}: keep a copy of it apart from the backup.")


async def _back_up(installation: Installation, dest: Path, *, client_keys: bool) -> Backup:
    try:
        keys = load_key_file(installation.settings.keys)
    except KeyFileError as error:
        raise CommandRefused(
            f"No backup was made, because it is encrypted with the key file. {error}"
        ) from error
    async with connected_directly(migrator_of(installation, "back up")) as connection:
        return await back_up(
            connection,
            await programs_for(connection),
            migrator_of(installation, "back up"),
            dest,
            keys,
            client_keys=client_keys,
            release=release(),
            now=datetime.now(UTC),
            progress=say,
        )
