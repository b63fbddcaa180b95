"""The clock of a recorder: times without a zone, and the shift that fits a recording to its session."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from service.geo.fixes import Fixes
from service.record.cuts import Window
from service.record.read_recording import read_recording
from service.record.recorder_clocks import (
    DAY_MS,
    GPS_WEEKS_MS,
    HOUR_MS,
    SessionClock,
    offer_better_shift,
    offer_shift,
    read_local_times,
)
from service.record.recordings import Recording
from service.record.tracks import cut_and_summarise
from tests.http.sessions import HALF_PAST_TWO, a_recording, a_session, at, held, send_track
from tests.http.world import World
from tests.record.test_joined_recordings_over_http import WEEKS_1024_S, change_shift, shifted
from tests.shared_data import shared_file

START = datetime(2026, 5, 4, 14, 30, tzinfo=UTC)
END = START + timedelta(minutes=50)
START_MS = round(START.timestamp() * 1_000)
MINUTE_MS = 60_000


def a_clock(
    zone: str = "Europe/London", start: datetime | None = START, end: datetime | None = END
) -> SessionClock:
    return SessionClock(zone, Window.between(start, end), START, END)


def recorded(*, ahead_ms: int = 0, from_min: int = 0, to_min: int = 50, no_zone: bool = False) -> Recording:
    """Return a fix a minute, by a clock that is ahead of UTC; the session is the first 50 minutes."""
    minutes = np.arange(from_min, to_min + 1)
    places = np.arange(minutes.size)
    fixes = Fixes(
        lon=np.zeros(minutes.size),
        lat=minutes / 2_000,
        ele_m=np.full(minutes.size, np.nan),
        time_ms=START_MS + ahead_ms + minutes * MINUTE_MS,
        starts=np.zeros(1, np.int64),
    )
    return Recording(fixes, places + 1, places + 1, names_no_zone=no_zone)


@pytest.mark.parametrize(
    ("ahead_ms", "reason"),
    [
        (5 * HOUR_MS + HOUR_MS // 2, "zone"),
        (-12 * HOUR_MS, "zone"),
        (DAY_MS, "date"),
        (-365 * DAY_MS, "date"),
        (4 * 365 * DAY_MS, "date"),
        (-GPS_WEEKS_MS, "gps_week_rollover"),
        (-2 * GPS_WEEKS_MS, "gps_week_rollover"),
        (GPS_WEEKS_MS, "gps_week_rollover"),
    ],
)
def test_the_shift_that_fits_is_offered_with_what_it_corrects(ahead_ms: int, reason: str) -> None:
    offered = offer_shift(recorded(ahead_ms=ahead_ms, from_min=-5, to_min=60), a_clock())
    assert offered is not None
    assert offered.reason == reason
    assert offered.shift_ms == -ahead_ms


def test_a_clock_that_is_off_by_any_amount_is_aligned_with_the_start() -> None:
    offered = offer_shift(recorded(ahead_ms=-3 * HOUR_MS - 927_000), a_clock())
    assert offered is not None
    assert (offered.reason, offered.shift_ms) == ("clock", 3 * HOUR_MS + 927_000)


def test_one_impossible_time_does_not_change_the_shift_that_fits() -> None:
    recording = recorded(ahead_ms=-GPS_WEEKS_MS)
    times = recording.fixes.time_ms.copy()
    times[20] = 0
    offered = offer_shift(replace(recording, fixes=replace(recording.fixes, time_ms=times)), a_clock())
    assert offered is not None
    assert offered.shift_ms == GPS_WEEKS_MS


def test_no_shift_is_offered_that_would_not_be_taken() -> None:
    assert offer_shift(recorded(ahead_ms=170 * 365 * DAY_MS), a_clock()) is None


def test_no_shift_of_years_is_offered_while_the_end_is_not_known() -> None:
    assert offer_shift(recorded(ahead_ms=-GPS_WEEKS_MS), a_clock(end=None)) is None
    assert offer_shift(recorded(ahead_ms=12 * HOUR_MS), a_clock(end=None)) is not None


@pytest.mark.parametrize(
    ("zone", "ahead_h", "read_as"),
    [
        ("Europe/London", 1, "Europe/London"),
        ("Europe/London", 0, "UTC"),
        ("Australia/Adelaide", 9.5, "Australia/Adelaide"),
        ("America/New_York", -4, "America/New_York"),
    ],
)
@pytest.mark.parametrize("end", [END, None])
def test_times_without_a_zone_are_read_as_fits_the_session_better(
    zone: str, ahead_h: float, read_as: str, end: datetime | None
) -> None:
    recording = recorded(ahead_ms=round(ahead_h * HOUR_MS), to_min=110, no_zone=True)
    read = read_local_times(recording, a_clock(zone, end=end), 0)
    assert (read.times_read_as, int(read.fixes.time_ms[0])) == (read_as, START_MS)


def test_only_a_recording_of_which_a_part_fits_is_offered_a_better_shift() -> None:
    local_as_utc = recorded(ahead_ms=HOUR_MS, from_min=-10, to_min=60)
    assert offer_better_shift(local_as_utc, a_clock()) == -HOUR_MS
    assert offer_better_shift(recorded(from_min=-60, to_min=50), a_clock()) is None
    assert offer_better_shift(recorded(from_min=30, to_min=50), a_clock()) is None


def test_the_shared_walk_in_local_time_without_a_zone_is_whole() -> None:
    content = shared_file("walks/local_time_without_zone_BST.gpx").read_bytes()
    read = read_local_times(read_recording(content, END + timedelta(days=9)), a_clock(), 0)
    fixes, summary = cut_and_summarise(read, Window.between(START, END), None)
    assert (len(fixes), summary.statistics.began_ms) == (51, START_MS)


def local_times(content: bytes) -> bytes:
    return content.replace(b"Z</time>", b"</time>")


def a_walk(world: World) -> str:
    session = a_session(world.ada)
    held(world.ada, session)
    return session


def test_a_watch_that_writes_local_time_without_a_zone_is_cut_to_the_session(world: World) -> None:
    session = a_walk(world)
    content = local_times(shifted(a_recording(then_s=3_600), 3_600))
    track: dict[str, Any] = send_track(world.ada, session, content).json()
    assert (track["points"], track["began_at"]) == (2_401, "2026-05-04T14:30:00Z")
    (recording,) = track["recordings"]
    assert (recording["times_read_as"], recording["destroyed_after"]) == ("Europe/London", 3_600)
    again = send_track(world.ada, a_walk(world), local_times(a_recording())).json()
    assert again["recordings"][0]["times_read_as"] == "UTC"


def test_a_recording_of_another_time_is_refused_with_the_shift_that_fits(world: World) -> None:
    session = a_walk(world)
    clock_of_1970 = (-56 * 365 * 86_400, "date")
    for seconds, reason in ((-WEEKS_1024_S, "gps_week_rollover"), (4 * 365 * 86_400, "date"), clock_of_1970):
        content = shifted(a_recording(), seconds)
        refused = send_track(world.ada, session, content)
        problem = refused.json()
        assert (refused.status_code, problem["shift_s"], problem["shift_reason"]) == (409, -seconds, reason)
        assert world.ada.get(f"{session}/track").status_code == 404
        track = send_track(
            world.ada, session, content, shift_s=str(problem["shift_s"]), replace="true"
        ).json()
        assert (track["points"], track["began_at"]) == (2_401, "2026-05-04T14:30:00Z")
        assert world.ada.delete(f"{session}/track").status_code == 204


def test_a_walk_of_which_an_hours_error_leaves_a_part_is_offered_the_hour(world: World) -> None:
    session = a_session(world.ada)
    assert world.ada.post(f"{session}/start", {"at": at(0)}).is_success
    content = shifted(a_recording(from_s=-1_800, then_s=600), 3_600)
    track = send_track(world.ada, session, content).json()
    (recording,) = track["recordings"]
    assert recording["offered_shift_s"] == -3_600
    changed = change_shift(world.ada, session, -3_600).json()
    assert changed["began_at"] == HALF_PAST_TWO.isoformat().replace("+00:00", "Z")
    assert "offered_shift_s" not in changed["recordings"][0]
