"""Backups: a dump of every practice with a manifest that proves it whole, and the way back.

A backup holds every record as the database does: sealed. Its key file is kept elsewhere, and without it the
backup says little more than who had sessions when.
"""

import hashlib
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

import asyncpg
import msgspec

from service.foundation.crypto.sealing import Keyring, WrongKeyFile, key_id_of
from service.foundation.database.dumps import (
    Contents,
    DumpFailed,
    closing_sql,
    list_tables,
    load_dump,
    one_instant,
    read_dump,
    sees_every_row,
    write_dump,
)
from service.foundation.database.embedded.folder import sync_folder, write_private
from service.foundation.database.sql_files import (
    AppliedDefinition,
    MigrationRefused,
    changed_definitions,
    own_sql_files,
)

FORMAT: Final = 2
"""1 was written before the migrations were started over."""
DUMP: Final = "towpath.dump"
MANIFEST: Final = "manifest.json"
TABLE_NAME: Final = re.compile(r"[a-z_][a-z0-9_]{0,62}")


class BackupRefused(Exception):
    """A backup cannot be made, or must not be restored; the message says why and what helps."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup is and holds; nothing in it is secret."""

    format: int = FORMAT
    towpath: str
    postgresql: str
    migration: str
    """The last one applied."""
    definitions: list[AppliedDefinition]
    """Every version of a policy or function file that was applied, in that order."""
    created_at: datetime
    key_id: str
    """Which key of the key file opens it. The key itself is not here."""
    key_check: bytes
    """By which the right key file is known before anything is restored."""
    sha256: str
    """Of the dump."""
    size_bytes: int
    rows: dict[str, int]
    """Rows by table, counted at the instant of the dump."""


async def back_up(
    connection: asyncpg.Connection,
    programs: Path,
    dsn: str,
    target: Path,
    *,
    release: str,
    now: datetime,
    progress: Callable[[str], None],
) -> Manifest:
    """Write every practice to the new folder `target` and read it back. Raises BackupRefused.

    `connection` and `dsn` are the migrator's, whom row-level security leaves alone. The folder appears under
    its name only when it is complete, verified and on disk.
    """
    _refuse_taken(target)
    if not await sees_every_row(connection):
        raise BackupRefused(
            "Row-level security hides rows from this login, so its backup would lack them. Use a superuser or"
            " a role with BYPASSRLS as TOWPATH_MIGRATOR_URL."
        )
    with _folder_made_whole(target) as folder:
        async with one_instant(connection) as contents:
            if contents is None:
                raise BackupRefused("This database was never served on: there is nothing to back up yet.")
            progress(f"Dumping {sum(contents.rows.values())} rows")
            _dump(programs, dsn, contents.snapshot, folder / DUMP, progress)
        manifest = _manifest(contents, folder / DUMP, release, now)
        write_private(folder / MANIFEST, _readable(manifest))
        progress("Reading it back")
        _refuse_short(programs, folder, manifest)
    return manifest


def _refuse_taken(target: Path) -> None:
    if target.exists() or not target.parent.is_dir():
        found = (
            "is there already" if target.exists() else f"cannot be made: there is no folder {target.parent}"
        )
        raise BackupRefused(f"{target} {found}. A backup is a new folder in a folder that exists.")


@contextmanager
def _folder_made_whole(target: Path) -> Iterator[Path]:
    """Give a private folder under a temporary name; rename it when the block ends well, or remove it."""
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


def _dump(programs: Path, dsn: str, snapshot: str, dump: Path, progress: Callable[[str], None]) -> None:
    try:
        write_dump(programs, dsn, snapshot, dump, progress)
    except DumpFailed as error:
        raise BackupRefused(f"The database could not be dumped. {error}") from error
    dump.chmod(0o600)


def _manifest(contents: Contents, dump: Path, release: str, now: datetime) -> Manifest:
    return Manifest(
        towpath=release,
        postgresql=contents.postgresql,
        migration=contents.migration,
        definitions=contents.definitions,
        created_at=now,
        key_id=key_id_of(contents.key_check).hex(),
        key_check=contents.key_check,
        sha256=_sha256(dump),
        size_bytes=dump.stat().st_size,
        rows=contents.rows,
    )


def _refuse_short(programs: Path, folder: Path, manifest: Manifest) -> None:
    """Read a backup from the disk as a restore will. Raises BackupRefused where anything is missing."""
    try:
        tables = read_dump(programs, folder / DUMP)
    except DumpFailed as error:
        raise BackupRefused(f"The dump cannot be read back. {error}") from error
    if missing := manifest.rows.keys() - tables:
        raise BackupRefused(f"The dump lacks tables: {', '.join(sorted(missing))}.")
    if read_backup(folder) != manifest:
        raise BackupRefused("The manifest does not read back as it was written.")


def read_backup(source: Path) -> Manifest:
    """Return the manifest of a backup whose dump is as it was written. Raises BackupRefused."""
    try:
        manifest = _read_manifest(source)
        found = _sha256(source / DUMP)
    except FileNotFoundError as error:
        raise BackupRefused(
            f"{source} is not a backup: it lacks {Path(error.filename).name}. Name the folder that"
            " `towpath backup` made."
        ) from error
    except (OSError, msgspec.DecodeError) as error:
        raise BackupRefused(f"The backup in {source} cannot be read: {error}") from error
    if found != manifest.sha256:
        raise BackupRefused(
            f"The dump in {source} is not the one its manifest describes: it was damaged or changed."
            " Nothing was restored. Use another backup."
        )
    return manifest


class ManifestHead(msgspec.Struct):
    """What every manifest has said since the first."""

    format: int
    towpath: str


def _read_manifest(source: Path) -> Manifest:
    """Return a manifest of this format. Raises BackupRefused, OSError, DecodeError."""
    content = (source / MANIFEST).read_bytes()
    head = msgspec.json.decode(content, type=ManifestHead)
    if head.format > FORMAT:
        raise BackupRefused(f"The backup in {source} was made by a newer Towpath: restore it with that one.")
    if head.format < FORMAT:
        raise BackupRefused(
            f"The backup in {source} was made before Towpath's migrations were started over (by Towpath"
            f" {head.towpath}), so this program cannot restore it."
        )
    return msgspec.json.decode(content, type=Manifest)


def refuse_unusable(manifest: Manifest, keyring: Keyring) -> None:
    """Return where this program and these keys can restore it. Raises BackupRefused, WrongKeyFile."""
    files = own_sql_files()
    if manifest.migration not in [each.name for each in files.migrations]:
        raise BackupRefused(
            f"The backup has {manifest.migration}, which this program does not know: restore it with the"
            f" Towpath that made it ({manifest.towpath}), or a newer one."
        )
    try:
        changed_definitions(files.definitions, manifest.definitions, present=())
    except MigrationRefused as error:
        raise BackupRefused(f"The backup in this folder cannot be restored here: {error}.") from error
    if not all(TABLE_NAME.fullmatch(name) for name in manifest.rows):
        raise BackupRefused("The manifest names tables no Towpath has.")
    if not keyring.matches(manifest.key_check):
        raise WrongKeyFile


async def refuse_full(connection: asyncpg.Connection) -> None:
    """Return where the database is empty and this login may fill it. Raises BackupRefused."""
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


def restore(programs: Path, dsn: str, source: Path, manifest: Manifest) -> None:
    """Load a backup into an empty database that has the roles, all or nothing. Raises BackupRefused.

    Phones may have seen changes that came after the backup, and been revoked after it. So every practice gets
    a new epoch, which ends their cursors, and a revision past any they have seen; nobody stays signed in, and
    no invitation stays open.
    """
    try:
        load_dump(programs, dsn, source / DUMP, closing_sql(manifest.rows, manifest.key_check))
    except DumpFailed as error:
        raise BackupRefused(
            f"The backup could not be restored, and nothing of it was kept. {error}"
        ) from error


def _readable(manifest: Manifest) -> str:
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2).decode()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
