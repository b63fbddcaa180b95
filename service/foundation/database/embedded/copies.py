"""A copy of PostgreSQL's programs, for an account that cannot reach the installed ones.

Root's virtual environment often lies where no other account can go, and we do not change the modes of folders
that are not ours. So the programs are copied to a folder of root's that every account can read.
"""

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Final

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

COPIED: Final = (
    *(f"{INSTALLED}/{part}" for part in ("bin", "lib", "share")),
    f"{PACKAGE}.libs",
    f"{PACKAGE}/.dylibs",
)
"""Folders below site-packages. The programs find their libraries relative to themselves, also in a copy."""

SHELF: Final = Path("/var/lib/towpath-postgresql")
"""Where root keeps copies, one a version of the package, for all data folders of the machine."""

ELSEWHERE: Final = (
    "Install Towpath where every account can read it, for example in /opt/towpath,"
    " or start it as an ordinary user."
)


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
    copy = shelf / f"{MAJOR_VERSION}-{version(PACKAGE)}"
    try:
        _keep_copy(installed.parents[2], copy, progress)
    except OSError as error:
        raise BinariesMissing(
            f"PostgreSQL cannot be copied to {copy} ({error.strerror}). {ELSEWHERE}"
        ) from error
    binaries = copy / INSTALLED / "bin"
    if not can_run(binaries, account):
        raise BinariesMissing(
            f"The account {account.name}, which runs PostgreSQL for root, can run it neither in {installed}"
            f" nor in {binaries}. {ELSEWHERE}"
        )
    return binaries


def _keep_copy(site_packages: Path, copy: Path, progress: Callable[[str], None]) -> None:
    """Make the copy, unless an earlier start did. It gets its name when it is whole and on the disk."""
    with _locked(copy.parent):
        if copy.exists():
            return
        progress(f"Copying PostgreSQL to {copy}, where accounts other than root's can run it")
        for broken_off in copy.parent.glob(".partial-*"):
            shutil.rmtree(broken_off)
        partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=copy.parent))
        for part in COPIED:
            if (site_packages / part).exists():
                shutil.copytree(site_packages / part, partial / part, ignore=shutil.ignore_patterns("*.a"))
        for each in (partial, *partial.rglob("*")):
            each.chmod(0o755 if each.is_dir() or os.access(each, os.X_OK) else 0o644)
        os.sync()
        partial.rename(copy)
        sync_folder(copy.parent)


@contextmanager
def _locked(shelf: Path) -> Iterator[None]:
    """Keep a second start from copying at the same time. Raises BinariesMissing, OSError."""
    if not shelf.exists():
        shelf.mkdir()
        shelf.chmod(0o755)
    status = shelf.lstat()
    if status.st_uid != os.geteuid() or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise BinariesMissing(f"{shelf} can be written by others. Remove it, and start again.")
    descriptor = os.open(shelf, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
