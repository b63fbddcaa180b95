"""What a therapist takes out of a track, on the wire."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType, field

from schemas.base import Input, Instant, Latitude, Longitude, Output
from schemas.record.instants import instant_of, ms_of
from service.record.edits import MOST_LEFT_OUT, EditPoint, Edits, PickedEdits, PickedFix, PickedSpan, Span

Number = Annotated[
    int, Meta(ge=0, le=1_000_000, description="For a recording without times: of its points, the first is 0.")
]


class FixPickIn(Input):
    """A point of the track: by its instant, or by a place on the line, which means the nearest point."""

    at: Instant | UnsetType = UNSET
    lon: Longitude | UnsetType = UNSET
    lat: Latitude | UnsetType = UNSET
    number: Number | UnsetType = UNSET

    def to_picked(self) -> PickedFix:
        """Return the fix in the words of the domain."""
        return PickedFix(
            at_ms=ms_of(self.at),
            number=None if self.number is UNSET else self.number,
            lon=None if self.lon is UNSET else self.lon,
            lat=None if self.lat is UNSET else self.lat,
        )


class SpanPickIn(Input):
    """One point that is left out, or all from the first to the last."""

    first: FixPickIn
    last: FixPickIn | UnsetType = UNSET

    def to_picked(self) -> PickedSpan:
        """Return the span in the words of the domain."""
        return PickedSpan(self.first.to_picked(), None if self.last is UNSET else self.last.to_picked())


class TrackEditsIn(Input):
    """All that is to be taken out of a track; what is not named is put back."""

    begin: Annotated[
        FixPickIn | UnsetType,
        Meta(description="The track begins here; a place means the first time the walk passed it."),
    ] = UNSET
    end: Annotated[
        FixPickIn | UnsetType,
        Meta(description="The track ends here; a place means the last time the walk passed it."),
    ] = UNSET
    left_out: Annotated[list[SpanPickIn], Meta(max_length=MOST_LEFT_OUT)] = field(default_factory=list)

    def to_picked(self) -> PickedEdits:
        """Return the edits in the words of the domain."""
        return PickedEdits(
            begin=None if self.begin is UNSET else self.begin.to_picked(),
            end=None if self.end is UNSET else self.end.to_picked(),
            left_out=tuple(each.to_picked() for each in self.left_out),
        )


class FixPickOut(Output):
    """A point of the track by its instant or, in a recording without times, by its number."""

    at: Instant | UnsetType = UNSET
    number: int | UnsetType = UNSET

    @classmethod
    def from_point(cls, point: EditPoint) -> "FixPickOut":
        """Return the point as a phone gets it."""
        return cls(instant_of(point.at_ms), UNSET if point.number is None else point.number)


class SpanPickOut(Output):
    """Points that are left out, both ends included."""

    first: FixPickOut
    last: FixPickOut

    @classmethod
    def from_span(cls, span: Span) -> "SpanPickOut":
        """Return the span as a phone gets it."""
        return cls(FixPickOut.from_point(span.first), FixPickOut.from_point(span.last))


class TrackEditsOut(Output):
    """All that was taken out of a track, in the form in which it can be sent again."""

    begin: FixPickOut | UnsetType = UNSET
    end: FixPickOut | UnsetType = UNSET
    left_out: list[SpanPickOut] = field(default_factory=list)

    @classmethod
    def from_edits(cls, edits: Edits) -> "TrackEditsOut":
        """Return the edits as a phone gets them."""
        return cls(
            begin=UNSET if edits.begin is None else FixPickOut.from_point(edits.begin),
            end=UNSET if edits.end is None else FixPickOut.from_point(edits.end),
            left_out=[SpanPickOut.from_span(each) for each in edits.left_out],
        )
