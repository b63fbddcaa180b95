"""Open invitations, by the digest of their token."""

from datetime import datetime
from uuid import UUID

from service.foundation.database.connection import Connection
from service.foundation.database.query import Query, Statement

VOID_INVITATIONS = Statement(
    """
    DELETE FROM invitation
     WHERE practice_id = $1
       AND therapist_id = $2
""",
)


async def void_invitations(connection: Connection, practice_id: UUID, therapist_id: UUID) -> None:
    """Delete every open invitation of a therapist."""
    await VOID_INVITATIONS.run(connection, practice_id, therapist_id)


INSERT_INVITATION = Statement(
    """
    INSERT INTO invitation (practice_id, digest, therapist_id, expires_at)
    VALUES ($1, $2, $3, $4)
""",
)


async def insert_invitation(
    connection: Connection, practice_id: UUID, therapist_id: UUID, digest: bytes, expires_at: datetime
) -> None:
    """Store a therapist's one open invitation; an earlier one is void."""
    await void_invitations(connection, practice_id, therapist_id)
    await INSERT_INVITATION.run(connection, practice_id, digest, therapist_id, expires_at)


INVITATION_EXPIRY = Query(
    datetime,
    """
    SELECT expires_at
      FROM invitation
     WHERE practice_id = $1
       AND digest = $2
""",
)


async def find_invitation_expiry(connection: Connection, practice_id: UUID, digest: bytes) -> datetime | None:
    """Return when an open invitation ends."""
    return await INVITATION_EXPIRY.one_or_none(connection, practice_id, digest)


SPEND_INVITATION = Query(
    UUID,
    """
    DELETE FROM invitation
     WHERE practice_id = $1
       AND digest = $2
       AND expires_at > $3
 RETURNING therapist_id
""",
)


async def spend_invitation(
    connection: Connection, practice_id: UUID, digest: bytes, now: datetime
) -> UUID | None:
    """Delete an open invitation and return whom it is for; None where there is none."""
    return await SPEND_INVITATION.one_or_none(connection, practice_id, digest, now)


INVITED_THERAPIST = Query(
    UUID,
    """
    SELECT therapist_id
      FROM invitation
     WHERE practice_id = $1
       AND digest = $2
       AND expires_at > $3
""",
)


async def find_invited_therapist(
    connection: Connection, practice_id: UUID, digest: bytes, now: datetime
) -> UUID | None:
    """Return whom an open invitation is for; it stays open."""
    return await INVITED_THERAPIST.one_or_none(connection, practice_id, digest, now)
