"""Features of routes."""

from collections.abc import Sequence
from uuid import UUID

from service.foundation.database.columns import Columns
from service.foundation.database.connection import Connection, Transaction
from service.foundation.database.query import Query, Statement
from service.walks.features import Feature

FEATURE = Columns("route_feature", Feature, fixed={"route_id"})

FEATURES_OF_ROUTE = Query(
    Feature,
    f"""
    SELECT {FEATURE.listed}
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
    f"""
    SELECT {FEATURE.listed}
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


INSERT_FEATURE = Query(Feature, FEATURE.insert)


async def insert_feature(transaction: Transaction, feature: Feature) -> Feature:
    """Store a new feature. Raises IdTaken."""
    return await INSERT_FEATURE.insert(transaction.connection, *FEATURE.inserted(transaction, feature))


async def insert_features(transaction: Transaction, features: Sequence[Feature]) -> None:
    """Store the features of a new route."""
    rows = [FEATURE.inserted(transaction, each) for each in features]
    await INSERT_FEATURE.run_many(transaction.connection, rows)


UPDATE_FEATURE = Query(Feature, FEATURE.update)


async def update_feature(transaction: Transaction, feature: Feature) -> Feature:
    """Store a changed feature."""
    return await UPDATE_FEATURE.one(transaction.connection, *FEATURE.updated(transaction, feature))


RELOCATE_FEATURES = Statement(
    """
    UPDATE route_feature
       SET along_m = located.along_m, offset_m = located.offset_m, revision = $5
      FROM unnest($2::uuid[], $3::double precision[], $4::double precision[])
           AS located (id, along_m, offset_m)
     WHERE route_feature.practice_id = $1
       AND route_feature.id = located.id
"""
)


async def relocate_features(transaction: Transaction, features: Sequence[Feature]) -> None:
    """Store where features lie along a new line of their route."""
    await RELOCATE_FEATURES.run(
        transaction.connection,
        transaction.practice_id,
        [each.id for each in features],
        [each.along_m for each in features],
        [each.offset_m for each in features],
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
    """Delete a feature; the caller leaves its tombstone."""
    await DELETE_FEATURE.run(transaction.connection, transaction.practice_id, feature_id)
