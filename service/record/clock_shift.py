"""A recorder whose clock was wrong: the seconds that are added to all its times."""

from typing import Final

from msgspec.structs import replace

from service.foundation.retry_safe import Impossible
from service.record.cuts import Window
from service.record.recordings import KeptRecording, Recording

MOST_SHIFT_S: Final = 2_000_000_000
"""63 years: more than a clock is off that begins at 1970 when it loses its power."""
UNCHECKED_S: Final = 86_400
"""A wrong zone or a missed change of date; more is taken only where it can be checked against the session."""


def shift_clock(recording: Recording, shift_ms: int, window: Window) -> Recording:
    """Return a recording with another shift. Raises Impossible."""
    if shift_ms and not recording.fixes.timed.any():
        raise Impossible(
            "this recording has no usable times to shift",
            "send its file again, with shift_s, and replace=true",
        )
    if abs(shift_ms) > UNCHECKED_S * 1_000 and not window.is_known:
        raise Impossible(
            "a shift of more than a day is taken only where the session's start and end are known",
            "report when the session started and ended, then send it again",
        )
    if shift_ms == recording.shift_ms:
        return recording
    return replace(recording, shift_ms=shift_ms, offered_shift_ms=None)


def shifted_by(kept: KeptRecording, shift_ms: int, window: Window) -> KeptRecording:
    """Return a stored recording with another shift. Raises Impossible."""
    if kept.recording is None:
        raise Impossible("what is stored of this recording is damaged", "send its file again")
    return replace(kept, recording=shift_clock(kept.recording, shift_ms, window))
