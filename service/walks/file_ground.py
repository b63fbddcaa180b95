"""Stretches and refuges in route files: how they are written, and what of a stranger's file can be used.

A GPX file has an element of OWN_NAMESPACE for each, its properties as attributes; GeoJSON has members of the
same names. Each property is read by itself, within the limits that the API sets, so that one that cannot be
used costs no other. What is left out is named as a Flaw.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Final, NamedTuple

import msgspec
from msgspec import Meta

from service.foundation.retry_safe import Unusable
from service.geo.fixes import Fixes
from service.geo.geodesy import distances_m
from service.geo.gpx.model import OwnElement
from service.walks.features import FeatureKind, ThunderRefuge, claim_fault
from service.walks.stretches import (
    LONGEST_LINE_M,
    MOST_PRIVATE,
    MOST_STRETCHES,
    NARROWEST_M,
    NOTHING_KNOWN,
    WIDEST_M,
    Canopy,
    ExpectedPeople,
    Ground,
    Light,
    People,
    PhoneSignal,
    Share,
    Stretch,
    Surface,
    WindExposure,
    part_of_line,
    tidy,
)

STRETCH: Final = "stretch"
FEATURE: Final = "feature"
REFUGE: Final = "thunder_refuge"
PEOPLE: Final = "people"
PEOPLE_PREFIX: Final = "people_"
LONGEST_REASON: Final = 200
LONGEST_NAME: Final = 64
ALL_ITEMS: Final = -1
ROUNDING_M: Final = 1.0
ROUNDING_SHARE: Final = 0.001
"""A stretch may end this much beyond the line: programs round its points, which makes it shorter."""
UNKNOWN_ELEMENT: Final = "no element that is known here"
UNKNOWN_PROPERTY: Final = "no property that is known here"
MOST_COMMAS: Final = 50 * MOST_STRETCHES
"""In the JSON of the stretches of one line: a stretch has at most 13 members, and one of them six."""

_PLACES: Final[Mapping[str, Any]] = dict.fromkeys(
    ("from_m", "to_m"), Annotated[float, Meta(ge=0, le=LONGEST_LINE_M)]
)
_PROPERTIES: Final[Mapping[str, Any]] = {
    "surface": Surface,
    "canopy": Canopy,
    "wind": WindExposure,
    "shade": Share,
    "shelter": Share,
    "light": Light,
    "privacy": Annotated[int, Meta(ge=0, le=MOST_PRIVATE)],
    "width_m": Annotated[float, Meta(ge=NARROWEST_M, le=WIDEST_M)],
    "water_beside": bool,
    "drop_beside": bool,
    "phone_signal": PhoneSignal,
}
_TIMES_OF_WEEK: Final[Mapping[str, Any]] = dict.fromkeys(ExpectedPeople.__struct_fields__, People)
_PEOPLE_THEN: Final = {f"{PEOPLE_PREFIX}{name}": name for name in _TIMES_OF_WEEK}
"""The attributes that say how many people to expect, and the member each stands for."""


class Flaw(NamedTuple):
    """What of an item of a file cannot be used: a member of it, or all of it if `member` is empty."""

    item: int
    """Its number among the items given, or ALL_ITEMS."""
    member: str
    """Its name, or in JSON the pointer to it without the first slash."""
    reason: str

    @property
    def sentence(self) -> str:
        """Return the reason, with the member it is about."""
        return f"{self.member}: {self.reason}" if self.member else self.reason


class KnownGround(msgspec.Struct, frozen=True):
    """The stretches of a file's line, as they are stored, and what could not be used."""

    stretches: tuple[Stretch, ...] = ()
    flaws: tuple[Flaw, ...] = ()


class Claim(NamedTuple):
    """What a file says of a point's refuge, and what of it could not be used."""

    refuge: ThunderRefuge
    flaws: tuple[Flaw, ...] = ()


NO_CLAIM: Final = Claim(ThunderRefuge.UNKNOWN)


def stretch_members(stretch: Stretch) -> dict[str, Any]:
    """Return a stretch as an object of JSON: its place and what is set, `people` as an object of its own."""
    ground: dict[str, Any] = msgspec.to_builtins(stretch.ground)
    return {"from_m": round(stretch.from_m, 2), "to_m": round(stretch.to_m, 2), **ground}


def stretch_element(stretch: Stretch) -> OwnElement:
    """Return a stretch as an element: an attribute for each property, `people_` before a time of the week."""
    members = stretch_members(stretch)
    people = members.pop(PEOPLE, {})
    members |= {f"{PEOPLE_PREFIX}{name}": value for name, value in people.items()}
    return OwnElement(STRETCH, {name: _written(value) for name, value in members.items()})


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def along_without_gaps(line: Fixes, stretches: Sequence[Stretch]) -> list[Stretch]:
    """Return the stretches of a line along the same points without segments, where gaps are lines too.

    Nothing is known of the ground in a gap, so a stretch that spans one is cut in two there.
    """
    apart_m, joined_m = distances_m(line), distances_m(msgspec.structs.replace(line, starts=line.starts[:1]))
    gaps = line.starts[1:]
    ends = [0.0, *apart_m[gaps].tolist(), float("inf")]
    shifts = [0.0, *(joined_m[gaps] - apart_m[gaps]).tolist()]
    moved = [
        Stretch(max(each.from_m, begins) + shift, min(each.to_m, end) + shift, each.ground)
        for each in stretches
        for begins, end, shift in zip(ends, ends[1:], shifts, strict=False)
        if each.from_m < end and each.to_m > begins
    ]
    return tidy(moved)


class _Written(NamedTuple):
    """A stretch as it is written: its properties, and what is said of the people there."""

    item: int
    members: Mapping[str, Any]
    people: object
    people_prefix: str
    """What comes before a time of the week where a flaw names one."""


def read_elements(elements: Sequence[OwnElement], length_m: float) -> KnownGround:
    """Return the stretches among the elements of a line `length_m` metres long."""
    numbered = list(enumerate(elements))
    flaws = [Flaw(number, "", UNKNOWN_ELEMENT) for number, each in numbered if each.name != STRETCH]
    written = (_with_people(number, each.attributes) for number, each in numbered if each.name == STRETCH)
    return _read_stretches(written, length_m, flaws, strict=False)


def _with_people(number: int, attributes: Mapping[str, str]) -> _Written:
    people = {_PEOPLE_THEN[name]: value for name, value in attributes.items() if name in _PEOPLE_THEN}
    members = {name: value for name, value in attributes.items() if name not in _PEOPLE_THEN}
    return _Written(number, members, people or None, PEOPLE_PREFIX)


def read_drawn_stretches(written: bytes, length_m: float) -> KnownGround:
    """Return the stretches of a JSON array, for a line `length_m` metres long.

    A flaw of the whole array has the item ALL_ITEMS.
    """
    if written.count(b",") > MOST_COMMAS:  # before decoding makes millions of objects
        return KnownGround(flaws=(Flaw(ALL_ITEMS, "", f"a route has at most {MOST_STRETCHES} stretches"),))
    try:
        items = msgspec.json.decode(written, type=list[msgspec.Raw] | None) or []
    except msgspec.DecodeError:
        return KnownGround(flaws=(Flaw(ALL_ITEMS, "", "not an array"),))
    flaws: list[Flaw] = []
    decoded = ((number, _decoded(number, item, flaws)) for number, item in enumerate(items))
    drawn = (
        _Written(number, members, members.pop(PEOPLE, None), f"{PEOPLE}/")
        for number, members in decoded
        if members is not None
    )
    return _read_stretches(drawn, length_m, flaws, strict=True)


def _decoded(number: int, item: msgspec.Raw, flaws: list[Flaw]) -> dict[str, Any] | None:
    try:
        return msgspec.json.decode(item, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError) as error:
        flaws.append(Flaw(number, "", _reason(error)))
        return None


def _read_stretches(
    written: Iterable[_Written], length_m: float, flaws: list[Flaw], *, strict: bool
) -> KnownGround:
    read: list[tuple[int, Stretch]] = []
    for each in written:
        if len(read) == MOST_STRETCHES:
            flaws.append(Flaw(each.item, "", f"a route has at most {MOST_STRETCHES} stretches"))
            continue
        stretch = _read_stretch(each, flaws, strict=strict)
        if stretch is not None:
            read.append((each.item, stretch))
    stretches = tuple(tidy(_fitted(read, length_m, flaws)))
    return KnownGround(stretches, tuple(sorted(flaws)))


def _read_stretch(written: _Written, flaws: list[Flaw], *, strict: bool) -> Stretch | None:
    """Return a stretch with the properties that can be used; None where its place cannot."""
    item, members = written.item, written.members
    found: list[Flaw] = []
    places = {name: members.get(name) for name in _PLACES}
    ends = dict(_usable(item, places, _PLACES, found, strict=strict))
    for name in _PLACES:
        if name not in ends:
            reasons = [each.sentence for each in found if each.member == name]
            flaws.append(Flaw(item, "", reasons[0] if reasons else f"has no {name}"))
            return None
    rest = {name: value for name, value in members.items() if name not in _PLACES}
    ground = dict(_usable(item, rest, _PROPERTIES, flaws, strict=strict))
    people = _people(written, flaws, strict=strict)
    return Stretch(ends["from_m"], ends["to_m"], Ground(**ground, people=people))


def _people(written: _Written, flaws: list[Flaw], *, strict: bool) -> ExpectedPeople | None:
    said = written.people
    if said is None:
        return None
    if not isinstance(said, dict):
        flaws.append(Flaw(written.item, PEOPLE, "not an object"))
        return None
    times = _usable(written.item, said, _TIMES_OF_WEEK, flaws, written.people_prefix, strict=strict)
    known = ExpectedPeople(**dict(times))
    return None if known == ExpectedPeople() else known


def _usable(
    item: int,
    members: Mapping[str, Any],
    kinds: Mapping[str, Any],
    flaws: list[Flaw],
    prefix: str = "",
    *,
    strict: bool,
) -> Iterator[tuple[str, Any]]:
    """Yield the members that are known and within their limits. A null says nothing, as in the API."""
    for name, value in members.items():
        if value is None:
            continue
        shown = prefix + name[:LONGEST_NAME].replace("~", "~0").replace("/", "~1")
        if name not in kinds:
            flaws.append(Flaw(item, shown, UNKNOWN_PROPERTY))
            continue
        try:
            yield name, msgspec.convert(value, kinds[name], strict=strict)
        except (msgspec.ValidationError, OverflowError) as error:
            flaws.append(Flaw(item, shown, _reason(error)))


def _reason(error: Exception) -> str:
    """Return what msgspec says is wrong, without the place, which the caller knows better."""
    return str(error).partition(" - at `")[0][:LONGEST_REASON]


def _fitted(read: Sequence[tuple[int, Stretch]], length_m: float, flaws: list[Flaw]) -> Iterator[Stretch]:
    """Yield stretches in walking order, cut where the line ends and where one before them lies.

    One that says nothing of the ground takes no place from another.
    """
    reached_m = 0.0
    telling = [each for each in read if each[1].ground != NOTHING_KNOWN]
    for number, stretch in sorted(telling, key=lambda each: each[1].from_m):
        fitted = _on_line(number, stretch, length_m, flaws)
        if fitted is None:
            continue
        if fitted.from_m < reached_m:
            until_m = min(fitted.to_m, reached_m)
            said = f"from {fitted.from_m} m to {until_m} m it overlaps another, which counts there"
            flaws.append(Flaw(number, "", said))
            fitted = Stretch(until_m, fitted.to_m, fitted.ground)
        reached_m = max(reached_m, fitted.to_m)
        yield fitted


def _on_line(number: int, stretch: Stretch, length_m: float, flaws: list[Flaw]) -> Stretch | None:
    """Return the part of a stretch that lies on the line, or None."""
    if stretch.from_m < round(length_m, 2) and stretch.to_m > length_m:
        if stretch.to_m > length_m + max(ROUNDING_M, ROUNDING_SHARE * length_m):
            said = f"the line ends at {length_m:.2f} m, and this at {stretch.to_m} m: the rest is cut off"
            flaws.append(Flaw(number, "", said))
        stretch = Stretch(stretch.from_m, length_m, stretch.ground)
    try:
        return part_of_line(stretch, length_m)
    except Unusable as error:
        flaws.append(Flaw(number, "", str(error)))
        return None


def read_drawn_claim(written: bytes, kind: FeatureKind) -> Claim:
    """Return what a JSON value says of a point's refuge."""
    if not written:
        return NO_CLAIM
    try:
        said = msgspec.json.decode(written, type=str | None)
    except msgspec.DecodeError as error:
        return Claim(ThunderRefuge.UNKNOWN, (Flaw(0, REFUGE, _reason(error)),))
    return read_claim(said, kind)


def read_claim(value: str | None, kind: FeatureKind) -> Claim:
    """Return what is said of a point's refuge; a claim that its kind rules out is a flaw."""
    if value is None:
        return NO_CLAIM
    try:
        refuge = msgspec.convert(value, ThunderRefuge)
    except msgspec.ValidationError as error:
        return Claim(ThunderRefuge.UNKNOWN, (Flaw(0, REFUGE, _reason(error)),))
    fault = claim_fault(kind, refuge)
    return Claim(refuge) if fault is None else Claim(ThunderRefuge.UNKNOWN, (Flaw(0, REFUGE, fault),))


def read_claim_elements(elements: Sequence[OwnElement], kind: FeatureKind) -> Claim:
    """Return what the elements of a waypoint say of its refuge; only the first of them may."""
    if not elements:
        return NO_CLAIM
    claim, flaws = NO_CLAIM, []
    for number, each in enumerate(elements):
        if each.name != FEATURE:
            flaws.append(Flaw(number, "", UNKNOWN_ELEMENT))
        elif any(other.name == FEATURE for other in elements[:number]):
            flaws.append(Flaw(number, "", "a waypoint has one; this one is left out"))
        else:
            claim = read_claim(each.attributes.get(REFUGE), kind)
            flaws += [Flaw(number, flaw.member, flaw.reason) for flaw in claim.flaws]
            unknown = [name for name in each.attributes if name != REFUGE]
            flaws += [Flaw(number, name, UNKNOWN_PROPERTY) for name in unknown]
    return Claim(claim.refuge, tuple(flaws))


def claim_element(refuge: ThunderRefuge) -> tuple[OwnElement, ...]:
    """Return what is said of a point's refuge as an element, or nothing where nothing is known."""
    return () if refuge is ThunderRefuge.UNKNOWN else (OwnElement(FEATURE, {REFUGE: refuge.value}),)
