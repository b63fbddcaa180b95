"""Planning sessions: with whom, when, how, on which route or in which place."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from service.clients.queries import find_held_client
from service.foundation.crypto.sealing import Keyring, PracticeKey
from service.foundation.database.connection import Begin, Connection, Transaction
from service.foundation.instants import is_real
from service.foundation.pages import BadCursor, Cursor, PageOf, cut_page
from service.foundation.prepare_and_write import write_prepared
from service.foundation.retry_safe import Expected, Once, Unusable, found, replayed
from service.people.practice_queries import find_practice
from service.people.sign_in_queries import ByToken
from service.places.queries import find_place
from service.sessions.hold_session import held_file, keep_session
from service.sessions.queries import (
    find_session,
    find_session_of_token,
    insert_session,
    list_sessions,
)
from service.sessions.sealed_words import open_file, open_files, opened_words, seal_words
from service.sessions.sessions import (
    Correction,
    Modality,
    Session,
    SessionFile,
    SessionFilter,
    Words,
    correct,
    corrected_words,
    refuse_unusable_plan,
    refuse_words_of_nothing,
)
from service.walks.route_queries import find_route_version


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a therapist plans; without `planned_end` it lasts as long as the practice's sessions do."""

    id: UUID
    client_id: UUID
    planned_start: datetime
    planned_end: datetime | None
    modality: Modality
    route_id: UUID | None
    route_version: int | None
    place_id: UUID | None


async def plan_session(transaction: Transaction, keys: PracticeKey, plan: Plan, now: datetime) -> SessionFile:
    """Plan a session with a client of one's own. Raises Unusable, IdTaken."""
    connection, practice_id = transaction.connection, transaction.practice_id
    if transaction.replays:
        kept = replayed(await find_session(connection, practice_id, plan.id))
        return await open_file(connection, keys, practice_id, kept)
    client = await find_held_client(transaction, plan.client_id)
    if client is None:
        raise Unusable("/client_id", "you hold no client of this id")
    practice = found(await find_practice(connection, practice_id))
    session = Session(
        id=plan.id,
        therapist_id=transaction.tenant.therapist_id,
        viewers=client.viewers,
        client_id=plan.client_id,
        planned_start=plan.planned_start,
        planned_end=plan.planned_end or plan.planned_start + timedelta(seconds=practice.session_length_s),
        modality=plan.modality,
        place_id=plan.place_id,
        created_at=now,
        updated_at=now,
        **await _pinned(connection, practice_id, plan.route_id, plan.route_version),
    )
    refuse_unusable_plan(session)
    await _refuse_unknown_place(connection, practice_id, session.place_id)
    return SessionFile(await insert_session(transaction, session), Words())


async def read_session_by_token(by_token: ByToken, keyring: Keyring, session_id: UUID) -> SessionFile:
    """Return a session with its words. Raises NotSignedIn, NotFound."""
    known = await find_session_of_token(by_token, session_id)
    session = found(known.asked)
    keys = keyring.practice(known.practice_id, known.wrapped_key)
    return SessionFile(session, opened_words(keys, session, known.client_key))


async def page_of_sessions(
    connection: Connection,
    keys: PracticeKey,
    practice_id: UUID,
    wanted: SessionFilter,
    *,
    after: Cursor | None,
    limit: int,
) -> PageOf[SessionFile]:
    """Return one page of sessions by planned start. Raises BadCursor."""
    start = (_instant(after), after.id) if after else None
    sessions = await list_sessions(connection, practice_id, wanted, after=start, limit=limit + 1)
    page = cut_page(sessions, limit, lambda each: Cursor(each.planned_start.isoformat(), each.id))
    return PageOf(await open_files(connection, keys, practice_id, page.items), page.next)


def _instant(cursor: Cursor) -> datetime:
    try:
        instant = datetime.fromisoformat(cursor.key)
    except ValueError as error:
        raise BadCursor("not a cursor of this list") from error
    if instant.tzinfo is None or not is_real(instant):
        raise BadCursor("not a cursor of this list")
    return instant


async def change_session(
    begin: Begin,
    keys: PracticeKey,
    once: Once,
    session_id: UUID,
    correction: Correction,
    expected: Expected,
    now: datetime,
) -> SessionFile:
    """Replan a session, or put right what was reported. Raises NotFound, Stale, Unusable, Impossible."""

    async def write(transaction: Transaction, prepared: object) -> SessionFile:
        connection, practice_id = transaction.connection, transaction.practice_id
        file = await held_file(transaction, keys, session_id)
        if transaction.replays:
            return file
        expected.check(file.session.revision, this_write=transaction.revision)
        facts = await _resolved(connection, practice_id, file.session, correction.facts)
        words = corrected_words(file.words, correction)
        sealed = await seal_words(connection, keys, practice_id, file, words)
        after = correct(sealed, facts, now)
        refuse_words_of_nothing(after, words)
        return SessionFile(await keep_session(transaction, keys, file.session, after, prepared, now), words)

    return await write_prepared(begin, keys, once, write)


async def _resolved(
    connection: Connection, practice_id: UUID, session: Session, facts: Mapping[str, Any]
) -> dict[str, Any]:
    """Return corrections with the route's version pinned. Raises Unusable for a route or place unknown."""
    resolved = dict(facts)
    if "route_id" in facts or "route_version" in facts:
        route_id = facts.get("route_id", session.route_id)
        resolved |= await _pinned(connection, practice_id, route_id, facts.get("route_version"))
    await _refuse_unknown_place(connection, practice_id, facts.get("place_id"))
    return resolved


async def _pinned(
    connection: Connection, practice_id: UUID, route_id: UUID | None, version: int | None
) -> dict[str, Any]:
    """Return the route and its version, the one in use now unless named. Raises Unusable."""
    if route_id is None:
        if version is not None:
            raise Unusable("/route_version", "say of which route")
        return {"route_id": None, "route_version": None}
    pinned = await find_route_version(connection, practice_id, route_id, version)
    if pinned is None:
        pointer = "/route_id" if version is None else "/route_version"
        raise Unusable(pointer, "the practice has no such route, or none of this version")
    return {"route_id": route_id, "route_version": pinned}


async def _refuse_unknown_place(connection: Connection, practice_id: UUID, place_id: UUID | None) -> None:
    if place_id is not None and await find_place(connection, practice_id, place_id) is None:
        raise Unusable("/place_id", "the practice has no such place")
