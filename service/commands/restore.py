"""`towpath restore`."""

import asyncio
from pathlib import Path
from uuid import UUID

import click

from service.commands.installation import (
    Installation,
    bring_up,
    connected_directly,
    make_roles,
    migrator_of,
    open_installation,
    say,
)
from service.config import read_settings
from service.foundation.crypto.key_file import load_key_file
from service.foundation.crypto.sealed_files import FileSeal
from service.foundation.crypto.sealing import Keyring
from service.foundation.database.backup_files import CLIENT_KEYS_FILE, Backup, read_backup, read_manifest
from service.foundation.database.dumps import programs_for
from service.foundation.database.keep_backup import (
    find_keyless_clients,
    refuse_full,
    refuse_unusable,
    restore,
)


@click.command("restore")
@click.argument("source", type=click.Path(path_type=Path))
def command(source: Path) -> None:
    """Restore the backup in the folder SOURCE into an installation that was never started.

    Put the key file in its place first: TOWPATH_KEY_FILE, or keys/towpath.key in the data folder, mode 600.
    Everything is restored or nothing. If client-keys.sealed was deleted from the backup, the rest is
    restored, and the command lists the clients whose records cannot be opened. All phones then have to sign
    in again, because a lost one may have been revoked after the backup. They read everything again and send
    what they have not sent yet. What they sent after the backup is lost, including changes of passwords.

    A restore runs the backup as SQL with an administrator's login. Only a backup made with the same key file
    is accepted.

    \b
    Example, on a new machine:
      mkdir -p -m 700 ~/.local/share/towpath/keys
      cp towpath.key ~/.local/share/towpath/keys/
      towpath restore /backups/towpath-2026-01-31
    """  # noqa: D301  \b is click's mark for lines that stay as they are
    settings = read_settings()
    source = source.absolute()
    keys = load_key_file(settings.keys, read_manifest(source).key)
    backup = read_backup(source, FileSeal(keys))
    refuse_unusable(backup, Keyring(keys))
    with open_installation(settings) as installation:
        keyless = asyncio.run(_restore(installation, backup))
    rows = backup.kept_rows
    click.echo(
        f"Restored the backup of {backup.manifest.created_at:%Y-%m-%d %H:%M} UTC: {rows['practice']}"
        f" practices, {sum(rows.values())} rows. Start the service with `towpath serve`."
    )
    if keyless:
        click.echo(f"The backup lacks {CLIENT_KEYS_FILE}, so the records of these clients cannot be opened:")
    for each in keyless:
        click.echo(f"  client {each}")


async def _restore(installation: Installation, backup: Backup) -> list[UUID]:
    """Restore a backup and return the clients whose keys it lacks."""
    dsn = migrator_of(installation, "restore")
    async with connected_directly(dsn) as migrator:
        await refuse_full(migrator)
        await make_roles(installation, migrator)
        say(f"Restoring {sum(backup.kept_rows.values())} rows")
        restore(await programs_for(migrator), dsn, backup)
        await bring_up(installation, migrator)
        return await find_keyless_clients(migrator)
