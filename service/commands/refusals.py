"""Errors of commands, as sentences for the person who typed the command."""

from typing import Final

import asyncpg

from service.commands.installation import CommandRefused
from service.config import BadSetting
from service.foundation.crypto.key_file import KeyFileError
from service.foundation.database.backup_files import BackupRefused
from service.foundation.database.check_installation import MigrationsPending
from service.foundation.database.checks import UnsafeDatabase
from service.foundation.database.embedded import EmbeddedError
from service.foundation.database.roles import RolesRefused
from service.foundation.database.sql_files import MigrationRefused
from service.foundation.errors import DomainError
from service.foundation.retry_safe import Impossible
from service.people.sign_ins import WhichPractice

SAID: Final = (
    BackupRefused,
    BadSetting,
    CommandRefused,
    DomainError,
    EmbeddedError,
    KeyFileError,
    MigrationRefused,
    MigrationsPending,
    RolesRefused,
)
"""Their messages are written for people and say what to do."""


def explain(error: Exception) -> str | None:
    """Return the sentence for an error; None for a fault of the program."""
    while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:  # as Litestar's start raises it
        error = error.exceptions[0]
    if isinstance(error, WhichPractice):
        practices = "\n".join(f"  --practice {each}" for each in error.practice_ids)
        return f"This email signs in to several practices. Choose one:\n{practices}"
    if isinstance(error, Impossible):
        return f"{error}: {'; or '.join(error.possible)}"
    if isinstance(error, SAID):
        return str(error)
    if isinstance(error, UnsafeDatabase):
        return "\n".join(
            ["This database is not safe to serve on:", *(f"  - {each}" for each in error.reasons)]
        )
    return _explain_outside(error)


def _explain_outside(error: Exception) -> str | None:
    """Return the sentence for an error of the database or the file system."""
    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
        return f"The database refuses the sign-in: {error}."
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename} cannot be used ({error.strerror})."
    return None
