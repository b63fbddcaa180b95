"""The key file: the one secret that opens every sealed value, kept apart from the database."""

import base64
import binascii
import hashlib
import os
import secrets
import stat
from pathlib import Path
from typing import Final, Self

KEY_BYTES: Final = 32
KEY_ID_BYTES: Final = 8

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO

PUT_BACK: Final = "Put your copy of the key file there; backups of the database never hold it."

_HEADING: Final = """\
# Towpath key file. It opens every sealed record in the database; whoever holds both can read them all.
#
# Keep a copy of it, but never beside a backup or copy of the database. Without it the records are lost for
# good: nobody, not even the makers of Towpath, can open them, and backups never hold it.
#
# One key a line: its use, its id, the key. The first "wrap" key seals; the others open what they sealed
# earlier, so a new key goes first. The "index" key finds email addresses and must never change.
"""


class KeyFileError(Exception):
    """The key file cannot be used; the message says what to do."""


class KeyFileMissing(KeyFileError):
    """There is no file at the path."""


class KeyFileUnreadable(KeyFileError):
    """The file is there, but it is open to others, not ours to read, or not in the form of a key file."""


class WrongKeyFile(KeyFileError):
    """The key file is a good one, but not the one that these records or this backup were sealed with."""

    def __init__(self, keys: "KeyFile", wanted: bytes) -> None:
        held = [each.key_id.hex() for each in keys.wrap]
        but = (
            "but its index key is another"
            if wanted.hex() in held
            else f"and they were sealed with the key {wanted.hex()}"
        )
        super().__init__(
            f"The key file {keys.path or 'given'} does not belong to these records: it holds the key"
            f" {', '.join(held)}, {but}. Nothing was written. Put the key file that they were sealed with in"
            " its place, or name it in TOWPATH_KEY_FILE."
        )


class Key:
    """32 secret bytes and their id. Not a Struct, which would print the secret."""

    __slots__ = ("key_id", "secret")

    def __init__(self, secret: bytes) -> None:
        if len(secret) != KEY_BYTES:
            raise ValueError(f"a key has {KEY_BYTES} bytes, not {len(secret)}")
        self.secret: Final = secret
        self.key_id: Final = hashlib.sha256(b"towpath key id" + secret).digest()[:KEY_ID_BYTES]

    def __repr__(self) -> str:
        return f"<Key {self.key_id.hex()}>"

    @classmethod
    def new(cls) -> Self:
        return cls(secrets.token_bytes(KEY_BYTES))


class KeyFile:
    """The keys of one file: `wrap` in order, the first one sealing, and the `index` key."""

    __slots__ = ("index", "path", "wrap")

    def __init__(self, wrap: tuple[Key, ...], index: Key, path: Path | None = None) -> None:
        self.wrap: Final = wrap
        self.index: Final = index
        self.path: Final = path

    def __repr__(self) -> str:
        return f"<KeyFile wrap={self.wrap} index={self.index}>"

    @classmethod
    def new(cls, path: Path | None = None) -> Self:
        return cls((Key.new(),), Key.new(), path)

    def to_text(self) -> str:
        """Return the file's content, comments included."""
        uses = [("wrap", each) for each in self.wrap] + [("index", self.index)]
        lines = (f"{use} {key.key_id.hex()} {_in_base64(key)}\n" for use, key in uses)
        return _HEADING + "".join(lines)


def create_key_file(path: Path) -> KeyFile:
    """Write new keys to `path`, readable by this account alone, and return them once they are on disk.

    Raises FileExistsError where there is a file already: keys are never overwritten. Any other OSError
    leaves no file behind.
    """
    keys = KeyFile.new(path)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(keys.to_text())
            file.flush()
            os.fsync(descriptor)
        _sync_folder(path.parent)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return keys


def load_key_file(path: Path, wanted: bytes | None = None) -> KeyFile:
    """Return the keys in `path`. Raises KeyFileMissing, KeyFileUnreadable; their messages say what to do.

    `wanted` is the id of the key that the records were sealed with, for the message about a missing file.
    """
    lines = _read_private(path, wanted).splitlines()
    found: dict[str, list[Key]] = {"wrap": [], "index": []}
    for number, line in enumerate(lines, start=1):
        if line.strip() and not line.startswith("#"):
            use, key = _parse_line(line, f"{path}, line {number}")
            found[use].append(key)
    known = {each.key_id for keys in found.values() for each in keys}
    if not found["wrap"] or len(found["index"]) != 1 or len(known) != len(found["wrap"]) + 1:
        raise KeyFileUnreadable(
            f"{path} should hold at least one 'wrap' key, exactly one 'index' key and none of them twice. "
            f"{PUT_BACK}"
        )
    return KeyFile(tuple(found["wrap"]), found["index"][0], path)


def _read_private(path: Path, wanted: bytes | None) -> str:
    """Return the text of `path`. The modes checked are those of the opened file, which nobody can swap."""
    try:
        with path.open("rb") as file:
            _refuse_open_modes(path, os.fstat(file.fileno()))
            return file.read().decode("ascii")
    except FileNotFoundError:
        there_are = (
            "If there are records already, only the key file that was in use when they were made opens them."
            if wanted is None
            else f"The records want the key {wanted.hex()}, and no other opens them."
        )
        raise KeyFileMissing(f"There is no key file at {path}. {there_are} {PUT_BACK}") from None
    except UnicodeDecodeError:
        raise KeyFileUnreadable(f"{path} is not a key file. {PUT_BACK}") from None
    except OSError as error:
        raise KeyFileUnreadable(
            f"{path} cannot be read ({error.strerror}). It should be a file that belongs to the account "
            f"that runs Towpath: chown <account> {path}"
        ) from None


def _refuse_open_modes(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise KeyFileUnreadable(f"{path} is not a file. Name the key file itself.")
    if status.st_mode & _OTHERS:
        raise KeyFileUnreadable(
            f"Other accounts may open {path} (mode {stat.S_IMODE(status.st_mode):04o}). "
            f"Keep it to yourself: chmod 600 {path}"
        )


def _parse_line(line: str, where: str) -> tuple[str, Key]:
    """Return a line's use and key. The id shows a mistake in a key that was copied by hand."""
    match line.split():
        case [("wrap" | "index") as use, key_id, encoded]:
            key = _from_base64(encoded)
            if key is not None and key.key_id.hex() == key_id:
                return use, key
            if key is not None:
                found = key.key_id.hex()
                raise KeyFileUnreadable(f"{where} should be the key {key_id}, but is {found}. {PUT_BACK}")
    raise KeyFileUnreadable(f"{where} is not a key, or was damaged. {PUT_BACK}")


def _in_base64(key: Key) -> str:
    return base64.b64encode(key.secret).decode("ascii")


def _from_base64(encoded: str) -> Key | None:
    try:
        return Key(base64.b64decode(encoded, validate=True))
    except (binascii.Error, ValueError):
        return None


def _sync_folder(folder: Path) -> None:
    """Make the file's name as durable as its content."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
