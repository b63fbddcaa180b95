"""Parts of files that were left out, on the wire."""

from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from schemas.base import Output


class SkippedOut(Output):
    """A part of a file that was left out, and why; line and column count from 1.

    In GeoJSON `pointer` says where it is, and line and column are 1.
    """

    line: int
    column: int
    what: str
    reason: str
    recording_id: Annotated[
        UUID | UnsetType, Meta(description="Of a track that is made from several recordings.")
    ] = UNSET
    pointer: Annotated[str | UnsetType, Meta(description="Where it is in GeoJSON (RFC 6901).")] = UNSET
