"""Points of a route worth knowing."""

from datetime import datetime
from uuid import UUID

from litestar import Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from routes.http.answers import answer, created
from routes.http.dependencies import Creating, Writing
from schemas.walks.routes import FeatureIn, FeatureOut, FeaturePatch
from service.foundation.database.connection import Begin
from service.foundation.retry_safe import Expected
from service.people.sign_ins import SignIn
from service.walks.keep_features import add_feature, change_feature, read_feature, remove_feature


@post(
    "/routes/{route_id:uuid}/features",
    operation_id="create_feature",
    summary="Mark a point of a route",
    tags=["routes"],
)
async def post_feature(
    route_id: FromPath[UUID],
    data: JSONBody[FeatureIn],
    begin: NamedDependency[Begin],
    creating: NamedDependency[Creating],
    now: NamedDependency[datetime],
) -> Response[FeatureOut]:
    """Mark a bench, a shelter, an exit, a hazard; where along the line it lies is answered."""
    new = data.to_feature(route_id, now)
    feature, replayed = await add_feature(begin, creating.once(data.id, data), new)
    location = f"/v1/routes/{route_id}/features/{feature.id}"
    return created(FeatureOut.from_feature(feature), feature.revision, location, replayed=replayed)


@get(
    "/routes/{route_id:uuid}/features/{feature_id:uuid}",
    operation_id="read_feature",
    summary="Read a point of a route",
    tags=["routes"],
)
async def get_feature(
    route_id: FromPath[UUID],
    feature_id: FromPath[UUID],
    begin: NamedDependency[Begin],
    sign_in: NamedDependency[SignIn],
) -> Response[FeatureOut]:
    """Read one point; a route is answered with all of its points."""
    async with begin.read() as connection:
        feature = await read_feature(connection, sign_in.practice_id, route_id, feature_id)
    return answer(FeatureOut.from_feature(feature), feature.revision)


@patch(
    "/routes/{route_id:uuid}/features/{feature_id:uuid}",
    operation_id="change_feature",
    summary="Change a point of a route",
    tags=["routes"],
)
async def patch_feature(
    route_id: FromPath[UUID],
    feature_id: FromPath[UUID],
    data: JSONBody[FeaturePatch],
    begin: NamedDependency[Begin],
    writing: NamedDependency[Writing],
    expected: NamedDependency[Expected],
    now: NamedDependency[datetime],
) -> Response[FeatureOut]:
    """Change what is named, or move the point."""
    feature = await change_feature(
        begin, writing.once(data), route_id, feature_id, data.to_changes(now), expected=expected, now=now
    )
    return answer(FeatureOut.from_feature(feature), feature.revision)


@delete(
    "/routes/{route_id:uuid}/features/{feature_id:uuid}",
    operation_id="delete_feature",
    summary="Remove a point of a route",
    tags=["routes"],
)
async def delete_feature(
    route_id: FromPath[UUID],
    feature_id: FromPath[UUID],
    begin: NamedDependency[Begin],
    now: NamedDependency[datetime],
) -> None:
    """Remove a point; again, and nothing happens."""
    async with begin.write() as transaction:
        await remove_feature(transaction, route_id, feature_id, now)


HANDLERS = [post_feature, get_feature, patch_feature, delete_feature]
