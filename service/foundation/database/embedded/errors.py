"""Errors of the embedded PostgreSQL; each message says what to do."""


class EmbeddedError(Exception):
    """The embedded PostgreSQL cannot be started or used; the message says why and what to do."""


class DataFolderInUse(EmbeddedError):
    """Another process runs Towpath on this data folder."""


class DataFolderForeign(EmbeddedError):
    """The data folder or a part of it belongs to another account."""


class DataFolderDamaged(EmbeddedError):
    """A part of the data folder is missing and cannot be made again."""


class WrongMajorVersion(EmbeddedError):
    """The data was written by another major version of PostgreSQL."""


class BinariesMissing(EmbeddedError):
    """PostgreSQL's programs are not installed, or the account that should run them has no access to them."""


class StartFailed(EmbeddedError):
    """PostgreSQL ended instead of starting; the message has the last lines it printed."""


class NotDurable(EmbeddedError):
    """A setting is off without which a crash would lose acknowledged writes."""
