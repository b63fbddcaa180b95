"""Edits of a route's line on the wire."""

import enum
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Final
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from schemas.base import Input, Latitude, Longitude, Output
from schemas.walks.routes import RouteOut
from schemas.walks.stretches import GroundOut, LineMetres
from service.foundation.retry_safe import Unusable
from service.walks.change_line import ChangedRoute
from service.walks.line_edits import (
    MOST_EDITS,
    AddPoint,
    CloseLoop,
    Join,
    Keep,
    LineEdit,
    MovePoint,
    OutAndBack,
    RemovePoints,
    Reverse,
)

Point = Annotated[int, Meta(ge=0, le=1_000_000, description="A point, counted from 0 along the line.")]
After = Annotated[int, Meta(ge=-1, le=1_000_000, description="The point before it; -1 for a new first one.")]
Version = Annotated[int, Meta(ge=1, le=1_000_000, description="Of its line; the one in use if absent.")]
Restored = Annotated[
    int, Meta(ge=1, le=1_000_000, description="Begin with this earlier line, not with the one in use.")
]
Height = Annotated[float, Meta(ge=-500, le=9_000, description="Metres above the sea.")]


class LineEditKind(enum.StrEnum):
    """What to do with a line."""

    ADD_POINT = "add_point"
    MOVE_POINT = "move_point"
    REMOVE_POINTS = "remove_points"
    REVERSE = "reverse"
    KEEP = "keep"
    JOIN = "join"
    OUT_AND_BACK = "out_and_back"
    CLOSE_LOOP = "close_loop"


class LineEditIn(Input):
    """One edit. Which members it takes follows from `do`; points count along the line as it is by then.

    `add_point`: `after`, `lon`, `lat`, maybe `ele_m`. `move_point`: `point`, `lon`, `lat`, maybe `ele_m`.
    `remove_points`: `first`, maybe `last`. `keep`: `from_m`, `to_m`, or one of them. `join`: `route_id`,
    maybe `version`, `backwards`, `before`. The others take none.
    """

    do: LineEditKind
    after: After | UnsetType = UNSET
    point: Point | UnsetType = UNSET
    lon: Longitude | UnsetType = UNSET
    lat: Latitude | UnsetType = UNSET
    ele_m: Height | UnsetType = UNSET
    first: Point | UnsetType = UNSET
    last: Point | UnsetType = UNSET
    from_m: LineMetres | UnsetType = UNSET
    to_m: LineMetres | UnsetType = UNSET
    route_id: Annotated[UUID | UnsetType, Meta(description="The route to join.")] = UNSET
    version: Version | UnsetType = UNSET
    backwards: Annotated[bool | UnsetType, Meta(description="Join its line the other way round.")] = UNSET
    before: Annotated[bool | UnsetType, Meta(description="Put its line first.")] = UNSET

    def to_edit(self, number: int) -> LineEdit:
        """Return the edit this describes. Raises Unusable where members are missing or too many."""
        given = {name: getattr(self, name) for name in self.__struct_fields__ if name != "do"}
        given = {name: value for name, value in given.items() if value is not UNSET}
        needed, optional, make = EDITS[self.do]
        for name in needed:
            if name not in given:
                raise Unusable(f"/edits/{number}/{name}", f"{self.do} needs it")
        for name in given:
            if name not in needed and name not in optional:
                raise Unusable(f"/edits/{number}/{name}", f"{self.do} takes none")
        return make(given)


Members = Mapping[str, Any]
NONE: Final[tuple[str, ...]] = ()
EDITS: Final[
    Mapping[LineEditKind, tuple[tuple[str, ...], tuple[str, ...], Callable[[Members], LineEdit]]]
] = {
    LineEditKind.ADD_POINT: (("after", "lon", "lat"), ("ele_m",), lambda given: AddPoint(**given)),
    LineEditKind.MOVE_POINT: (("point", "lon", "lat"), ("ele_m",), lambda given: MovePoint(**given)),
    LineEditKind.REMOVE_POINTS: (
        ("first",),
        ("last",),
        lambda given: RemovePoints(given["first"], given.get("last", given["first"])),
    ),
    LineEditKind.REVERSE: (NONE, NONE, lambda _: Reverse()),
    LineEditKind.KEEP: (
        NONE,
        ("from_m", "to_m"),
        lambda given: Keep(given.get("from_m", 0.0), given.get("to_m")),
    ),
    LineEditKind.JOIN: (("route_id",), ("version", "backwards", "before"), lambda given: Join(**given)),
    LineEditKind.OUT_AND_BACK: (NONE, NONE, lambda _: OutAndBack()),
    LineEditKind.CLOSE_LOOP: (NONE, NONE, lambda _: CloseLoop()),
}
"""The members each edit needs, those it may have, and how it is made of them."""


class LinePatch(Input):
    """Edits of the line in use, or of an earlier one that comes back with its stretches: that undoes."""

    edits: Annotated[
        list[LineEditIn],
        Meta(max_length=MOST_EDITS, description="Made one after the other, all of them or none."),
    ] = []  # noqa: RUF012  msgspec copies it
    restore_version: Restored | UnsetType = UNSET

    def to_edits(self) -> list[LineEdit]:
        """Return the edits this describes. Raises Unusable, also where there is nothing to do."""
        if not self.edits and self.restore_version is UNSET:
            raise Unusable("/edits", "there is nothing to do: send edits, restore_version, or both")
        return [each.to_edit(number) for number, each in enumerate(self.edits)]


class ChangedLine(Output):
    """A route with its new line, and what lost its place: near the line before, and not near this one."""

    route: RouteOut
    lost: Annotated[
        list[GroundOut],
        Meta(description="Parts of stretches, in metres along the line before."),
    ]
    lost_features: Annotated[
        list[UUID], Meta(description="Features that are off the line now; they stay where they are.")
    ]

    @classmethod
    def from_changed(cls, changed: ChangedRoute) -> "ChangedLine":
        """Return the route as a phone gets it."""
        return cls(
            route=RouteOut.from_full(changed.full),
            lost=[GroundOut.from_stretch(each) for each in changed.known.lost],
            lost_features=list(changed.known.lost_features),
        )
