"""What can keep the embedded PostgreSQL from starting; each message names the way out."""


class EmbeddedError(Exception):
    """The embedded PostgreSQL cannot do what was asked; the message says why and what helps."""


class DataFolderInUse(EmbeddedError):
    """Another process runs Towpath on this data folder."""


class DataFolderForeign(EmbeddedError):
    """The data folder, or a part of it, belongs to another account."""


class DataFolderDamaged(EmbeddedError):
    """A part of the data folder that cannot be made again is missing."""


class WrongMajorVersion(EmbeddedError):
    """The data was written by another major version of PostgreSQL."""


class BinariesMissing(EmbeddedError):
    """PostgreSQL's programs are not installed, or not where the account that runs them can reach them."""


class StartFailed(EmbeddedError):
    """PostgreSQL ended instead of starting; the message carries its last words."""


class NotDurable(EmbeddedError):
    """A setting that keeps acknowledged writes through a crash is off."""
