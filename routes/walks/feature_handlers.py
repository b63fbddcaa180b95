"""Features: benches, shelters, exits, hazards and other points of a route."""

from datetime import datetime
from uuid import UUID

from litestar import Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from routes.http.answers import answer, created
from routes.http.dependencies import Creating, Writing
from schemas.base import changes_of
from schemas.walks.features import FeatureIn, FeatureOut, FeaturePatch
from service.foundation.database.connection import Begin
from service.foundation.retry_safe import Expected
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
    """Mark a bench, a shelter, an exit, a hazard; the answer says where along the line it lies."""
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
    route_id: FromPath[UUID], feature_id: FromPath[UUID], begin: NamedDependency[Begin]
) -> Response[FeatureOut]:
    """Read one point. Reading a route answers all of its points."""
    feature = await read_feature(begin, route_id, feature_id)
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
    once, changes = writing.once(data), changes_of(data, now)
    feature = await change_feature(begin, once, route_id, feature_id, changes, expected=expected, now=now)
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
    writing: NamedDependency[Writing],
    expected_if_sent: NamedDependency[Expected],
    now: NamedDependency[datetime],
) -> None:
    """Remove a point. Removing it again changes nothing."""
    once = writing.once()
    await remove_feature(begin, once, route_id, feature_id, expected=expected_if_sent, now=now)


HANDLERS = [post_feature, get_feature, patch_feature, delete_feature]
