"""The folder of the server's socket, or a short link to it: the system accepts only short socket paths."""

import os
import sys
import tempfile
from pathlib import Path
from typing import Final

from service.foundation.database.embedded.errors import EmbeddedError
from service.foundation.database.embedded.folder import DataFolder, write_private

LONGEST: Final = 107 if sys.platform == "linux" else 103
"""The most bytes in a socket's path: sun_path without its final zero."""

PORT: Final = 5432
"""Only a part of the socket's name: the server does not listen on a network."""

PREFIX: Final = "towpath-"


def socket_folder(folder: DataFolder) -> Path:
    """Return a folder that clients can use: the socket's own, or a short link to it. Raises EmbeddedError.

    The link is in a private folder in a temporary one. The server itself uses a short relative path.
    """
    clear_link(folder)
    if _can_name(folder.sockets):
        return folder.sockets
    for place in (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp"):  # noqa: S108  see above
        if (
            place
            and os.access(place, os.W_OK | os.X_OK)
            and _can_name(Path(place, PREFIX + "12345678", "run"))
        ):
            return _link(folder, place)
    raise EmbeddedError(
        f"The path {folder.path} is too long for a socket. Choose a shorter one with TOWPATH_DATA."
    )


def known_socket_folder(folder: DataFolder) -> Path:
    """Return the socket folder of a server that another process started."""
    note = _note(folder)
    return Path(note.read_text().strip()) if note.exists() else folder.sockets


def clear_link(folder: DataFolder) -> None:
    """Remove the link, including one that a killed service left."""
    note = _note(folder)
    if not note.exists():
        return
    link = Path(note.read_text().strip())
    # Everyone can write in the temporary folder, so a link of this name may belong to another account.
    if link.parent.is_dir() and link.parent.lstat().st_uid == os.geteuid():
        link.unlink(missing_ok=True)
        link.parent.rmdir()
    note.unlink()


def _link(folder: DataFolder, place: str) -> Path:
    link = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place), "run")
    write_private(_note(folder), str(link))
    link.symlink_to(folder.sockets)
    return link


def _note(folder: DataFolder) -> Path:
    return folder.path / "socket-link"


def _can_name(folder: Path) -> bool:
    """Return whether clients can use this folder. For them a comma separates servers."""
    return len(os.fsencode(folder / f".s.PGSQL.{PORT}")) <= LONGEST and "," not in str(folder)
