"""Replan a session, or correct what was reported about it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from service.foundation.crypto.sealing import PracticeKey
from service.foundation.database.connection import Begin, Transaction
from service.foundation.retry_safe import Expected, Once
from service.sessions.corrections import correct
from service.sessions.name_session_alternatives import refuse_foreign_alternatives
from service.sessions.pin_setting import pin_setting
from service.sessions.reports import with_known_version
from service.sessions.sessions import Session, Setting
from service.sessions.write_session import write_session


async def change_session(
    begin: Begin,
    keys: PracticeKey,
    once: Once,
    session_id: UUID,
    corrections: Mapping[str, Any],
    expected: Expected,
    now: datetime,
) -> Session:
    """Replace the members named in `corrections`.

    Raises NotFound, Stale, Unusable, Impossible, IdTaken, Crowded.
    """

    async def change(transaction: Transaction, session: Session) -> Session:
        expected.check(session.revision, this_write=transaction.revision)
        pinned = await _pinned(transaction, session, corrections)
        return msgspec.structs.replace(correct(session, pinned, now), updated_at=now)

    return await write_session(begin, keys, once, session_id, change, now)


async def _pinned(
    transaction: Transaction, session: Session, corrections: Mapping[str, Any]
) -> dict[str, Any]:
    """Return corrections with the versions of routes pinned, and usable alternatives. Raises Unusable."""
    members = dict(corrections)
    named = Setting(modality=session.modality, place_id=members.get("place_id"))
    names_route = bool({"route_id", "route_version"} & members.keys())
    if names_route:
        route_id = members.get("route_id", session.route_id)
        version = members.get("route_version")
        named = msgspec.structs.replace(named, route_id=route_id, route_version=version)
    named = await pin_setting(transaction, named)
    if names_route:
        members |= {"route_id": named.route_id, "route_version": named.route_version}
    if "changes" in members:
        reports = [with_known_version(session.changes, each) for each in members["changes"]]
        members["changes"] = [
            await pin_setting(transaction, each, f"/changes/{number}") for number, each in enumerate(reports)
        ]
    if members.get("alternatives") is not None:
        plan = {name: members.get(name, getattr(session, name)) for name in Setting.__struct_fields__}
        await refuse_foreign_alternatives(transaction, Setting(**plan), members["alternatives"])
    return members
