"""The files of a backup: its sealed parts, and the manifest that proves them genuine and whole."""

import hashlib
import io
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from service.foundation.crypto.sealed_files import FileSeal, SealedFileBroken
from service.foundation.database.dumps import (
    CLIENT_KEYS,
    RECORDS,
    Contents,
)
from service.foundation.database.sql_files import (
    AppliedDefinition,
)

FORMAT: Final = 3
"""Formats 1 and 2 had a dump that anybody could read and change."""
MANIFEST: Final = "manifest.json"
RECORDS_FILE: Final = "records.sealed"
CLIENT_KEYS_FILE: Final = "client-keys.sealed"
PARTS: Final = {RECORDS_FILE: RECORDS, CLIENT_KEYS_FILE: CLIENT_KEYS}
"""The files of a backup, in the order in which they are restored, with pg_dump's options for each."""
ROWS: Final = "rows"


class BackupRefused(Exception):
    """A backup cannot be made or must not be restored; the message says why and what to do."""


class Part(msgspec.Struct, frozen=True):
    """One sealed file of a backup."""

    sha256: str
    size_bytes: int


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup contains. It can be read without the key file and says nothing about any practice."""

    format: int = FORMAT
    towpath: str
    postgresql: str
    migration: str
    """The last migration applied."""
    definitions: list[AppliedDefinition]
    """Every version of a policy or function file that was applied, in that order."""
    created_at: datetime
    key_id: str
    """The id of the key that opens it; the key itself is not in the backup."""
    key_check: bytes
    """The check value of the key file."""
    parts: dict[str, Part]
    """The sealed files by name."""
    sealed_rows: bytes
    """The number of rows of each table at the instant of the dump; sealed, because it includes clients."""
    tag: bytes = b""
    """Authenticates all the rest. Only a holder of the key file can make it."""

    @property
    def key(self) -> bytes:
        """Return the id of the key that opens it. Raises BackupRefused where it is not an id."""
        try:
            return bytes.fromhex(self.key_id)
        except ValueError as error:
            raise BackupRefused("The manifest of the backup was changed: it names no key.") from error


class Backup(msgspec.Struct, frozen=True):
    """A backup on the disk, opened with its key file."""

    folder: Path
    manifest: Manifest
    seal: FileSeal
    rows: dict[str, int]
    """The number of rows of each table at the instant of the dump."""
    missing: list[str]
    """Files in the manifest that are not there: the clients' keys, or none."""

    @property
    def parts(self) -> list[str]:
        """Return the names of its files in the order in which they are restored."""
        return [name for name in PARTS if name in self.manifest.parts and name not in self.missing]

    @property
    def kept_rows(self) -> dict[str, int]:
        """Return the number of rows of each table after a restore."""
        keyless = {} if CLIENT_KEYS_FILE in self.parts else {"client_key": 0}
        return self.rows | keyless

    @property
    def size_bytes(self) -> int:
        """Return the size of its sealed files."""
        return sum(self.manifest.parts[name].size_bytes for name in self.parts)

    def open(self, name: str) -> Iterator[bytes]:
        """Yield the dump in a file. Raises SealedFileBroken."""
        with (self.folder / name).open("rb") as file:
            yield from self.seal.open(name, file)


def make_manifest(
    contents: Contents, folder: Path, parts: Collection[str], seal: FileSeal, release: str, now: datetime
) -> Manifest:
    """Return the manifest of the parts in `folder`, tagged."""
    rows = io.BytesIO(msgspec.json.encode(contents.rows))
    manifest = Manifest(
        towpath=release,
        postgresql=contents.postgresql,
        migration=contents.migration,
        definitions=contents.definitions,
        created_at=now,
        key_id=seal.key_id.hex(),
        key_check=contents.key_check,
        parts={name: _part(folder / name) for name in parts},
        sealed_rows=b"".join(seal.seal(ROWS, rows)),
    )
    return msgspec.structs.replace(manifest, tag=seal.tag(_tagged(manifest)))


def _tagged(manifest: Manifest) -> bytes:
    """Return what the tag authenticates: the manifest without the tag."""
    return msgspec.json.encode(msgspec.structs.replace(manifest, tag=b""))


def _part(path: Path) -> Part:
    with path.open("rb") as file:
        return Part(hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size)


def read_backup(source: Path, seal: FileSeal) -> Backup:
    """Return a backup, of which every byte was checked. Raises BackupRefused, WrongKeyFile."""
    manifest = read_manifest(source)
    _refuse_forged(source, manifest, seal)
    missing = [name for name in manifest.parts if name == CLIENT_KEYS_FILE and not (source / name).exists()]
    with _readable_folder(source):
        backup = Backup(source, manifest, seal, _open_rows(manifest, seal), missing)
        changed = [name for name in backup.parts if _part(source / name) != manifest.parts[name]]
    if changed:
        raise BackupRefused(
            f"{changed[0]} in {source} was damaged or changed: the manifest has another hash."
            " Nothing was restored. Use another backup."
        )
    return backup


def read_manifest(source: Path) -> Manifest:
    """Return a manifest of this format, not yet authenticated. Raises BackupRefused."""
    with _readable_folder(source):
        content = (source / MANIFEST).read_bytes()
        head = msgspec.json.decode(content, type=ManifestHead)
        if head.format == FORMAT:
            return msgspec.json.decode(content, type=Manifest)
    if head.format > FORMAT:
        raise BackupRefused(f"The backup in {source} was made by a newer Towpath: restore it with that one.")
    raise BackupRefused(
        f"The backup in {source} was made before backups were encrypted (by Towpath {head.towpath}), so this"
        " program cannot restore it."
    )


class ManifestHead(msgspec.Struct):
    """The members that a manifest of every format has."""

    format: int
    towpath: str


@contextmanager
def _readable_folder(source: Path) -> Iterator[None]:
    """Raise BackupRefused where a file is missing or cannot be read."""
    try:
        yield
    except FileNotFoundError as error:
        raise BackupRefused(
            f"{source} is not a backup: it lacks {Path(error.filename).name}. Name the folder that"
            " `towpath backup` made."
        ) from error
    except (OSError, msgspec.DecodeError, SealedFileBroken) as error:
        raise BackupRefused(f"The backup in {source} cannot be read: {error}") from error


def _refuse_forged(source: Path, manifest: Manifest, seal: FileSeal) -> None:
    """Raise BackupRefused where the manifest was not made with this key file, or WrongKeyFile."""
    genuine = seal.is_genuine(_tagged(manifest), manifest.tag, manifest.key)
    if not genuine or manifest.parts.keys() - PARTS.keys() or RECORDS_FILE not in manifest.parts:
        raise BackupRefused(
            f"The manifest in {source} was damaged or changed. Nothing was restored. Use another backup."
        )


def _open_rows(manifest: Manifest, seal: FileSeal) -> dict[str, int]:
    rows = b"".join(seal.open(ROWS, io.BytesIO(manifest.sealed_rows)))
    return msgspec.json.decode(rows, type=dict[str, int])


def readable(manifest: Manifest) -> str:
    """Return what is written to the manifest's file."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=2).decode()
