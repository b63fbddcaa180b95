"""What on a route meets a client's needs and triggers: reasons for a therapist to weigh, never a score.

What nobody has said is a reason too, because it may be the worse case.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

import msgspec
import numpy as np

from service.clients.needs import Need, Trigger
from service.foundation.described_enum import DescribedEnum
from service.geo.climb import height_noise_m, noise_share
from service.geo.fixes import Fixes
from service.geo.geodesy import elevation_profile_m
from service.geo.pace import line_profile
from service.walks.features import Feature, FeatureKind
from service.walks.passes import SampledLine, passes_of, sampled_line
from service.walks.stretches import (
    ExpectedPeople,
    Ground,
    Light,
    People,
    PhoneSignal,
    Share,
    Stretch,
    Surface,
)

STEEPEST_GENTLE: Final = 0.05
"""1 in 20, from which on guidance for streets in the United Kingdom calls a slope a ramp."""
LEAST_RISE_M: Final = (0.5, 12.0)
"""A steep part counts from this rise up: with clean heights, and with noisy ones, which sway by as much."""


class OtherTrigger(msgspec.Struct, frozen=True):
    """A trigger in the therapist's words."""

    words: str


Requirement = Need | Trigger | OtherTrigger


class Bearing(DescribedEnum):
    """What something says about a need or a trigger."""

    MEETS = "meets", "It meets the need."
    AGAINST = "against", "It stands against the need, or it is what the trigger names."
    UNKNOWN = "unknown", "Nobody has said: it may be the worse case."


class Requirements(msgspec.Struct, frozen=True):
    """What a client needs of a walk, and what may distress them there."""

    needs: tuple[Need, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    other_triggers: tuple[str, ...] = ()

    @property
    def each(self) -> tuple[Requirement, ...]:
        """Return every need and trigger."""
        return (*self.needs, *self.triggers, *map(OtherTrigger, self.other_triggers))


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """What a part of the line, or a feature it passes, says about one need or trigger."""

    because: Requirement
    bearing: Bearing
    from_m: float
    to_m: float
    """As `from_m` for a feature: where the line passes it."""
    words: str
    ground: str | None = None
    """The property of the ground that says so."""
    value: str | None = None
    feature: Feature | None = None
    offset_m: float | None = None


class GroundRule(msgspec.Struct, frozen=True):
    """Which values of a property of the ground meet a need, and which stand against it."""

    ground: str
    meets: frozenset[Any] = frozenset()
    against: frozenset[Any] = frozenset()

    def judge(self, value: object) -> Bearing | None:
        """Return what a value says; None where it says nothing."""
        if value is None:
            return Bearing.UNKNOWN
        if value in self.meets:
            return Bearing.MEETS
        return Bearing.AGAINST if value in self.against else None


LOOSE: Final = frozenset({Surface.GRASS, Surface.MUD_PRONE, Surface.SAND, Surface.ROCK, Surface.STEPS})
DARK: Final = frozenset({Light.UNLIT, Light.PARTLY_LIT})
GROUND_RULES: Final[Mapping[Requirement, GroundRule]] = {
    Need.STEP_FREE: GroundRule("surface", against=frozenset({Surface.STEPS})),
    Need.FIRM_GROUND: GroundRule("surface", against=LOOSE),
    Need.SHELTER: GroundRule("shelter", meets=frozenset({Share.PARTLY, Share.FULLY})),
    Need.PRIVACY: GroundRule("privacy", meets=frozenset({2, 3}), against=frozenset({0})),
    Need.LIGHT: GroundRule("light", meets=frozenset({Light.LIT}), against=DARK),
    Need.PHONE_SIGNAL: GroundRule(
        "phone_signal",
        meets=frozenset({PhoneSignal.GOOD}),
        against=frozenset({PhoneSignal.NONE, PhoneSignal.WEAK}),
    ),
    Trigger.WATER: GroundRule("water_beside", against=frozenset({True})),
    Trigger.CROWDS: GroundRule("people", against=frozenset({People.SOME, People.MANY})),
    Trigger.HEIGHTS: GroundRule("drop_beside", against=frozenset({True})),
    Trigger.DARK: GroundRule("light", against=DARK),
}
MET_BY: Final[Mapping[Requirement, frozenset[FeatureKind]]] = {
    Need.SEATS: frozenset({FeatureKind.BENCH, FeatureKind.CAFE}),
    Need.TOILET: frozenset({FeatureKind.TOILET}),
    Need.SHELTER: frozenset({FeatureKind.SHELTER, FeatureKind.CAFE}),
    Need.PRIVACY: frozenset({FeatureKind.PRIVATE_SPOT}),
    Need.PARKING: frozenset({FeatureKind.PARKING}),
    Need.BUS_STOP: frozenset({FeatureKind.BUS_STOP}),
    Need.EXITS: frozenset({FeatureKind.EXIT, FeatureKind.PARKING, FeatureKind.BUS_STOP}),
}
FEATURES_ALONE: Final = frozenset({Need.SEATS, Need.TOILET, Need.PARKING, Need.BUS_STOP, Need.EXITS})
"""Needs that no ground meets: a route on which no such feature is marked stands against them."""
TRIGGER_WORDS: Final[Mapping[Requirement, tuple[str, ...]]] = {
    Trigger.DOGS: ("dog",),
    Trigger.BEES: ("bee", "beehive", "hive", "wasp", "hornet", "apiary", "apiaries"),
    Trigger.WATER: ("water", "river", "canal", "lake", "pond", "stream", "weir", "reservoir", "sea", "ford"),
    Trigger.CROWDS: ("crowd", "crowded", "busy", "market", "playground"),
    Trigger.HEIGHTS: ("height", "drop", "cliff", "ledge", "viaduct", "bridge"),
    Trigger.DARK: ("dark", "tunnel", "underpass"),
}
LABELS: Final = {
    "phone_signal": "phone signal",
    "water_beside": "water beside the path",
    "drop_beside": "a drop beside the path",
    "people": "other people",
    "slope": "gradient",
}
"""What properties are called where their own name does not read well."""


def find_reasons(
    line: Fixes,
    stretches: Sequence[Stretch],
    features: Sequence[Feature],
    requirements: Requirements,
    part_of_week: str | None,
) -> list[Reason]:
    """Return what on a route bears on each need and trigger, by these and then along the line.

    `stretches` cover the whole line. `part_of_week` names a member of ExpectedPeople; without it, the part
    with most people counts.
    """
    sampled, length_m = sampled_line(line), stretches[-1].to_m
    reasons: list[Reason] = []
    for because in requirements.each:
        found = [*_of_features(because, sampled, features)]
        found += _of_what_is_missing(because, found, length_m)
        rule = GROUND_RULES.get(because)
        if rule is not None:
            found += _of_ground(because, rule, stretches, part_of_week)
        if because is Need.GENTLE_SLOPES:
            found += _of_slopes(line, length_m)
        reasons += sorted(found, key=lambda each: (each.from_m, each.to_m))
    return reasons


def _of_ground(
    because: Requirement, rule: GroundRule, stretches: Sequence[Stretch], part_of_week: str | None
) -> Iterator[Reason]:
    """Yield a reason for each part of the line where a property has one value that says something."""
    values = [_value(each.ground, rule.ground, part_of_week) for each in stretches]
    for value, group in groupby(zip(values, stretches, strict=True), key=lambda pair: pair[0]):
        same = [stretch for _, stretch in group]
        bearing = rule.judge(value)
        if bearing is not None:
            yield Reason(
                because=because,
                bearing=bearing,
                from_m=same[0].from_m,
                to_m=same[-1].to_m,
                words=_ground_words(rule.ground, value),
                ground=rule.ground,
                value=None if value is None or isinstance(value, bool) else str(value),
            )


def _value(ground: Ground, name: str, part_of_week: str | None) -> object:
    if name == "people":
        return expected_people(ground.people, part_of_week)
    return getattr(ground, name)


def expected_people(people: ExpectedPeople | None, part_of_week: str | None) -> People | None:
    """Return how many others are expected in a part of the week, or the most in any; None where unknown."""
    if people is None:
        return None
    if part_of_week is not None:
        expected: People | None = getattr(people, part_of_week)
        return expected
    known = [each for each in msgspec.structs.astuple(people) if each is not None]
    return max(known, key=list(People).index, default=None)


def _ground_words(name: str, value: object) -> str:
    label = LABELS.get(name, name)
    if value is None:
        return f"{label}: not known"
    return label if isinstance(value, bool) else f"{label}: {str(value).replace('_', ' ')}"


def _of_slopes(line: Fixes, length_m: float) -> Iterator[Reason]:
    """Yield a reason for each part of the line that is steeper than a gentle slope, up or down."""
    profile = line_profile(line)
    if profile is None:
        yield _whole(Need.GENTLE_SLOPES, Bearing.UNKNOWN, length_m, "gradient: not known", "slope")
        return
    noise = noise_share(height_noise_m(elevation_profile_m(line)[1]))
    if noise == 1:
        yield _whole(
            Need.GENTLE_SLOPES, Bearing.UNKNOWN, length_m, "gradient: not certain, heights are noisy", "slope"
        )
    least_m = LEAST_RISE_M[0] + noise * (LEAST_RISE_M[1] - LEAST_RISE_M[0])
    runs = np.diff(profile.along_m)
    slopes = np.divide(np.diff(profile.height_m), runs, out=np.zeros_like(runs), where=runs > 0)
    steep = np.where(np.abs(slopes) > STEEPEST_GENTLE, np.sign(slopes), 0.0)
    begins = np.flatnonzero(np.diff(steep, prepend=0.0) != 0)
    for first, last in zip(begins, np.append(begins, len(steep))[1:], strict=True):
        rise_m = abs(profile.height_m[last] - profile.height_m[first])
        if steep[first] and rise_m >= least_m:
            steepest = float(np.max(np.abs(slopes[first:last])) * steep[first])
            yield Reason(
                because=Need.GENTLE_SLOPES,
                bearing=Bearing.AGAINST,
                from_m=float(profile.along_m[first]),
                to_m=float(profile.along_m[last]),
                words=f"gradient: {abs(steepest):.0%} {'up' if steepest > 0 else 'down'}",
                ground="slope",
                value=f"{steepest:.2f}",
            )


def _of_features(because: Requirement, sampled: SampledLine, features: Sequence[Feature]) -> Iterator[Reason]:
    """Yield a reason for each pass of a feature that says something."""
    judged = {each.id: _judge_feature(because, each) for each in features}
    passes = passes_of(sampled, [each for each in features if judged[each.id] is not None])
    for feature, along_m, offset_m in zip(passes.feature, passes.along_m, passes.offset_m, strict=True):
        bearing = None if feature is None else judged[feature.id]
        if feature is not None and bearing is not None:
            kind = feature.kind.replace("_", " ")
            yield Reason(
                because=because,
                bearing=bearing,
                from_m=float(along_m),
                to_m=float(along_m),
                words=kind if feature.name is None else f"{kind}: {feature.name}",
                feature=feature,
                offset_m=float(offset_m),
            )


def _judge_feature(because: Requirement, feature: Feature) -> Bearing | None:
    """Return what a feature says about a need, by its kind, or about a trigger, by what it is called."""
    if because is Need.STEP_FREE:
        if feature.kind is FeatureKind.STEPS or _names(feature, ("stile",)):
            return Bearing.AGAINST
        return Bearing.UNKNOWN if feature.kind is FeatureKind.GATE else None
    if isinstance(because, Need):
        return Bearing.MEETS if feature.kind in MET_BY.get(because, ()) else None
    words = (because.words,) if isinstance(because, OtherTrigger) else TRIGGER_WORDS[because]
    return Bearing.AGAINST if _names(feature, words) else None


def _names(feature: Feature, words: Sequence[str]) -> bool:
    """Return whether a feature's name or description holds one of the words, in the singular or plural."""
    text = " ".join(f"{feature.name or ''} {feature.description or ''}".casefold().split())
    wanted = "|".join(re.escape(" ".join(each.casefold().split())) for each in words)
    return re.search(rf"(?<!\w)(?:{wanted})(?:s|es)?(?!\w)", text) is not None


def _of_what_is_missing(because: Requirement, found: Sequence[Reason], length_m: float) -> Iterator[Reason]:
    """Yield a reason where no feature is marked that a need asks for, or that a trigger is known by."""
    if any(each.bearing is not Bearing.UNKNOWN for each in found):
        return
    if because in FEATURES_ALONE:
        kinds = " or ".join(sorted(each.replace("_", " ") for each in MET_BY[because]))
        yield _whole(because, Bearing.AGAINST, length_m, f"none is marked: {kinds}")
    elif not isinstance(because, Need) and because not in GROUND_RULES:
        yield _whole(because, Bearing.UNKNOWN, length_m, "nothing that is marked names it")


def _whole(
    because: Requirement, bearing: Bearing, length_m: float, words: str, ground: str | None = None
) -> Reason:
    """Return a reason about the whole line."""
    return Reason(because=because, bearing=bearing, from_m=0.0, to_m=length_m, words=words, ground=ground)
