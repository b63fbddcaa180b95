"""A week of sessions, planned in one request."""

from datetime import datetime

from litestar import post
from litestar.di import NamedDependency
from litestar.params import JSONBody

from routes.http.dependencies import Writing
from schemas.sessions.week import WeekIn, WeekOut
from service.foundation.crypto.sealing import PracticeKey
from service.foundation.database.connection import Begin
from service.sessions.plan_week import plan_week


@post(
    "/sessions/plan-week",
    operation_id="plan_week",
    summary="Plan a week",
    tags=["sessions"],
    status_code=200,
)
async def post_week(
    data: JSONBody[WeekIn],
    begin: NamedDependency[Begin],
    keys: NamedDependency[PracticeKey],
    writing: NamedDependency[Writing],
    now: NamedDependency[datetime],
) -> WeekOut:
    """Plan the usual session of each of your clients in a week, or the sessions of the week before again.

    Local times stay the same when the clocks change. What was planned so before stays as it is, and a client
    who has another session in that week is left alone. What has begun by now, or would clash with another
    session, is not planned. Asking again is safe.
    """
    return WeekOut.from_week(await plan_week(begin, keys, writing.once(data), data.to_plan(), now))


HANDLERS = [post_week]
