"""Look up what the alternatives of a session lead to, and refuse those that lead nowhere."""

from collections.abc import Sequence
from uuid import UUID

from service.foundation.database.connection import Connection, Transaction
from service.sessions.session_alternatives import (
    SessionAlternatives,
    numbered_alternatives,
    refuse_unusable_plan_alternatives,
)
from service.sessions.sessions import Session, Setting
from service.walks.alternative_queries import find_alternatives, find_targets
from service.walks.alternatives import Alternative
from service.walks.name_alternatives import name_alternatives, name_last_resort
from service.walks.route_queries import find_route


async def name_session_alternatives(
    connection: Connection, practice_id: UUID, session: Session
) -> SessionAlternatives:
    """Return the alternatives of a session: its own, or else its route's, then the practice's last resort."""
    own, listed, revision = session.alternatives is not None, session.alternatives or (), session.revision
    if not own and session.route_id is not None:
        listed = await find_alternatives(connection, practice_id, session.route_id)
        route = await find_route(connection, practice_id, session.route_id)
        revision = max(revision, 0 if route is None else route.revision)
    named = await name_alternatives(connection, practice_id, listed)
    resort = await name_last_resort(connection, practice_id)
    items = numbered_alternatives(session, named.items, resort.named)
    revision = max(revision, named.revision, resort.shown_revision)
    unreadable = session.unreadable and not own
    return SessionAlternatives(session.id, own, items, revision, unreadable)


async def refuse_foreign_alternatives(
    transaction: Transaction, plan: Setting, alternatives: Sequence[Alternative]
) -> None:
    """Raise Unusable unless a session that is planned like this may name these alternatives."""
    targets = await find_targets(transaction.connection, transaction.practice_id, alternatives)
    refuse_unusable_plan_alternatives(plan, alternatives, targets)
