"""Refuse a usual session that names a route or a place the practice does not have."""

from service.clients.clients import ClientRecord
from service.clients.modality import Modality
from service.clients.usual_sessions import UsualSession, UsualSetting
from service.foundation.database.connection import Transaction
from service.foundation.retry_safe import Unusable
from service.sessions.pin_setting import pin_setting
from service.sessions.sessions import Setting
from service.walks.alternative_queries import find_targets
from service.walks.alternatives import Alternative, AlternativeKind, refuse_unusable_alternative


async def refuse_foreign_usual_session(transaction: Transaction, record: ClientRecord) -> None:
    """Raise Unusable where a record's usual session leads nowhere."""
    usual = record.usual_session
    if usual is None:
        return
    await pin_setting(transaction, usual_setting(usual), "/usual_session")
    instead = usual_alternative(usual)
    if instead is None:
        return
    here = "/usual_session/alternative"
    if instead.route_id is not None and instead.route_id == usual.route_id:
        raise Unusable(f"{here}/route_id", "a route is no alternative to itself")
    targets = await find_targets(transaction.connection, transaction.practice_id, [instead])
    refuse_unusable_alternative(instead, targets, here)


def usual_setting(usual: UsualSetting) -> Setting:
    """Return how and where a usual session is held; its route's version is the one in use."""
    return Setting(modality=usual.modality, route_id=usual.route_id, place_id=usual.place_id)


def usual_alternative(usual: UsualSession) -> Alternative | None:
    """Return what is done instead of a usual session; None where its route says so."""
    instead = usual.alternative
    if instead is None:
        return None
    kind = AlternativeKind.ROUTE if instead.modality is Modality.WALK else AlternativeKind(instead.modality)
    return Alternative(kind=kind, route_id=instead.route_id, place_id=instead.place_id)
