"""Marks whose phone was elsewhere than the track says, and the shift that reconciles them."""

from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from msgspec.structs import replace

from service.geo.fixes import Fixes
from service.record.anchors import AnchorKind, Mark, anchor
from service.record.positions import Position
from tests.http.sessions import a_client, a_recording, a_session, at, held, send_track
from tests.http.world import Phone, World
from tests.made_up_walks import NINE_O_CLOCK_MS, on_the_ground, walk
from tests.record.test_joined_recordings_over_http import shifted

ROUND = walk((0, 0), (600, 0), (600, 400), (0, 400), (0, 0), pace_mps=1, every_m=5)
"""2,000 m in 2,000 s."""


def place_at(seconds: float) -> tuple[float, float]:
    """Return metres east and north of where the walk was."""
    corners = np.array([0, 600, 1_000, 1_600, 2_000])
    return (
        float(np.interp(seconds, corners, [0, 600, 600, 0, 0])),
        float(np.interp(seconds, corners, [0, 0, 400, 400, 0])),
    )


def seen(seconds: float, *, accuracy_m: float | None = 5, off_m: float = 0) -> Mark:
    """Return a mark with the position of the phone, `off_m` to the north of where the walk was."""
    east_m, north_m = place_at(seconds)
    lon, lat = on_the_ground(np.array([east_m]), np.array([north_m + off_m]))
    return Mark(NINE_O_CLOCK_MS + round(seconds * 1_000), Position(float(lon[0]), float(lat[0]), accuracy_m))


def ahead(track: Fixes, seconds: int) -> Fixes:
    """Return a track by a clock that is ahead."""
    return replace(track, time_ms=track.time_ms + seconds * 1_000)


@pytest.mark.parametrize("seconds", [127, -127, 340])
def test_positions_of_a_walk_say_by_how_much_the_recorders_clock_is_off(seconds: int) -> None:
    marks = [seen(instant) for instant in (500, 900, 1_300)]
    anchors = anchor(ahead(ROUND, seconds), marks)
    assert all(each.clocks_disagree and each.how is AnchorKind.INTERPOLATED for each in anchors)
    assert [each.reconciling_shift_s for each in anchors] == [pytest.approx(-seconds, abs=3)] * 3
    assert anchors[0].position_apart_m == pytest.approx(abs(seconds), rel=0.5)


def test_clocks_that_agree_within_what_both_may_be_wrong_are_not_said_to_disagree() -> None:
    near = [seen(300), seen(600, off_m=20), seen(1_200, accuracy_m=None)]
    marks = [*near, seen(900, accuracy_m=60, off_m=100)]
    assert not any(each.clocks_disagree for each in anchor(ahead(ROUND, 5), marks))


def test_one_poor_position_among_good_ones_is_named_and_offers_no_shift() -> None:
    good = [seen(instant) for instant in (200, 500, 800, 1_100, 1_400)]
    *others, poor = anchor(ROUND, [*good, seen(1_700, off_m=150)])
    assert poor.clocks_disagree
    assert poor.position_apart_m == pytest.approx(150, abs=1)
    assert poor.reconciling_shift_s is None
    assert not any(each.clocks_disagree for each in others)


def test_a_mark_without_a_position_disagrees_with_nothing() -> None:
    found, other = anchor(ahead(ROUND, 200), [Mark(NINE_O_CLOCK_MS + 500_000), seen(900)])
    assert not found.clocks_disagree
    assert other.clocks_disagree


def a_moment(phone: Phone, session: str, seconds: int) -> str:
    """Mark a moment on the walk of `a_recording`, where the phone was, and return its path."""
    east_m = seconds if seconds <= 1_200 else 2_400 - seconds
    position = {"lon": east_m / 111_320, "lat": 0, "accuracy_m": 5}
    answer = phone.post(f"{session}/moments", {"id": str(uuid4()), "at": at(seconds), "position": position})
    assert answer.status_code == 201, answer.text
    return f"/v1/moments/{answer.json()['id']}"


def test_one_request_applies_the_shift_that_the_anchors_offer(world: World) -> None:
    session = a_session(world.ada, a_client(world.ada))
    held(world.ada, session)
    moments = [a_moment(world.ada, session, seconds) for seconds in (300, 700, 1_500)]
    send_track(world.ada, session, shifted(a_recording(from_s=-300, then_s=600), 180))
    before: list[dict[str, Any]] = [world.ada.get(each).json()["anchor"] for each in moments]
    assert [each["clocks_disagree"] for each in before] == [True, True, True]
    (shift_s,) = {each["reconciling_shift_s"] for each in before}
    assert shift_s == pytest.approx(-180, abs=2)
    tag = world.ada.get(f"{session}/track").headers["etag"]
    path, applied = f"{session}/track", {"shift_by_s": shift_s}
    once = {"Idempotency-Key": "once"}
    track = world.ada.patch(path, applied, etag=tag, headers=once)
    assert track.status_code == 200, track.text
    assert world.ada.patch(path, applied, etag=tag, headers=once).json() == track.json()
    assert track.json()["recordings"][0]["shift_s"] == shift_s
    assert track.json()["upload_again"], "a part that lies within the session now was destroyed"
    for moment in moments:
        found = world.ada.get(moment).json()["anchor"]
        assert "clocks_disagree" not in found
        assert found["how"] == "interpolated"
    stale = world.ada.patch(path, applied, etag=tag)
    assert stale.status_code == 412
