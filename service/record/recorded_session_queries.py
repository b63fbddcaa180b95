"""A session as the record sees it, with its client's key and permission, its track and its marks.

The tables `session`, `practice`, `client` and `client_key` belong to other subjects. They are joined here
because every tap, note and track reads this row first, inside a write that other writers of the practice wait
for, and because sessions stand above the record and cannot be called from it.
"""

from datetime import datetime
from uuid import UUID

import msgspec

from service.foundation.database.connection import Connection
from service.foundation.database.query import Query
from service.foundation.retry_safe import NotFound
from service.foundation.tenant import Tenant


class RecordedSession(msgspec.Struct, frozen=True):
    """A session with its client's key and permission, and how far its record has come.

    While two of them are equal, what was prepared from the first still fits the second.
    """

    session_id: UUID
    client_id: UUID
    viewers: list[UUID]
    held: bool
    """False for a colleague who may read but not write."""
    started_at: datetime | None
    ended_at: datetime | None
    planned_start: datetime
    planned_end: datetime
    zone: str
    """Of its practice."""
    route_id: UUID | None
    route_version: int | None
    session_revision: int
    track_revision: int | None
    """None where there is no track."""
    marks_revision: int
    """The newest revision among the session's moments and notes; 0 without any."""
    location_agreed: bool | None
    """None until the client was asked."""
    wrapped_key: bytes


RECORDED_SESSION = Query(
    RecordedSession,
    """
    SELECT session.id AS session_id, session.client_id, session.viewers,
           session.therapist_id = $3 AS held, session.started_at, session.ended_at,
           session.planned_start, session.planned_end, practice.zone, session.route_id,
           session.route_version, session.revision AS session_revision, track.revision AS track_revision,
           greatest((SELECT max(moment.revision) FROM moment
                      WHERE moment.practice_id = $1 AND moment.session_id = $2),
                    (SELECT max(note.revision) FROM note
                      WHERE note.practice_id = $1 AND note.session_id = $2), 0) AS marks_revision,
           client.location_agreed, client_key.wrapped AS wrapped_key
      FROM session
      JOIN practice ON practice.practice_id = session.practice_id
      JOIN client ON client.practice_id = session.practice_id AND client.id = session.client_id
      JOIN client_key ON client_key.practice_id = session.practice_id
                     AND client_key.client_id = session.client_id
      LEFT JOIN track ON track.practice_id = session.practice_id AND track.session_id = session.id
     WHERE session.practice_id = $1
       AND session.id = $2
""",
)


async def find_recorded_session(
    connection: Connection, tenant: Tenant, session_id: UUID
) -> RecordedSession | None:
    """Return a session this therapist may see."""
    return await RECORDED_SESSION.one_or_none(connection, tenant.practice_id, session_id, tenant.therapist_id)


async def find_session_to_record(connection: Connection, tenant: Tenant, session_id: UUID) -> RecordedSession:
    """Return a session this therapist may write to. Raises NotFound."""
    session = await find_recorded_session(connection, tenant, session_id)
    if session is None or not session.held:
        raise NotFound
    return session
