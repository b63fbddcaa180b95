"""Backups: a dump of all practices with a manifest by which it can be checked, and restoring one.

A backup is encrypted with the key file, which is kept elsewhere. Without the key file nobody can read a
backup, or change one without being noticed. The clients' wrapped keys are in a file of their own. Erasing a
client destroys the client's key, so this file is kept for a shorter time than the records, which do not open
without it.
"""

import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import IO, Final
from uuid import UUID

import asyncpg
import msgspec

from service.foundation.crypto.key_file import KeyFile
from service.foundation.crypto.sealed_files import FileSeal, SealedFileBroken
from service.foundation.crypto.sealing import Keyring
from service.foundation.database.backup_files import (
    CLIENT_KEYS_FILE,
    MANIFEST,
    PARTS,
    RECORDS_FILE,
    Backup,
    BackupRefused,
    make_manifest,
    read_backup,
    readable,
)
from service.foundation.database.dumps import (
    RECORDS,
    DumpFailed,
    closing_sql,
    dumping,
    list_tables,
    load_dumps,
    one_instant,
    read_dump,
    sees_every_row,
)
from service.foundation.database.embedded.folder import sync_folder, write_private
from service.foundation.database.sql_files import (
    MigrationRefused,
    changed_definitions,
    own_sql_files,
)

PROGRESS_EVERY_S: Final = 2.0
TABLE_NAME: Final = re.compile(r"[a-z_][a-z0-9_]{0,62}")


async def back_up(
    connection: asyncpg.Connection,
    programs: Path,
    dsn: str,
    target: Path,
    keys: KeyFile,
    *,
    client_keys: bool = True,
    release: str,
    now: datetime,
    progress: Callable[[str], None],
) -> Backup:
    """Write a backup of all practices, encrypted with `keys`, to the new folder `target`, and verify it.

    `connection` and `dsn` are the migrator's, to whom row-level security does not apply. Without
    `client_keys` the clients' wrapped keys are left out. The folder gets its name when it is complete,
    verified and on disk. Raises BackupRefused, and WrongKeyFile where `keys` do not open the database.
    """
    seal = FileSeal(keys)
    parts = PARTS if client_keys else {RECORDS_FILE: RECORDS}
    _refuse_existing(target)
    if not await sees_every_row(connection):
        raise BackupRefused(
            "Row-level security hides rows from this login, so the backup would lack them. Use a superuser or"
            " a role with BYPASSRLS as TOWPATH_MIGRATOR_URL."
        )
    with _complete_folder(target) as folder:
        async with one_instant(connection) as contents:
            if contents is None:
                raise BackupRefused("No service has run on this database yet: there is nothing to back up.")
            Keyring(keys).refuse_other(contents.key_check)
            progress(f"Dumping {sum(contents.rows.values())} rows")
            _write_parts(programs, dsn, contents.snapshot, folder, seal, parts, progress)
        manifest = make_manifest(contents, folder, parts, seal, release, now)
        write_private(folder / MANIFEST, readable(manifest))
        progress("Reading it back")
        backup = Backup(folder, manifest, seal, contents.rows, missing=[])
        _verify(programs, folder, backup)
    return msgspec.structs.replace(backup, folder=target)


def _refuse_existing(target: Path) -> None:
    if target.exists() or not target.parent.is_dir():
        found = "exists already" if target.exists() else f"cannot be made: there is no folder {target.parent}"
        raise BackupRefused(f"{target} {found}. A backup is a new folder in a folder that exists.")


@contextmanager
def _complete_folder(target: Path) -> Iterator[Path]:
    """Yield a private folder with a temporary name. It is renamed after the block, or removed on an error."""
    try:
        folder = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        raise BackupRefused(f"{target} cannot be made ({error.strerror}).") from error
    try:
        yield folder
        sync_folder(folder)
        folder.rename(target)
        sync_folder(target.parent)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _write_parts(
    programs: Path,
    dsn: str,
    snapshot: str,
    folder: Path,
    seal: FileSeal,
    parts: Mapping[str, Sequence[str]],
    progress: Callable[[str], None],
) -> None:
    """Dump each part into its sealed file. Raises BackupRefused."""
    clock = Progress(progress)
    for name, options in parts.items():
        try:
            with dumping(programs, dsn, snapshot, options) as plain, _private(folder / name) as file:
                for piece in seal.seal(name, plain):
                    file.write(piece)
                    clock.add(len(piece))
                file.flush()
                os.fsync(file.fileno())
        except DumpFailed as error:
            raise BackupRefused(f"The database could not be dumped. {error}") from error
        except OSError as error:
            raise BackupRefused(f"The backup could not be written ({error.strerror}).") from error


class Progress:
    """Reports every few seconds how much was dumped."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._began_s = self._said_s = time.monotonic()
        self._bytes = 0

    def add(self, size: int) -> None:
        """Count what was written."""
        self._bytes += size
        now_s = time.monotonic()
        if now_s > self._said_s + PROGRESS_EVERY_S:
            self._said_s = now_s
            self._say(f"{self._bytes / 1e6:.0f} MB dumped in {now_s - self._began_s:.0f} s")


def _private(path: Path) -> IO[bytes]:
    """Create a file that only this account can read."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def _verify(programs: Path, folder: Path, written: Backup) -> None:
    """Read a backup from the disk as a restore does. Raises BackupRefused if anything is missing."""
    backup = read_backup(folder, written.seal)
    if backup.manifest != written.manifest or backup.rows != written.rows or backup.missing:
        raise BackupRefused("The backup on the disk is not the one that was written.")
    try:
        tables = set[str]().union(*(read_dump(programs, partial(backup.open, name)) for name in backup.parts))
    except (DumpFailed, SealedFileBroken) as error:
        raise BackupRefused(f"The dump cannot be read back. {error}") from error
    left_out = set() if CLIENT_KEYS_FILE in backup.parts else {"client_key"}
    if lacking := backup.rows.keys() - tables - left_out:
        raise BackupRefused(f"The dump lacks tables: {', '.join(sorted(lacking))}.")


def refuse_unusable(backup: Backup, keyring: Keyring) -> None:
    """Refuse a backup this program or these keys cannot restore. Raises BackupRefused, WrongKeyFile."""
    manifest = backup.manifest
    files = own_sql_files()
    if manifest.migration not in [each.name for each in files.migrations]:
        raise BackupRefused(
            f"The backup has the migration {manifest.migration}, which this program lacks: restore it with"
            f" the Towpath that made it ({manifest.towpath}) or a newer one."
        )
    try:
        changed_definitions(files.definitions, manifest.definitions, present=())
    except MigrationRefused as error:
        raise BackupRefused(f"The backup in this folder cannot be restored here: {error}.") from error
    if not all(TABLE_NAME.fullmatch(name) for name in backup.rows):
        raise BackupRefused("The manifest names tables that no Towpath has.")
    keyring.refuse_other(manifest.key_check)


async def refuse_full(connection: asyncpg.Connection) -> None:
    """Refuse a database that is not empty, or a login that cannot fill it. Raises BackupRefused."""
    if tables := await list_tables(connection):
        raise BackupRefused(
            f"This database is not empty: it has {len(tables)} tables. Nothing was changed. Restore into an"
            " installation that was never started, for example with another TOWPATH_DATA."
        )
    if not await sees_every_row(connection):
        raise BackupRefused(
            "Row-level security would hide the restored rows from this login. Use a superuser or a role with"
            " BYPASSRLS as TOWPATH_MIGRATOR_URL."
        )


def restore(programs: Path, dsn: str, backup: Backup) -> None:
    """Load a whole backup, or nothing, into an empty database that has the roles. Raises BackupRefused.

    After the backup phones may have seen later changes, and some may have been revoked. So every practice
    gets a new epoch, which makes phones sync from the start, and a revision higher than any they have seen.
    All sign-ins and invitations end.
    """
    closing = closing_sql(backup.kept_rows, backup.manifest.key_check)
    try:
        load_dumps(programs, dsn, (backup.open(name) for name in backup.parts), closing)
    except (DumpFailed, SealedFileBroken) as error:
        raise BackupRefused(
            f"The backup could not be restored, and nothing of it was kept. {error}"
        ) from error


CLIENTS_WITHOUT_KEY = """
    SELECT id
      FROM public.client
     WHERE NOT EXISTS (SELECT FROM public.client_key
                        WHERE client_key.practice_id = client.practice_id
                          AND client_key.client_id = client.id)
     ORDER BY id
"""


async def find_keyless_clients(connection: asyncpg.Connection) -> list[UUID]:
    """Return the clients whose records cannot be opened, because their keys were not restored."""
    return [row["id"] for row in await connection.fetch(CLIENTS_WITHOUT_KEY)]
