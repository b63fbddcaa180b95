"""Plan a session: with whom, when, how, on which route or in which place."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from service.clients.queries import find_held_client
from service.foundation.crypto.sealing import PracticeKey
from service.foundation.database.connection import Begin, Transaction
from service.foundation.retry_safe import NotFound, Once, Unusable, found, replayed
from service.people.practice_queries import find_practice
from service.sessions.corrections import refuse_unusable_plan
from service.sessions.name_session_alternatives import refuse_foreign_alternatives
from service.sessions.pin_setting import pin_setting
from service.sessions.session_queries import (
    SealedSession,
    SessionRow,
    find_changes_and_keys,
    find_session,
    insert_session,
)
from service.sessions.session_words import open_session, seal_words
from service.sessions.sessions import Session, Setting
from service.walks.alternatives import Alternative


class SessionPlan(Setting, frozen=True, kw_only=True):
    """What a therapist plans. Without `planned_end` it lasts as long as the practice's sessions do."""

    id: UUID
    client_id: UUID
    planned_start: datetime
    planned_end: datetime | None
    alternatives: tuple[Alternative, ...] | None = None
    """None to follow the route's."""


async def plan_session(
    begin: Begin, keys: PracticeKey, once: Once, plan: SessionPlan, now: datetime
) -> tuple[Session, bool]:
    """Plan a session with a client of one's own; also return whether it was planned before.

    Raises Unusable, IdTaken.
    """
    async with begin.write(once) as transaction:
        if transaction.replays:
            row = replayed(await find_session(transaction.connection, transaction.practice_id, plan.id))
        else:
            row = await insert_session(transaction, await new_session_row(transaction, keys, plan, now))
        [sealed] = await find_changes_and_keys(transaction.connection, transaction.practice_id, [row])
    return open_session(keys, sealed), transaction.replays


async def new_session_row(
    transaction: Transaction, keys: PracticeKey, plan: SessionPlan, now: datetime
) -> SessionRow:
    """Return the row of a plan that makes sense. Raises Unusable."""
    client = await find_held_client(transaction, plan.client_id)
    if client is None:
        raise Unusable("/client_id", "you hold no client of this id")
    practice = found(await find_practice(transaction.connection, transaction.practice_id))
    length = timedelta(seconds=practice.session_length_s)
    planned = msgspec.structs.asdict(await pin_setting(transaction, plan))
    alternatives = planned.pop("alternatives")
    planned["planned_end"] = plan.planned_end or plan.planned_start + length
    row = SessionRow(
        **planned,
        therapist_id=transaction.tenant.therapist_id,
        viewers=client.viewers,
        flags=[],
        created_at=now,
        updated_at=now,
    )
    refuse_unusable_plan(row)
    if alternatives is None:
        return row
    await refuse_foreign_alternatives(transaction, plan, alternatives)
    return await _with_alternatives(transaction, keys, row, alternatives)


async def _with_alternatives(
    transaction: Transaction, keys: PracticeKey, row: SessionRow, alternatives: tuple[Alternative, ...]
) -> SessionRow:
    """Return the row of a new session with its own alternatives sealed. Raises Unusable without a key."""
    session = open_session(keys, SealedSession(row, [], None))
    planned = msgspec.structs.replace(session, alternatives=alternatives)
    try:
        words = await seal_words(transaction, keys, planned, [])
    except NotFound:
        raise Unusable("/alternatives", "they cannot be kept: the client's key is missing") from None
    return msgspec.structs.replace(row, sealed=words.session)
