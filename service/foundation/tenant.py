"""Whose rows a transaction may see."""

from typing import Final
from uuid import UUID

import msgspec


class Tenant(msgspec.Struct, frozen=True):
    """Whose rows a transaction may see: row-level security compares them with nothing else."""

    practice_id: UUID
    therapist_id: UUID


NOBODY: Final = UUID(int=0)
"""The therapist of a transaction before anyone has signed in: sees the practice, nothing clinical."""
