"""Points of a route worth knowing."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from service.foundation.database.connection import Connection, Transaction
from service.foundation.database.query import Query, Statement
from service.walks.features import Feature, Spot

FEATURES_OF_ROUTE = Query(
    Feature,
    """
    SELECT id, route_id, kind, name, description, lon, lat, along_m, offset_m, created_at, updated_at,
           revision
      FROM route_feature
     WHERE practice_id = $1
       AND route_id = $2
     ORDER BY along_m, id
""",
)


async def list_features(connection: Connection, practice_id: UUID, route_id: UUID) -> list[Feature]:
    """Return a route's features in walking order."""
    return await FEATURES_OF_ROUTE.all(connection, practice_id, route_id)


FEATURE_BY_ID = Query(
    Feature,
    """
    SELECT id, route_id, kind, name, description, lon, lat, along_m, offset_m, created_at, updated_at,
           revision
      FROM route_feature
     WHERE practice_id = $1
       AND route_id = $2
       AND id = $3
""",
)


async def find_feature(
    connection: Connection, practice_id: UUID, route_id: UUID, feature_id: UUID
) -> Feature | None:
    """Return a feature of a route."""
    return await FEATURE_BY_ID.one_or_none(connection, practice_id, route_id, feature_id)


COUNT_FEATURES = Query(
    int,
    """
    SELECT count(*)
      FROM route_feature
     WHERE practice_id = $1
       AND route_id = $2
""",
)


async def count_features(connection: Connection, practice_id: UUID, route_id: UUID) -> int:
    """Return how many features a route has."""
    return await COUNT_FEATURES.one(connection, practice_id, route_id)


INSERT_FEATURE = Query(
    Feature,
    """
    INSERT INTO route_feature (practice_id, id, route_id, kind, name, description, lon, lat, along_m,
                               offset_m, created_at, updated_at, revision)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
    RETURNING id, route_id, kind, name, description, lon, lat, along_m, offset_m, created_at, updated_at,
              revision
""",
)


async def insert_feature(transaction: Transaction, feature: Feature) -> Feature:
    """Keep a new feature. Raises IdTaken."""
    return await INSERT_FEATURE.insert(transaction.connection, *_columns(transaction, feature))


async def insert_features(transaction: Transaction, features: Sequence[Feature]) -> None:
    """Keep the features a new route comes with."""
    rows = [_columns(transaction, each) for each in features]
    await INSERT_FEATURE.run_many(transaction.connection, rows)


def _columns(transaction: Transaction, feature: Feature) -> tuple[object, ...]:
    return (
        transaction.practice_id,
        feature.id,
        feature.route_id,
        feature.kind,
        feature.name,
        feature.description,
        feature.lon,
        feature.lat,
        feature.along_m,
        feature.offset_m,
        feature.created_at,
        feature.updated_at,
        transaction.revision,
    )


UPDATE_FEATURE = Query(
    Feature,
    """
    UPDATE route_feature
       SET kind = $4, name = $5, description = $6, lon = $7, lat = $8, along_m = $9, offset_m = $10,
           updated_at = $11, revision = $12
     WHERE practice_id = $1
       AND id = $2
       AND route_id = $3
 RETURNING id, route_id, kind, name, description, lon, lat, along_m, offset_m, created_at, updated_at,
           revision
""",
)


async def update_feature(transaction: Transaction, feature: Feature) -> Feature:
    """Keep a changed feature."""
    return await UPDATE_FEATURE.one(
        transaction.connection,
        transaction.practice_id,
        feature.id,
        feature.route_id,
        feature.kind,
        feature.name,
        feature.description,
        feature.lon,
        feature.lat,
        feature.along_m,
        feature.offset_m,
        feature.updated_at,
        transaction.revision,
    )


MOVE_FEATURES = Statement(
    """
    UPDATE route_feature
       SET along_m = moved.along_m, offset_m = moved.offset_m, revision = $5
      FROM unnest($2::uuid[], $3::double precision[], $4::double precision[])
           AS moved (id, along_m, offset_m)
     WHERE route_feature.practice_id = $1
       AND route_feature.id = moved.id
"""
)


async def move_features(transaction: Transaction, spots: Mapping[UUID, Spot]) -> None:
    """Say anew where features lie along a route that has another line."""
    await MOVE_FEATURES.run(
        transaction.connection,
        transaction.practice_id,
        list(spots),
        [each.along_m for each in spots.values()],
        [each.offset_m for each in spots.values()],
        transaction.revision,
    )


DELETE_FEATURE = Statement(
    """
    DELETE FROM route_feature
     WHERE practice_id = $1
       AND id = $2
"""
)


async def delete_feature(transaction: Transaction, feature_id: UUID) -> None:
    """Delete a feature; its tombstone is left by the caller."""
    await DELETE_FEATURE.run(transaction.connection, transaction.practice_id, feature_id)
