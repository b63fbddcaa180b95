"""The account PostgreSQL runs as. It refuses to run as root, so root lends it another one."""

import os
import pwd
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from service.foundation.database.embedded.errors import DataFolderForeign, EmbeddedError, StartFailed

CANDIDATES: Final = ("towpath", "postgres", "_postgres", "daemon", "nobody")
"""Accounts root may lend, best first.

One made for Towpath or for PostgreSQL shares nothing with other programs. `daemon` is the account Debian's
base system keeps for daemons that own files. `nobody` comes last, for it should own none, and what else
runs under it could read them.
"""


class Account(msgspec.Struct, frozen=True):
    """Whose the database's files and processes are. All None: simply the caller's."""

    name: str | None = None
    uid: int | None = None
    gid: int | None = None

    @property
    def groups(self) -> list[int] | None:
        """No groups of root's come along."""
        return None if self.uid is None else []


OWN: Final = Account()


def choose_account(home: Path) -> Account:
    """Return the account for the database whose files are, or will be, in `home`.

    The owner of files already there stays their owner, even if a better account has appeared since. Raise
    DataFolderForeign where an ordinary user meets another's files.
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
    """Return the best of the machine's accounts for a database that root starts."""
    found = {entry.pw_name: entry for entry in entries if entry.pw_uid != 0}
    for name in CANDIDATES:
        if name in found:
            return Account(name, found[name].pw_uid, found[name].pw_gid)
    raise EmbeddedError(
        "PostgreSQL refuses to run as root, and this machine has no account to lend it. Add one, for example"
        " with `useradd --system towpath`, or start Towpath as an ordinary user."
    )


def _try_on(account: Account) -> None:
    """Raise EmbeddedError where root is not allowed to change accounts, as in some containers."""
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
    """Return what PostgreSQL's programs may see of the environment.

    Not more, because its processes may belong to another account, which could read a secret passed on here;
    and a stray PGHOST or PGOPTIONS would change what they do.
    """
    passed_on = {
        name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "TZDIR") if name in os.environ
    }
    return {"PATH": os.defpath, **passed_on, "LC_ALL": "C"}


def run_program(
    command: Sequence[str | Path], account: Account, *, cwd: Path, text_in: str = "", keep: Sequence[int] = ()
) -> str:
    """Run a program to its end in `cwd` and return what it printed; it inherits the descriptors `keep`.

    `cwd` is entered before the account changes, so the account need not be able to reach it.

    Raise StartFailed with the program's last words when it fails.
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
    return " / ".join(text.strip().splitlines()[-5:]) or "it said nothing"
