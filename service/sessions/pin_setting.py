"""Look up the route and the place that a plan, a report or a correction names."""

from typing import TypeVar

import msgspec

from service.foundation.database.connection import Transaction
from service.foundation.retry_safe import Unusable
from service.places.queries import find_place
from service.sessions.sessions import Setting
from service.walks.route_queries import find_route_version

Named = TypeVar("Named", bound=Setting)


async def pin_setting(transaction: Transaction, setting: Named, pointer: str = "") -> Named:
    """Return a setting with its route's version pinned: the one in use now, unless it names another.

    Raises Unusable for a route or place that the practice does not have; `pointer` says where the setting is.
    """
    connection, practice_id = transaction.connection, transaction.practice_id
    route_id, version, place_id = setting.route_id, setting.route_version, setting.place_id
    if place_id is not None and await find_place(connection, practice_id, place_id) is None:
        raise Unusable(f"{pointer}/place_id", "the practice has no such place")
    if route_id is None:
        if version is not None:
            raise Unusable(f"{pointer}/route_version", "say of which route")
        return setting
    pinned = await find_route_version(connection, practice_id, route_id, version)
    if pinned is None:
        member = "route_id" if version is None else "route_version"
        raise Unusable(f"{pointer}/{member}", "the practice has no such route, or none of this version")
    return msgspec.structs.replace(setting, route_version=pinned)
