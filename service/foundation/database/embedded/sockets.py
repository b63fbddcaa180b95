"""Where clients find the server's socket; a system call takes only short socket paths."""

import os
import sys
import tempfile
from pathlib import Path
from typing import Final

from service.foundation.database.embedded.errors import EmbeddedError
from service.foundation.database.embedded.folder import DataFolder, write_private

LONGEST: Final = 107 if sys.platform == "linux" else 103
"""Bytes in a socket's path: sun_path without its closing zero."""

PORT: Final = 5432
"""Only a part of the socket's name; nothing listens on a network."""

PREFIX: Final = "towpath-"


def socket_folder(folder: DataFolder) -> Path:
    """Return a folder whose name clients can be given: the socket's own, or a short link to it.

    The link lies in a private folder below a temporary one. The server itself names the socket from where it
    stands and has no such limit.
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
        f"{folder.path} is too long a path for a socket. Choose a shorter one with TOWPATH_DATA."
    )


def known_socket_folder(folder: DataFolder) -> Path:
    """Return what `socket_folder` answered the process that started the running server."""
    note = _note(folder)
    return Path(note.read_text().strip()) if note.exists() else folder.sockets


def clear_link(folder: DataFolder) -> None:
    """Remove the link, also one left by a start that was killed."""
    note = _note(folder)
    if not note.exists():
        return
    link = Path(note.read_text().strip())
    # The temporary folder is everyone's: what has our name may be somebody else's by now.
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
    """Tell whether clients can be given this folder; to them a comma separates one server from the next."""
    return len(os.fsencode(folder / f".s.PGSQL.{PORT}")) <= LONGEST and "," not in str(folder)
