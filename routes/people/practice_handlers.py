"""The practice."""

from datetime import datetime

from litestar import Response, get, patch
from litestar.di import NamedDependency
from litestar.params import JSONBody

from routes.http.answers import answer
from routes.http.dependencies import OWNER, Writing
from schemas.base import changes_of
from schemas.people.practices import PracticeOut, PracticePatch
from service.foundation.database.connection import Begin
from service.foundation.retry_safe import Expected
from service.people.keep_practice import change_practice, read_practice


@get("/practice", operation_id="read_practice", summary="Read the practice", tags=["practice"])
async def get_practice(begin: NamedDependency[Begin]) -> Response[PracticeOut]:
    """Read the practice and the defaults it plans with."""
    practice = await read_practice(begin)
    return answer(PracticeOut.from_practice(practice), practice.revision)


@patch(
    "/practice", operation_id="change_practice", summary="Change the practice", tags=["practice"], opt=OWNER
)
async def patch_practice(
    data: JSONBody[PracticePatch],
    begin: NamedDependency[Begin],
    writing: NamedDependency[Writing],
    expected: NamedDependency[Expected],
    now: NamedDependency[datetime],
) -> Response[PracticeOut]:
    """Change name, time zone or defaults. Owners only."""
    changes = changes_of(data, now)
    practice = await change_practice(begin, writing.once(data), changes, expected=expected, now=now)
    return answer(PracticeOut.from_practice(practice), practice.revision)


HANDLERS = [get_practice, patch_practice]
