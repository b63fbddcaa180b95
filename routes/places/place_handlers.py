"""Rooms, online addresses and phone numbers of the practice."""

from datetime import datetime
from uuid import UUID

from litestar import Response, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from routes.http.answers import answer, created
from routes.http.dependencies import DEFAULT_LIMIT, Archived, Creating, CursorText, Limit, Writing, after
from schemas.base import changes_of
from schemas.places.places import PlaceIn, PlaceOut, PlacePage, PlacePatch
from service.foundation.database.connection import Begin
from service.foundation.retry_safe import Expected
from service.places.keep_places import add_place, change_place, page_of_places, read_place


@post("/places", operation_id="create_place", summary="Add a place", tags=["places"])
async def post_place(
    data: JSONBody[PlaceIn],
    begin: NamedDependency[Begin],
    creating: NamedDependency[Creating],
    now: NamedDependency[datetime],
) -> Response[PlaceOut]:
    """Add a room, an online address or a phone number."""
    place, replayed = await add_place(begin, creating.once(data.id, data), data.to_place(now))
    return created(PlaceOut.of(place), place.revision, f"/v1/places/{place.id}", replayed=replayed)


@get("/places", operation_id="list_places", summary="List places", tags=["places"])
async def get_places(
    begin: NamedDependency[Begin],
    cursor: CursorText = None,
    limit: Limit = DEFAULT_LIMIT,
    archived: Archived = False,  # noqa: FBT002  a query parameter
) -> PlacePage:
    """List places by name."""
    page = await page_of_places(begin, archived=archived, after=after(cursor), limit=limit)
    return PlacePage.from_page(page, PlaceOut.of)


@get("/places/{place_id:uuid}", operation_id="read_place", summary="Read a place", tags=["places"])
async def get_place(place_id: FromPath[UUID], begin: NamedDependency[Begin]) -> Response[PlaceOut]:
    """Read a place, archived or not."""
    place = await read_place(begin, place_id)
    return answer(PlaceOut.of(place), place.revision)


@patch("/places/{place_id:uuid}", operation_id="change_place", summary="Change a place", tags=["places"])
async def patch_place(
    place_id: FromPath[UUID],
    data: JSONBody[PlacePatch],
    begin: NamedDependency[Begin],
    writing: NamedDependency[Writing],
    expected: NamedDependency[Expected],
    now: NamedDependency[datetime],
) -> Response[PlaceOut]:
    """Change what is named, archive or restore."""
    once, changes = writing.once(data), changes_of(data, now)
    place = await change_place(begin, once, place_id, changes, expected=expected, now=now)
    return answer(PlaceOut.of(place), place.revision)


HANDLERS = [post_place, get_places, get_place, patch_place]
