"""Look up what alternatives lead to, and the practice's last resort."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from service.foundation.database.connection import Connection
from service.walks.alternative_queries import find_last_resort, find_targets
from service.walks.alternatives import Alternative, NamedAlternative, named_alternatives


class NamedAlternatives(msgspec.Struct, frozen=True):
    """Alternatives with their names, and the latest revision of what they lead to."""

    items: list[NamedAlternative]
    revision: int


class NamedLastResort(msgspec.Struct, frozen=True):
    """A practice's last resort; `named` is None where it has none."""

    named: NamedAlternative | None
    shown_revision: int


async def name_alternatives(
    connection: Connection, practice_id: UUID, alternatives: Sequence[Alternative]
) -> NamedAlternatives:
    """Return alternatives with their names; those that lead to something archived are marked as skipped."""
    targets = await find_targets(connection, practice_id, alternatives)
    revision = max((each.revision for each in targets.values()), default=0)
    return NamedAlternatives(named_alternatives(alternatives, targets), revision)


async def name_last_resort(connection: Connection, practice_id: UUID) -> NamedLastResort:
    """Return the practice's last resort with its name."""
    resort = await find_last_resort(connection, practice_id)
    if resort is None:
        return NamedLastResort(None, 0)
    if resort.alternative is None:
        return NamedLastResort(None, resort.revision)
    named = await name_alternatives(connection, practice_id, [resort.alternative])
    return NamedLastResort(named.items[0], max(resort.revision, named.revision))
