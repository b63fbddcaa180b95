"""Read what happened to one's own account."""

from service.foundation.database.connection import Begin
from service.foundation.pages import Cursor, PageOf, cut_page
from service.people.security_event_queries import list_security_events
from service.people.security_events import SecurityEvent


async def page_of_security_events(begin: Begin, *, after: Cursor | None, limit: int) -> PageOf[SecurityEvent]:
    """Return one page of this therapist's security events, the latest first. Raises BadCursor."""
    before = (after.instant(), after.id) if after else None
    tenant = begin.tenant
    async with begin.read() as connection:
        events = await list_security_events(
            connection, tenant.practice_id, tenant.therapist_id, before=before, limit=limit + 1
        )
    return cut_page(events, limit, lambda event: Cursor(event.at.isoformat(), event.id))
