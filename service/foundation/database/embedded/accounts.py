"""The account that PostgreSQL runs as: the caller's, or another one where root starts it.

PostgreSQL refuses to run as root. A user namespace would give it another user id without another account, but
most containers forbid them.
"""

import os
import pwd
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from service.foundation.database.embedded.errors import DataFolderForeign, EmbeddedError, StartFailed

CANDIDATES: Final = ("towpath", "postgres", "_postgres", "daemon", "nobody")
"""Accounts to run PostgreSQL as where root starts it, best first.

An account made for Towpath or PostgreSQL runs nothing else. Debian keeps `daemon` for daemons that own files.
`nobody` comes last, because other programs that run as `nobody` could read the files.
"""


class Account(msgspec.Struct, frozen=True):
    """The owner of the database's files and processes; all None for the caller's own account."""

    name: str | None = None
    uid: int | None = None
    gid: int | None = None

    @property
    def groups(self) -> list[int] | None:
        """Return no groups for another account, which must not keep those of root."""
        return None if self.uid is None else []


OWN: Final = Account()


def choose_account(home: Path) -> Account:
    """Return the account for the database whose files are, or will be, in `home`.

    Existing files keep their owner, even if the machine has a better account now. Raises DataFolderForeign
    where an ordinary user starts a database of another account.
    """
    status = home.lstat() if home.exists() else None
    if os.geteuid() != 0:
        if status is not None and status.st_uid != os.geteuid():
            raise DataFolderForeign(
                f"{home} belongs to {_name_of(status.st_uid)}. Start Towpath as the account that made it,"
                " or choose another data folder with TOWPATH_DATA."
            )
        return OWN
    if status is not None and status.st_uid != 0:
        account = Account(_name_of(status.st_uid), status.st_uid, status.st_gid)
    else:
        account = account_to_lend(pwd.getpwall())
    _try_on(account)
    return account


def account_to_lend(entries: Iterable[pwd.struct_passwd]) -> Account:
    """Return the best account of the machine for a database that root starts. Raises EmbeddedError."""
    found = {entry.pw_name: entry for entry in entries if entry.pw_uid != 0}
    for name in CANDIDATES:
        if name in found:
            return Account(name, found[name].pw_uid, found[name].pw_gid)
    raise EmbeddedError(
        "PostgreSQL refuses to run as root, and this machine has no other account for it. Add one, such as"
        " with `useradd --system towpath`, or start Towpath as an ordinary user."
    )


def _try_on(account: Account) -> None:
    """Raise EmbeddedError where root may not change to another account, as in some containers."""
    try:
        run_program(["true"], account, cwd=Path("/"))
    except OSError as error:
        raise EmbeddedError(
            f"PostgreSQL refuses to run as root, and this root may not run it as {account.name}"
            f" ({error.strerror}). Start Towpath as an ordinary user."
        ) from error


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"the account with number {uid}"


def environment() -> dict[str, str]:
    """Return the few variables of the environment that PostgreSQL's programs get.

    Their processes may belong to another account, which could read secrets in the environment, and variables
    such as PGHOST or PGOPTIONS would change what they do.
    """
    passed_on = {
        name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "TZDIR") if name in os.environ
    }
    return {"PATH": os.defpath, **passed_on, "LC_ALL": "C"}


def run_program(
    command: Sequence[str | Path], account: Account, *, cwd: Path, text_in: str = "", keep: Sequence[int] = ()
) -> str:
    """Run a program in `cwd` and return what it printed; it inherits the descriptors `keep`.

    `cwd` is entered before the account changes, so the account needs no access to it. Raises StartFailed with
    the last lines that the program printed.
    """
    done = subprocess.run(
        command,
        cwd=cwd,
        env=environment(),
        input=text_in,
        text=True,
        capture_output=True,
        check=False,
        user=account.uid,
        group=account.gid,
        extra_groups=account.groups,
        pass_fds=keep,
    )
    if done.returncode != 0:
        raise StartFailed(f"{Path(command[0]).name} ended with {done.returncode}: {last_words(done.stderr)}")
    return done.stdout


def last_words(text: str) -> str:
    """Return the last five lines of what a program printed."""
    """Return the last five lines of what a program printed."""
    return " / ".join(text.strip().splitlines()[-5:]) or "it said nothing"
