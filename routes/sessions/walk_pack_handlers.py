"""The walk pack: what a phone takes along."""

from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from routes.http.answers import content_answer
from schemas.sessions.walk_pack import WalkPackOut
from service.foundation.crypto.sealing import PracticeKey
from service.foundation.database.connection import Begin
from service.sessions.read_walk_pack import read_walk_pack


@get(
    "/sessions/{session_id:uuid}/walk-pack",
    operation_id="read_walk_pack",
    summary="Read what to take along",
    tags=["sessions"],
    opt={"exclude_from_compression": True},
)
async def get_walk_pack(
    session_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    begin: NamedDependency[Begin],
    keys: NamedDependency[PracticeKey],
) -> Response[WalkPackOut]:
    """Read all that is needed on the way without signal: line, times, ways out, alternatives, whom to call.

    It is small: an hour's route takes less than 60 KB compressed. Its ETag changes only with its content, so
    that asking again before leaving costs a 304.
    """
    pack = await read_walk_pack(begin, keys, session_id)
    return await content_answer(request.headers, lambda: WalkPackOut.from_pack(pack))


HANDLERS = [get_walk_pack]
