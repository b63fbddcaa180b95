"""The data folder: its parts, and private files in it."""

import os
import secrets
from pathlib import Path

import msgspec

from service.foundation.database.embedded.accounts import Account, run_program
from service.foundation.database.embedded.errors import DataFolderDamaged, DataFolderForeign, EmbeddedError


class DataFolder(msgspec.Struct, frozen=True):
    """A data folder. All of it belongs to the service's account, except `home`: the database account's.

    The database account could put a link into `home`. So root never follows a name in there: folders there
    are created, moved and removed as that account.
    """

    path: Path

    @property
    def lock(self) -> Path:
        """The file whose lock the service holds."""
        return self.path / "lock"

    @property
    def server_lock(self) -> Path:
        """The file whose lock every process of the server holds."""
        return self.path / "server-lock"

    @property
    def secrets(self) -> Path:
        return self.path / "secrets"

    @property
    def home(self) -> Path:
        return self.path / "postgresql"

    @property
    def cluster(self) -> Path:
        return self.home / "cluster"

    @property
    def new_cluster(self) -> Path:
        """Where a cluster is created; it is renamed when it is complete."""
        return self.home / "cluster.new"

    @property
    def sockets(self) -> Path:
        return self.home / "run"


def open_data_folder(path: Path) -> DataFolder:
    """Return the data folder at `path`. It is created if it is missing; an existing one is not changed."""
    folder = DataFolder(path.resolve())
    try:
        folder.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.secrets.mkdir(mode=0o700, exist_ok=True)
    except PermissionError as error:
        raise DataFolderForeign(
            f"This account may not write in {folder.path}. Start Towpath as its owner,"
            " or choose another data folder with TOWPATH_DATA."
        ) from error
    except OSError as error:
        raise EmbeddedError(
            f"{folder.path} cannot be a data folder ({error.strerror}). Choose another with TOWPATH_DATA."
        ) from error
    return folder


def make_home(folder: DataFolder, account: Account) -> None:
    """Create the folders of the database account in the data folder."""
    if not folder.home.exists():
        folder.home.mkdir(mode=0o700)
    if account.uid is not None and account.gid is not None and folder.home.lstat().st_uid == 0:
        os.chown(folder.home, account.uid, account.gid, follow_symlinks=False)
    run_program(["mkdir", "-m", "700", "-p", "run", "log"], account, cwd=folder.home)


def keep_password(folder: DataFolder, role: str) -> str:
    """Return the password of a database role. The first time it is made at random and stored.

    Raises DataFolderDamaged where the database exists but the password does not.
    """
    path = folder.secrets / f"{role}-password"
    if path.exists():
        return path.read_text().strip()
    if folder.cluster.exists():
        raise DataFolderDamaged(
            f"{path} is missing, and without it the database cannot be opened."
            " Restore the secrets folder from the same backup as the rest of the data folder."
        )
    password = secrets.token_urlsafe(32)
    write_private(path, password)
    return password


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read. It is on disk completely, or not at all."""
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "w") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    partial.rename(path)
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Write the names in a folder to disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
