"""Tracks on the wire."""

from typing import Annotated, Any
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from schemas.base import Input, Instant, Output, shown, to_the_centimetre
from schemas.record.instants import instant_of
from schemas.record.track_edits import TrackEditsOut
from schemas.walks.skipped import SkippedOut
from service.record.clock_shift import MOST_SHIFT_S
from service.record.deviation import Deviation, OffStretch
from service.record.halts import Halt
from service.record.tracks import RecordingSummary, Track, TrackSummary


class HaltOut(Output):
    """Where the track stood still. It says nothing of silence, or of talk."""

    lon: float
    lat: float
    duration_s: float
    distance_m: Annotated[float, Meta(description="Metres along the track.")]
    began_at: Instant | UnsetType = UNSET

    @classmethod
    def from_halt(cls, halt: Halt) -> "HaltOut":
        """Return the halt as a phone gets it."""
        return cls(**to_the_centimetre(shown(halt, cls)) | {"began_at": instant_of(halt.began_ms)})


class OffStretchOut(Output):
    """A stretch away from the planned line."""

    began_m: Annotated[float, Meta(description="Metres along the track.")]
    ended_m: float
    farthest_m: Annotated[float, Meta(description="Metres from the planned line.")]
    began_at: Instant | UnsetType = UNSET
    ended_at: Instant | UnsetType = UNSET

    @classmethod
    def from_stretch(cls, stretch: OffStretch) -> "OffStretchOut":
        """Return the stretch as a phone gets it."""
        times = {"began_at": instant_of(stretch.began_ms), "ended_at": instant_of(stretch.ended_ms)}
        return cls(**to_the_centimetre(shown(stretch, cls)) | times)


class DeviationOut(Output):
    """How the walk kept to its planned route."""

    share_walked: Annotated[float, Meta(description="Of the planned line, from 0 to 1.")]
    farthest_m: float
    off_m: Annotated[
        float, Meta(description="Metres walked farther than `tolerance_m` from the planned line.")
    ]
    tolerance_m: float
    stretches: list[OffStretchOut]
    off_s: float | UnsetType = UNSET

    @classmethod
    def from_deviation(cls, deviation: Deviation) -> "DeviationOut":
        """Return the comparison as a phone gets it."""
        stretches = [OffStretchOut.from_stretch(each) for each in deviation.stretches]
        return cls(**to_the_centimetre(shown(deviation, cls)) | {"stretches": stretches})


class RecordingOut(Output):
    """One file that a session's track is made from: what of it lies within the session's times."""

    id: UUID
    fixes: int
    received_at: Instant
    shift_s: Annotated[float, Meta(description="Seconds added to the recorder's clock.")]
    destroyed_before: Annotated[
        int,
        Meta(description="Fixes before the session, destroyed once both its times were known."),
    ]
    destroyed_after: Annotated[int, Meta(description="Fixes after the session, likewise.")]
    upload_again: Annotated[
        bool,
        Meta(
            description="The session's times were widened since and include what was destroyed. "
            "Send the same file again, which needs no `replace`."
        ),
    ]
    unreadable: Annotated[bool, Meta(description="What is stored is damaged; send the same file again.")]
    began_at: Instant | UnsetType = UNSET
    ended_at: Instant | UnsetType = UNSET
    times_read_as: Annotated[
        str | UnsetType,
        Meta(
            description="The zone in which its times were read, because they name none: `UTC` or the "
            "practice's, whichever fits the session better. Absent where they name theirs."
        ),
    ] = UNSET
    offered_shift_s: Annotated[
        float | UnsetType,
        Meta(
            description="Only a part of it lies within the session; with this `shift_s` nearly all would. "
            "Recorders that write local time as UTC do that. Send the file again with it if it is right."
        ),
    ] = UNSET

    @classmethod
    def from_summary(cls, summary: RecordingSummary) -> "RecordingOut":
        """Return the recording as a phone gets it."""
        figures = shown(summary, cls) | {"shift_s": summary.shift_ms / 1_000}
        if summary.offered_shift_ms is not None:
            figures["offered_shift_s"] = summary.offered_shift_ms / 1_000
        times = {"began_at": instant_of(summary.began_ms), "ended_at": instant_of(summary.ended_ms)}
        return cls(**figures | times)


class RecordingPatch(Input):
    """The clock of a recorder, corrected."""

    shift_s: Annotated[
        float,
        Meta(
            ge=-MOST_SHIFT_S,
            le=MOST_SHIFT_S,
            description="Seconds to add to every time it recorded, in place of an earlier shift.",
        ),
    ]


class TrackPatch(Input):
    """What to add to the clocks of all recordings of a track."""

    shift_by_s: Annotated[
        float,
        Meta(
            ge=-MOST_SHIFT_S,
            le=MOST_SHIFT_S,
            description="Seconds to add to every time, besides earlier shifts.",
        ),
    ]


class TrackOut(Output):
    """What was walked in a session, cut to its actual times."""

    session_id: UUID
    points: int
    length_m: float
    halts: list[HaltOut]
    dropped: Annotated[
        int,
        Meta(description="Fixes outside the session's actual times; once both are known they are destroyed."),
    ]
    duplicates: Annotated[
        int, Meta(description="Fixes that repeat others: a stretch written again, or a second recorder.")
    ]
    out_of_order: Annotated[
        int, Meta(description="Fixes whose times do not fit the order of the file; they count as untimed.")
    ]
    moved_segments: Annotated[
        int, Meta(description="Segments that stood behind a later one, and were put in order.")
    ]
    implausible: Annotated[
        int,
        Meta(description="Fixes that no walk reaches from those around them; `skipped` names the first."),
    ]
    skipped_count: Annotated[int, Meta(description="Parts of the file that could not be used.")]
    skipped: Annotated[list[SkippedOut], Meta(description="The first of them.")]
    recordings: list[RecordingOut]
    upload_again: Annotated[
        bool,
        Meta(description="One of `recordings` is to be sent again: what is stored does not suffice."),
    ]
    untimed: Annotated[bool, Meta(description="No point has a time, so nothing was cut to the session.")]
    edits: Annotated[TrackEditsOut, Meta(description="What the therapist took out; nothing is destroyed.")]
    edited: Annotated[int, Meta(description="Fixes that are left out by `edits`.")]
    received_at: Instant
    updated_at: Instant
    revision: int
    began_at: Instant | UnsetType = UNSET
    ended_at: Instant | UnsetType = UNSET
    duration_s: float | UnsetType = UNSET
    moving_time_s: float | UnsetType = UNSET
    ascent_m: float | UnsetType = UNSET
    descent_m: float | UnsetType = UNSET
    cut_from: Annotated[
        Instant | UnsetType,
        Meta(
            description="The start it was cut to; absent while the session has not been reported as started."
        ),
    ] = UNSET
    cut_to: Instant | UnsetType = UNSET
    deviation: Annotated[
        DeviationOut | UnsetType, Meta(description="Absent where the session had no planned route.")
    ] = UNSET

    @classmethod
    def from_track(cls, track: Track) -> "TrackOut":
        """Return the track as a phone gets it."""
        summary = track.summary
        figures = shown(summary.statistics, cls) | shown(summary, cls) | shown(track, cls)
        return cls(**to_the_centimetre(figures) | _times(summary) | _parts(summary))


def _times(summary: TrackSummary) -> dict[str, Any]:
    return {
        "began_at": instant_of(summary.statistics.began_ms),
        "ended_at": instant_of(summary.statistics.ended_ms),
        "cut_from": instant_of(summary.window.start_ms),
        "cut_to": instant_of(summary.window.end_ms),
    }


def _parts(summary: TrackSummary) -> dict[str, Any]:
    deviation = summary.deviation
    return {
        "recordings": [RecordingOut.from_summary(each) for each in summary.recordings],
        "untimed": summary.statistics.points > 0 and summary.statistics.began_ms is None,
        "edits": TrackEditsOut.from_edits(summary.edits),
        "upload_again": any(each.is_needed_again for each in summary.recordings),
        "halts": [HaltOut.from_halt(each) for each in summary.halts],
        "skipped": [SkippedOut.of(each) for each in summary.skipped],
        "deviation": DeviationOut.from_deviation(deviation) if deviation else UNSET,
    }
