"""Invite a therapist who has not joined yet."""

from datetime import datetime
from uuid import UUID

from service.foundation.crypto.tokens import mint_token
from service.foundation.database.connection import Begin
from service.foundation.retry_safe import Impossible, found
from service.people.invitation_queries import insert_invitation
from service.people.invitations import INVITATION_LIFE, Invitation
from service.people.therapist_queries import find_credentials


async def invite_therapist(begin: Begin, therapist_id: UUID, now: datetime) -> Invitation:
    """Open an invitation for a therapist who has not joined yet; an earlier one becomes void.

    Whoever has an invitation becomes that therapist. So an owner gets none for a colleague who has joined and
    has clients; whoever runs the installation sets a new password then. Raises NotFound, Impossible.
    """
    async with begin.write() as transaction:
        connection, practice_id = transaction.connection, transaction.practice_id
        invited = found(await find_credentials(connection, practice_id, therapist_id))
        if invited.deactivated_at is not None:
            raise Impossible("this therapist is deactivated", "reactivate them first")
        if invited.password_hash is not None:
            raise Impossible(
                "this therapist has joined, and has a password of their own",
                "they change it from a phone that is signed in",
                "whoever runs the service sets another: towpath therapist reset-password",
            )
        text, digest = mint_token("invitation", practice_id)
        await insert_invitation(connection, practice_id, therapist_id, digest, now + INVITATION_LIFE)
        return Invitation(therapist_id, text, now + INVITATION_LIFE)
