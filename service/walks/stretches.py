"""Stretches: parts of a route's line, and what is known of the ground there.

Nothing is required: a route has no stretches at first. What is unset is unknown, and whoever judges a walk
takes the more exposed case for it.
"""

import enum
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import numpy as np

from service.foundation.retry_safe import Unusable
from service.geo.fixes import Fixes
from service.geo.pace import Profile, line_profile

MOST_STRETCHES: Final = 1_000
LONGEST_LINE_M: Final = 10_000_000
MOST_PRIVATE: Final = 3
NARROWEST_M: Final = 0.1
WIDEST_M: Final = 100
SATURDAY, NOON, FIVE = 5, 12, 17
SHORTEST_M: Final = 0.01
"""Lengths are answered to the centimetre; a shorter part is rounding, and so is as much beyond the end."""


class Surface(enum.StrEnum):
    """What one walks on."""

    PAVED = "paved"
    GRAVEL = "gravel"
    EARTH = "earth"
    GRASS = "grass"
    MUD_PRONE = "mud_prone"
    SAND = "sand"
    ROCK = "rock"
    BOARDWALK = "boardwalk"
    STEPS = "steps"


class Canopy(enum.StrEnum):
    """How much grows overhead."""

    OPEN = "open"
    SCATTERED = "scattered"
    WOODLAND = "woodland"


class WindExposure(enum.StrEnum):
    """How much wind reaches it."""

    SHELTERED = "sheltered"
    NORMAL = "normal"
    RIDGE_OR_SHORE = "ridge_or_shore"


class Share(enum.StrEnum):
    """How much of a stretch something covers."""

    NONE = "none"
    PARTLY = "partly"
    FULLY = "fully"


class Light(enum.StrEnum):
    """Whether lamps light it after dark."""

    LIT = "lit"
    PARTLY_LIT = "partly_lit"
    UNLIT = "unlit"


class People(enum.StrEnum):
    """How many others to expect."""

    NONE = "none"
    FEW = "few"
    SOME = "some"
    MANY = "many"


class PhoneSignal(enum.StrEnum):
    """How well a phone is connected."""

    NONE = "none"
    WEAK = "weak"
    GOOD = "good"


class ExpectedPeople(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """How many others to expect in each part of the week; None where unknown."""

    weekday_morning: People | None = None
    weekday_afternoon: People | None = None
    weekday_evening: People | None = None
    weekend_morning: People | None = None
    weekend_afternoon: People | None = None
    weekend_evening: People | None = None


def part_of_week(at: datetime, zone: str) -> str:
    """Return the member of ExpectedPeople for an instant in a time zone; noon and five part the day."""
    local = at.astimezone(ZoneInfo(zone))
    day = "weekend" if local.weekday() >= SATURDAY else "weekday"
    return f"{day}_{'morning' if local.hour < NOON else 'afternoon' if local.hour < FIVE else 'evening'}"


class Ground(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is known of the ground of a stretch; None where unknown."""

    surface: Surface | None = None
    canopy: Canopy | None = None
    wind: WindExposure | None = None
    shade: Share | None = None
    shelter: Share | None = None
    """From rain: dense leaves, an arcade, a bridge."""
    light: Light | None = None
    privacy: int | None = None
    """0: overheard by passers-by, to 3: nobody near."""
    width_m: float | None = None
    people: ExpectedPeople | None = None
    water_beside: bool | None = None
    drop_beside: bool | None = None
    phone_signal: PhoneSignal | None = None

    @property
    def unset(self) -> list[str]:
        """Return the names of what is unknown."""
        return [name for name in self.__struct_fields__ if getattr(self, name) is None]


NOTHING_KNOWN: Final = Ground()


class Stretch(msgspec.Struct, frozen=True):
    """A part of a line, in metres from its start, and its ground."""

    from_m: float
    to_m: float
    ground: Ground = NOTHING_KNOWN

    @property
    def length_m(self) -> float:
        """Return how long it is."""
        return self.to_m - self.from_m


class Slope(msgspec.Struct, frozen=True):
    """Slopes of a stretch, walked forwards: rise over run, negative downhill."""

    mean: float
    steepest: float
    """The one farthest from level."""


class LineStretches(msgspec.Struct, frozen=True):
    """What is known along one version of a route's line."""

    stretches: tuple[Stretch, ...] = ()
    """In walking order, without overlap, without parts of which nothing is known."""
    lost: tuple[Stretch, ...] = ()
    """Parts of the version before that have no ground on this one, in metres along that version."""
    lost_features: tuple[UUID, ...] = ()
    """Features that lay on the version before and are off this one."""


class GroundChange(msgspec.Struct, frozen=True, kw_only=True):
    """Properties to set between two places of a line: each in metres, or where a feature lies.

    Without a first place it begins where the line does, without a last one it ends where that does.
    """

    from_m: float | None = None
    to_m: float | None = None
    from_feature_id: UUID | None = None
    to_feature_id: UUID | None = None
    changes: Mapping[str, Any]

    def part_of(self, length_m: float, feature_m: Mapping[UUID, float]) -> Stretch:
        """Return the part of the line this is about, whichever of two features comes first.

        `feature_m` says how far along the line each feature of the route lies. Raises Unusable for a part off
        the line, or another route's feature.
        """
        from_m = _place("from", self.from_m, self.from_feature_id, feature_m)
        to_m = _place("to", self.to_m, self.to_feature_id, feature_m)
        ends = (0.0 if from_m is None else from_m, length_m if to_m is None else to_m)
        if self.from_feature_id is not None and self.to_feature_id is not None:
            ends = (min(ends), max(ends))
        return part_of_line(Stretch(*ends), length_m)


def _place(
    name: str, metres: float | None, feature_id: UUID | None, feature_m: Mapping[UUID, float]
) -> float | None:
    if feature_id is None:
        return metres
    if metres is not None:
        raise Unusable(f"/{name}_m", f"send {name}_m or {name}_feature_id, not both")
    if feature_id not in feature_m:
        raise Unusable(f"/{name}_feature_id", "the route has no such feature")
    return feature_m[feature_id]


def with_ground(
    stretches: Sequence[Stretch], from_m: float, to_m: float, changes: Mapping[str, Any]
) -> list[Stretch]:
    """Return stretches with properties changed between two places: they split there, equal ones merge."""
    changed: list[Stretch] = []
    for each in whole_line(stretches, to_m=max([to_m, *(each.to_m for each in stretches)])):
        ground = msgspec.structs.replace(each.ground, **changes)
        changed += [
            Stretch(each.from_m, min(each.to_m, from_m), each.ground),
            Stretch(max(each.from_m, from_m), min(each.to_m, to_m), ground),
            Stretch(max(each.from_m, to_m), each.to_m, each.ground),
        ]
    return tidy(changed)


def tidy(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Return stretches in order without empty or unknown ones; equal neighbours that touch become one.

    Places are rounded to the centimetre, so that they stay the same however often they are read and sent.
    """
    merged: list[Stretch] = []
    for each in stretches:
        rounded = Stretch(round(each.from_m, 2), round(each.to_m, 2), each.ground)
        if rounded.length_m < SHORTEST_M / 2 or each.ground == NOTHING_KNOWN:
            continue
        last = merged[-1] if merged else None
        if last is not None and last.ground == each.ground and rounded.from_m <= last.to_m:
            merged[-1] = Stretch(last.from_m, rounded.to_m, each.ground)
        else:
            merged.append(rounded)
    return merged


def whole_line(stretches: Sequence[Stretch], to_m: float) -> list[Stretch]:
    """Return stretches that cover the line from 0 to `to_m`: gaps between them are of unknown ground."""
    ends = [0.0, *(each.to_m for each in stretches)]
    starts = [*(each.from_m for each in stretches), to_m]
    covered: list[Stretch] = []
    for number, (end, start) in enumerate(zip(ends, starts, strict=True)):
        if start - end >= SHORTEST_M / 2:
            covered.append(Stretch(end, start))
        covered += stretches[number : number + 1]
    return covered


def placed(stretches: Sequence[Stretch], length_m: float, pointer: str = "/stretches") -> list[Stretch]:
    """Return stretches as they are stored. Raises Unusable for one off the line or one that overlaps another.

    They may come in any order.
    """
    whole = [part_of_line(each, length_m, f"{pointer}/{number}") for number, each in enumerate(stretches)]
    ordered = sorted(enumerate(whole), key=lambda numbered: numbered[1].from_m)
    for (one, before), (other, after) in pairwise(ordered):
        if after.from_m < before.to_m:
            raise Unusable(
                f"{pointer}/{max(one, other)}/from_m",
                f"from {after.from_m} m to {min(before.to_m, after.to_m)} m it overlaps stretch "
                f"{min(one, other)}: end one where the other begins",
            )
    return tidy(each for _, each in ordered)


def part_of_line(stretch: Stretch, length_m: float, pointer: str = "") -> Stretch:
    """Return a stretch with its places rounded. Raises Unusable unless it is a part of the line."""
    from_m, to_m = round(stretch.from_m, 2), round(stretch.to_m, 2)
    if to_m > round(length_m, 2) + SHORTEST_M * 1.5:
        raise Unusable(f"{pointer}/to_m", f"the line ends at {length_m:.2f} m, and this at {to_m} m")
    if from_m >= round(length_m, 2):
        raise Unusable(
            f"{pointer}/from_m", f"the line ends at {length_m:.2f} m, and this begins at {from_m} m"
        )
    to_m = min(to_m, round(length_m, 2))
    if to_m - from_m < SHORTEST_M / 2:
        raise Unusable(f"{pointer}/to_m", f"it must lie after from_m, {from_m} m")
    return Stretch(from_m, to_m, stretch.ground)


def slopes(line: Fixes, stretches: Sequence[Stretch]) -> list[Slope | None]:
    """Return the slopes of each stretch; None throughout where the line has no heights."""
    profile = line_profile(line)
    if profile is None:
        return [None] * len(stretches)
    return [_slope(profile, each) for each in stretches]


def _slope(profile: Profile, stretch: Stretch) -> Slope:
    ends = [stretch.from_m, stretch.to_m]
    first, last = np.searchsorted(profile.along_m, ends, side="right")
    along_m = np.array([stretch.from_m, *profile.along_m[first:last], stretch.to_m])
    rises = np.diff(np.interp(along_m, profile.along_m, profile.height_m))
    runs = np.diff(along_m)
    each = np.divide(rises, runs, out=np.zeros_like(runs), where=runs > 0)
    mean = float(np.sum(rises)) / stretch.length_m if stretch.length_m > 0 else 0.0
    return Slope(mean, float(each[np.argmax(np.abs(each))]))
