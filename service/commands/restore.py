"""`towpath restore`."""

import asyncio
from pathlib import Path

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
from service.foundation.crypto.sealing import Keyring
from service.foundation.database.dumps import programs_for
from service.foundation.database.keep_backup import (
    Manifest,
    read_backup,
    refuse_full,
    refuse_unusable,
    restore,
)


@click.command("restore")
@click.argument("source", type=click.Path(path_type=Path))
def command(source: Path) -> None:
    """Restore the backup in the folder SOURCE into an installation that was never started.

    Put the key file in its place first: TOWPATH_KEY_FILE, or keys/towpath.key in the data folder, mode 600.
    All of the backup is restored or nothing. Phones then sign in again, for one that was lost may have been
    revoked since; read everything anew, and send what they still hold. What they had sent after the backup
    was made is lost, a change of password too.

    A backup is run as SQL by a database administrator's login: restore only what you or your own service
    wrote.

    \b
    Example, on a new machine:
      mkdir -p -m 700 ~/.local/share/towpath/keys
      cp towpath.key ~/.local/share/towpath/keys/
      towpath restore /backups/towpath-2026-01-31
    """  # noqa: D301  \b is click's mark for lines that stay as they are
    settings = read_settings()
    source = source.absolute()
    manifest = read_backup(source)
    refuse_unusable(manifest, Keyring(load_key_file(settings.keys)))
    with open_installation(settings) as installation:
        asyncio.run(_restore(installation, source, manifest))
    click.echo(
        f"Restored the backup of {manifest.created_at:%Y-%m-%d %H:%M} UTC: {manifest.rows['practice']}"
        f" practices, {sum(manifest.rows.values())} rows. Start the service with `towpath serve`."
    )


async def _restore(installation: Installation, source: Path, manifest: Manifest) -> None:
    dsn = migrator_of(installation, "restore")
    async with connected_directly(dsn) as migrator:
        await refuse_full(migrator)
        await make_roles(installation, migrator)
        say(f"Restoring {sum(manifest.rows.values())} rows")
        restore(await programs_for(migrator), dsn, source, manifest)
        await bring_up(installation, migrator)
