"""Stretches of routes on the wire."""

from typing import Annotated, Any, Final, Self
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from schemas.base import Input, Output, shown
from service.walks.keep_stretches import RouteStretches
from service.walks.stretches import (
    LONGEST_LINE_M,
    MOST_PRIVATE,
    MOST_STRETCHES,
    NARROWEST_M,
    WIDEST_M,
    Canopy,
    ExpectedPeople,
    Ground,
    GroundChange,
    Light,
    People,
    PhoneSignal,
    Share,
    Slope,
    Stretch,
    Surface,
    WindExposure,
)

LineMetres = Annotated[float, Meta(ge=0, le=LONGEST_LINE_M, description="Metres from the start of the line.")]
Privacy = Annotated[
    int, Meta(ge=0, le=MOST_PRIVATE, description="0: passers-by overhear, to 3: nobody near.")
]
Width = Annotated[float, Meta(ge=NARROWEST_M, le=WIDEST_M, description="Metres; two abreast need about 1.5.")]
SHELTER: Final = Meta(description="From rain: dense leaves, an arcade, a bridge. Never from thunder.")
PLACES: Final = frozenset({"from_m", "to_m", "from_feature_id", "to_feature_id"})


class ExpectedPeopleIn(Input):
    """How many others to expect in each part of the week; what is left out is unknown."""

    weekday_morning: People | UnsetType = UNSET
    weekday_afternoon: People | UnsetType = UNSET
    weekday_evening: People | UnsetType = UNSET
    weekend_morning: People | UnsetType = UNSET
    weekend_afternoon: People | UnsetType = UNSET
    weekend_evening: People | UnsetType = UNSET

    def to_people(self) -> ExpectedPeople | None:
        """Return what is expected; None where nothing is said."""
        people = ExpectedPeople(
            **{name: value for name, value in msgspec.structs.asdict(self).items() if value is not UNSET}
        )
        return None if people == ExpectedPeople() else people


class StretchIn(Input, kw_only=True):
    """A part of a line and its ground. Nothing but its place is required: what is left out is unknown."""

    from_m: LineMetres
    to_m: LineMetres
    surface: Surface | None = None
    canopy: Canopy | None = None
    wind: WindExposure | None = None
    shade: Share | None = None
    shelter: Annotated[Share | None, SHELTER] = None
    light: Light | None = None
    privacy: Privacy | None = None
    width_m: Width | None = None
    people: ExpectedPeopleIn | None = None
    water_beside: bool | None = None
    drop_beside: bool | None = None
    phone_signal: PhoneSignal | None = None

    def to_stretch(self) -> Stretch:
        """Return the stretch this describes."""
        members = msgspec.structs.asdict(self)
        from_m, to_m = members.pop("from_m"), members.pop("to_m")
        return Stretch(from_m, to_m, Ground(**_with_people(members)))


class StretchesIn(Input):
    """All that is known along a line, in any order; parts that no stretch covers are unknown."""

    stretches: Annotated[list[StretchIn], Meta(max_length=MOST_STRETCHES)]

    def to_stretches(self) -> list[Stretch]:
        """Return the stretches this describes."""
        return [each.to_stretch() for each in self.stretches]


class GroundPatch(Input):
    """Properties to set from one place to another: null clears one, an absent one stays.

    A place is in metres, or where a feature lies. Without a first place it begins with the line, without a
    last one it ends with it.
    """

    from_m: LineMetres | None = None
    to_m: LineMetres | None = None
    from_feature_id: UUID | None = None
    to_feature_id: UUID | None = None
    surface: Surface | UnsetType | None = UNSET
    canopy: Canopy | UnsetType | None = UNSET
    wind: WindExposure | UnsetType | None = UNSET
    shade: Share | UnsetType | None = UNSET
    shelter: Annotated[Share | UnsetType | None, SHELTER] = UNSET
    light: Light | UnsetType | None = UNSET
    privacy: Privacy | UnsetType | None = UNSET
    width_m: Width | UnsetType | None = UNSET
    people: ExpectedPeopleIn | UnsetType | None = UNSET
    water_beside: bool | UnsetType | None = UNSET
    drop_beside: bool | UnsetType | None = UNSET
    phone_signal: PhoneSignal | UnsetType | None = UNSET

    def to_change(self) -> GroundChange:
        """Return the change this describes."""
        given = {name: getattr(self, name) for name in self.__struct_fields__}
        places = {name: given.pop(name) for name in PLACES}
        changes = {name: value for name, value in given.items() if value is not UNSET}
        return GroundChange(**places, changes=_with_people(changes))


def _with_people(members: dict[str, Any]) -> dict[str, Any]:
    people = members.get("people")
    return members if people is None else members | {"people": people.to_people()}


class SlopeOut(Output):
    """Slopes of a stretch walked forwards: rise over run, negative downhill, from smoothed heights."""

    mean: float
    steepest: Annotated[float, Meta(description="The slope of 25 m that is farthest from level.")]

    @classmethod
    def from_slope(cls, slope: Slope) -> "SlopeOut":
        """Return the slopes as a phone gets them."""
        return cls(round(slope.mean, 4), round(slope.steepest, 4))


class ExpectedPeopleOut(Output):
    """How many others to expect in each part of the week."""

    weekday_morning: People | UnsetType = UNSET
    weekday_afternoon: People | UnsetType = UNSET
    weekday_evening: People | UnsetType = UNSET
    weekend_morning: People | UnsetType = UNSET
    weekend_afternoon: People | UnsetType = UNSET
    weekend_evening: People | UnsetType = UNSET


class GroundOut(Output, kw_only=True):
    """A part of a line and its ground."""

    from_m: float
    to_m: float
    surface: Surface | UnsetType = UNSET
    canopy: Canopy | UnsetType = UNSET
    wind: WindExposure | UnsetType = UNSET
    shade: Share | UnsetType = UNSET
    shelter: Annotated[Share | UnsetType, SHELTER] = UNSET
    light: Light | UnsetType = UNSET
    privacy: int | UnsetType = UNSET
    width_m: float | UnsetType = UNSET
    people: ExpectedPeopleOut | UnsetType = UNSET
    water_beside: bool | UnsetType = UNSET
    drop_beside: bool | UnsetType = UNSET
    phone_signal: PhoneSignal | UnsetType = UNSET

    @classmethod
    def from_stretch(cls, stretch: Stretch) -> Self:
        """Return the stretch as a phone gets it."""
        return cls(**ground_members(stretch))


def ground_members(stretch: Stretch) -> dict[str, Any]:
    """Return the members of GroundOut."""
    members = shown(stretch.ground, GroundOut)
    if stretch.ground.people is not None:
        members["people"] = ExpectedPeopleOut.of(stretch.ground.people)
    return members | {"from_m": round(stretch.from_m, 2), "to_m": round(stretch.to_m, 2)}


class StretchOut(GroundOut, kw_only=True):
    """A part of a line, its ground, its slopes, and what of it is not known yet."""

    slope: Annotated[SlopeOut | UnsetType, Meta(description="Absent where heights are unknown.")] = UNSET
    unset: Annotated[list[str], Meta(description="Properties nobody has set, which are unknown.")]

    @classmethod
    def from_parts(cls, stretch: Stretch, slope: Slope | None) -> "StretchOut":
        """Return a stretch with its slopes."""
        sloping = UNSET if slope is None else SlopeOut.from_slope(slope)
        return cls(**ground_members(stretch), slope=sloping, unset=stretch.ground.unset)


class StretchesOut(Output, kw_only=True):
    """What is known along one line of a route."""

    route_id: UUID
    version: Annotated[int, Meta(description="Of the line.")]
    length_m: float
    stretches: Annotated[
        list[StretchOut], Meta(description="In walking order; together they cover the whole line.")
    ]
    lost: Annotated[
        list[GroundOut],
        Meta(
            description="Parts of the line before this one that have no ground within 25 m of it, in metres "
            "along that earlier line."
        ),
    ]
    lost_features: Annotated[
        list[UUID],
        Meta(description="Features that lay within 25 m of the line before, and farther from this one."),
    ]

    @classmethod
    def from_stretches(cls, known: RouteStretches) -> "StretchesOut":
        """Return what is known as a phone gets it."""
        pairs = zip(known.stretches, known.slopes, strict=True)
        return cls(
            route_id=known.route_id,
            version=known.version,
            length_m=round(known.length_m, 2),
            stretches=[StretchOut.from_parts(*each) for each in pairs],
            lost=[GroundOut.from_stretch(each) for each in known.lost],
            lost_features=list(known.lost_features),
        )
