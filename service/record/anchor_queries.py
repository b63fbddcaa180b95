"""Where moments and notes lie on the track of their session, sealed."""

from collections.abc import Mapping
from uuid import UUID

from service.foundation.database.connection import Transaction
from service.foundation.database.query import Query

ANCHOR_MOMENTS = Query(
    UUID,
    """
    UPDATE moment
       SET sealed_anchor = anchored.sealed, revision = $4
      FROM unnest($2::uuid[], $3::bytea[]) AS anchored (id, sealed)
     WHERE moment.practice_id = $1
       AND moment.id = anchored.id
 RETURNING moment.id
""",
)
ANCHOR_NOTES = Query(
    UUID,
    """
    UPDATE note
       SET sealed_anchor = anchored.sealed, revision = $4
      FROM unnest($2::uuid[], $3::bytea[]) AS anchored (id, sealed)
     WHERE note.practice_id = $1
       AND note.id = anchored.id
 RETURNING note.id
""",
)


async def store_anchors(
    transaction: Transaction, moments: Mapping[UUID, bytes | None], notes: Mapping[UUID, bytes | None]
) -> None:
    """Store the sealed anchors of moments and notes by their ids; None where they lie nowhere."""
    for query, anchors in ((ANCHOR_MOMENTS, moments), (ANCHOR_NOTES, notes)):
        if anchors:
            await query.all(
                transaction.connection,
                transaction.practice_id,
                list(anchors),
                list(anchors.values()),
                transaction.revision,
            )
