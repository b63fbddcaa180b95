"""Where clients find the server's socket; a system call takes only short socket paths."""

import os
import sys
import tempfile
from pathlib import Path
from typing import Final

from service.db.embedded.errors import EmbeddedError
from service.db.embedded.folder import DataFolder, write_secret

LONGEST: Final = 107 if sys.platform == "linux" else 103
"""Bytes in a socket's path: sun_path without its closing zero."""

PORT: Final = 5432
"""Only a part of the socket's name; nothing listens on a network."""


def socket_folder(folder: DataFolder) -> Path:
    """Return a folder whose name is short enough to connect through: the socket's own, or a link to it.

    The server names the socket from where it stands and has no such limit.
    """
    clear_link(folder)
    if _fits(folder.sockets):
        return folder.sockets
    for place in (os.environ.get("XDG_RUNTIME_DIR"), tempfile.gettempdir(), "/tmp"):  # noqa: S108  mkdtemp makes a private folder there
        if place and Path(place).is_dir() and _fits(Path(place) / "towpath-12345678" / "run"):
            return _link(folder, Path(place))
    raise EmbeddedError(
        f"The path {folder.path} is too long for a socket, and no temporary folder is shorter."
    )


def clear_link(folder: DataFolder) -> None:
    """Remove the link, also one left by a start that was killed."""
    note = _note(folder)
    if not note.exists():
        return
    link = Path(note.read_text().strip())
    # The temporary folder is everyone's: what has our name may be somebody else's by now.
    if link.is_symlink() and link.parent.lstat().st_uid == os.geteuid():
        link.unlink()
        link.parent.rmdir()
    note.unlink()


def _link(folder: DataFolder, place: Path) -> Path:
    link = Path(tempfile.mkdtemp(prefix="towpath-", dir=place)) / "run"
    write_secret(_note(folder), str(link))
    link.symlink_to(folder.sockets)
    return link


def _note(folder: DataFolder) -> Path:
    return folder.path / "socket-link"


def _fits(folder: Path) -> bool:
    return len(os.fsencode(folder / f".s.PGSQL.{PORT}")) <= LONGEST
