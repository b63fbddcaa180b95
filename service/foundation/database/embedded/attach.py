"""Access to an embedded server that another process of this installation runs."""

from contextlib import ExitStack
from pathlib import Path

from service.foundation.database.embedded.binaries import find_binaries
from service.foundation.database.embedded.cluster import SUPERUSER
from service.foundation.database.embedded.errors import DataFolderForeign
from service.foundation.database.embedded.folder import DataFolder, keep_password
from service.foundation.database.embedded.server import EmbeddedServer
from service.foundation.database.embedded.sockets import known_socket_folder


def attach_embedded(data: Path) -> EmbeddedServer:
    """Return the running server of a data folder in use. Stopping it here does nothing.

    Raises DataFolderForeign where this account may not read the folder.
    """
    folder = DataFolder(data.resolve())
    try:
        password = keep_password(folder, SUPERUSER)
        sockets = known_socket_folder(folder)
    except PermissionError as error:
        raise DataFolderForeign(
            f"{folder.path} was set up by another account. Run this command as that account."
        ) from error
    return EmbeddedServer(folder, find_binaries(), sockets, password, ExitStack())
