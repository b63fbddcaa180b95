"""Edits of a route's line, as a finger on a phone makes them."""

from datetime import datetime
from uuid import UUID

from litestar import Response, patch
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody
from msgspec import UNSET

from routes.http.answers import answer
from routes.http.dependencies import Writing
from schemas.walks.line_edits import ChangedLine, LinePatch
from service.foundation.database.connection import Begin
from service.foundation.retry_safe import Expected
from service.walks.change_line import edit_route_line


@patch(
    "/routes/{route_id:uuid}/line",
    operation_id="edit_route_line",
    summary="Edit a route's line",
    tags=["routes"],
)
async def patch_route_line(
    route_id: FromPath[UUID],
    data: JSONBody[LinePatch],
    begin: NamedDependency[Begin],
    writing: NamedDependency[Writing],
    expected: NamedDependency[Expected],
    now: NamedDependency[datetime],
) -> Response[ChangedLine]:
    """Add, move and remove points; reverse, cut, join, double, close the line; bring an earlier one back.

    All edits together make one new version; sessions keep the one they were planned with. Stretches and
    features keep their place on the ground, and the answer says what lost it.
    """
    edits = data.to_edits()
    restored = None if data.restore_version is UNSET else data.restore_version
    once = writing.once(data)
    changed = await edit_route_line(begin, once, route_id, edits, restored, expected=expected, now=now)
    return answer(ChangedLine.from_changed(changed), changed.full.route.shown_revision)


HANDLERS = [patch_route_line]
