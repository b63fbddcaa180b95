"""Whose rows a transaction may see."""

from typing import Final
from uuid import UUID

import msgspec


class Tenant(msgspec.Struct, frozen=True):
    """The practice and the therapist of a transaction. Row-level security compares rows with these two."""

    practice_id: UUID
    therapist_id: UUID


NOBODY: Final = UUID(int=0)
"""The therapist of a transaction before sign-in. It sees rows of the practice, but no clinical ones."""
