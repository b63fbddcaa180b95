"""Security events of therapists."""

from datetime import datetime
from uuid import UUID, uuid4

from service.foundation.database.columns import Columns
from service.foundation.database.connection import Connection, Transaction
from service.foundation.database.query import Query
from service.people.security_events import SecurityEvent, SecurityEventKind

SECURITY_EVENT = Columns("security_event", SecurityEvent, names_therapist=True)

INSERT_SECURITY_EVENT = Query(SecurityEvent, SECURITY_EVENT.insert)


async def record_security_event(
    transaction: Transaction,
    kind: SecurityEventKind,
    therapist_id: UUID,
    at: datetime,
    *,
    device_id: UUID | None = None,
    old_email: str | None = None,
    new_email: str | None = None,
) -> None:
    """Store what happened to the account of a therapist, who may be another than the one who writes."""
    event = SecurityEvent(
        id=uuid4(),
        therapist_id=therapist_id,
        kind=kind,
        at=at,
        device_id=device_id,
        old_email=old_email,
        new_email=new_email,
    )
    await INSERT_SECURITY_EVENT.insert(transaction.connection, *SECURITY_EVENT.inserted(transaction, event))


SECURITY_EVENTS_BEFORE = Query(
    SecurityEvent,
    f"""
    SELECT {SECURITY_EVENT.listed}
      FROM security_event
     WHERE practice_id = $1
       AND therapist_id = $2
       AND ($3::timestamptz IS NULL OR (at, id) < ($3, $4::uuid))
     ORDER BY at DESC, id DESC
     LIMIT $5
""",
)


async def list_security_events(
    connection: Connection,
    practice_id: UUID,
    therapist_id: UUID,
    *,
    before: tuple[datetime, UUID] | None,
    limit: int,
) -> list[SecurityEvent]:
    """Return up to `limit` events of a therapist's account, the latest first."""
    at, last = before or (None, None)
    return await SECURITY_EVENTS_BEFORE.all(connection, practice_id, therapist_id, at, last, limit)
