"""Invite a therapist who has not joined yet."""

from datetime import datetime
from uuid import UUID

from service.foundation.crypto.sealing import PracticeKey
from service.foundation.crypto.tokens import mint_token
from service.foundation.database.connection import Begin
from service.foundation.retry_safe import Impossible, Once, found
from service.people.invitation_queries import find_invitation_expiry, insert_invitation
from service.people.invitations import INVITATION_LIFE, Invitation, InvitationSpent
from service.people.therapist_queries import find_credentials


async def invite_therapist(
    begin: Begin, keys: PracticeKey, once: Once, therapist_id: UUID, now: datetime
) -> Invitation:
    """Open an invitation for a therapist who has not joined yet; an earlier one becomes void.

    Whoever has an invitation becomes that therapist. So an owner gets none for a colleague who has joined and
    has clients; whoever runs the installation sets a new password then.

    The token is made of the write's own key, so a repeated write answers it again without its being stored.
    Raises NotFound, Impossible, and InvitationSpent where a repeated write's link is void by now.
    """
    secret = keys.fingerprint(b"invitation\n" + once.scope.bytes + once.key.encode())
    text, digest = mint_token("invitation", begin.tenant.practice_id, secret)
    async with begin.write(once) as transaction:
        connection, practice_id = transaction.connection, transaction.practice_id
        if transaction.replays:
            expires_at = await find_invitation_expiry(connection, practice_id, digest)
            if expires_at is None:
                raise InvitationSpent
            return Invitation(therapist_id, text, expires_at)
        invited = found(await find_credentials(connection, practice_id, therapist_id))
        if invited.deactivated_at is not None:
            raise Impossible("this therapist is deactivated", "reactivate them first")
        if invited.password_hash is not None:
            raise Impossible(
                "this therapist has joined, and has a password of their own",
                "they change it from a phone that is signed in",
                "whoever runs the service sets another: towpath therapist reset-password",
            )
        await insert_invitation(connection, practice_id, therapist_id, digest, now + INVITATION_LIFE)
        return Invitation(therapist_id, text, now + INVITATION_LIFE)
