"""Invitations: single-use links by which a therapist joins and sets a first password."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from service.foundation.errors import DomainError

INVITATION_LIFE: Final = timedelta(days=7)


class Invitation(msgspec.Struct, frozen=True):
    """An open invitation with its token, which only the answer that opens it contains."""

    therapist_id: UUID
    token: str
    expires_at: datetime


class InvitationSpent(DomainError):
    """The invitation was used, has expired or never existed."""

    def __init__(self) -> None:
        super().__init__("ask an owner of the practice for a new invitation")
