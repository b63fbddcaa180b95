"""What all wire types share: strict input, output without empty members, and common types with limits."""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Annotated, Any, Final, Generic, Self, TypeVar

import msgspec
from msgspec import UNSET, Meta, UnsetType, inspect

from service.foundation.characters import fault_in_address, fault_in_line
from service.foundation.instants import EARLIEST, LATEST, is_real
from service.foundation.pages import PageOf

Item = TypeVar("Item")
Thing = TypeVar("Thing")
Value = TypeVar("Value")


CharacterCheck = Callable[[str], str | None]
ONE_LINE: Final = {"fault_in": fault_in_line}
"""`extra` of the type of a member that is a single line, such as a name."""
ADDRESS: Final = {"fault_in": fault_in_address}
"""`extra` of the type of a member that is an email address."""


@cache
def character_checks(wire: type[msgspec.Struct]) -> dict[str, CharacterCheck]:
    """Return the members of a wire type whose characters are checked, and how."""
    (described,) = inspect.multi_type_info([wire])
    fields = described.fields if isinstance(described, inspect.StructType) else ()
    found = {each.name: _character_check(each.type) for each in fields}
    return {name: check for name, check in found.items() if check is not None}


def _character_check(kind: inspect.Type) -> CharacterCheck | None:
    if isinstance(kind, inspect.UnionType):
        return next(filter(None, map(_character_check, kind.types)), None)
    if not isinstance(kind, inspect.Metadata):
        return None
    return (kind.extra or {}).get("fault_in") or _character_check(kind.type)


class Input(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What a phone sends. An unknown member is refused: it is a mistake, or from a newer app.

    Defaults are left out when it is encoded, so a member added later does not change the fingerprint of an
    earlier request.
    """

    def __post_init__(self) -> None:
        """Refuse an instant outside the years of real sessions, and text with a fault in its characters.

        msgspec makes a ValidationError of it.
        """
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if isinstance(value, datetime) and not is_real(value):
                raise ValueError(f"`{name}` must lie between {EARLIEST.year} and {LATEST.year}")
        for name, fault_in in character_checks(type(self)).items():
            value = getattr(self, name)
            if isinstance(value, str) and (fault := fault_in(value)):
                raise ValueError(f"`{name}`: {fault}")


class Output(msgspec.Struct, omit_defaults=True):
    """What a phone gets. A member without a value is absent, not null."""

    @classmethod
    def of(cls, source: object) -> Self:
        """Return this type with the members that `source` has too; a member that is None is left out."""
        return cls(**shown(source, cls))


NextCursor = Annotated[str, Meta(description="Send it as `cursor` to read on; absent on the last page.")]


class Page(Output, Generic[Item]):
    """Some items of a list, and where the next page starts."""

    items: list[Item]
    next_cursor: NextCursor | UnsetType = UNSET

    @classmethod
    def from_page(cls, page: PageOf[Thing], to_wire: Callable[[Thing], Item]) -> Self:
        """Return a page of `to_wire` of each thing."""
        items = [to_wire(each) for each in page.items]
        return cls(items=items, next_cursor=page.next.to_text() if page.next else UNSET)


Name = Annotated[str, Meta(min_length=1, max_length=200, extra=ONE_LINE)]
Text = Annotated[str, Meta(min_length=1, max_length=4_000)]
Longitude = Annotated[float, Meta(ge=-180, le=180, description="Degrees east, WGS84.")]
Latitude = Annotated[float, Meta(ge=-90, le=90, description="Degrees north, WGS84.")]
Instant = Annotated[datetime, Meta(tz=True, description="RFC 3339 with an offset; answered in UTC.")]
FlatPace = Annotated[float, Meta(ge=0.1, le=3, description="Metres per second on the flat.")]
Rests = Annotated[int, Meta(ge=0, le=7_200, description="Seconds of rest planned into a walk.")]


def changes_of(patch: Input, now: datetime) -> dict[str, Any]:
    """Return the members a merge patch (RFC 7396) names: null clears one, an absent one stays.

    `archived` becomes `archived_at`: `now`, or None.
    """
    given = ((name, getattr(patch, name)) for name in patch.__struct_fields__)
    changes: dict[str, Any] = {name: value for name, value in given if value is not UNSET}
    if "archived" in changes:
        changes["archived_at"] = now if changes.pop("archived") else None
    return changes


def present(value: Value | None) -> Value | UnsetType:
    """Return `value`, or UNSET for None."""
    return UNSET if value is None else value


def shown(source: object, wire: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the members that `wire` and `source` share; those that are None become UNSET."""
    names = (name for name in wire.__struct_fields__ if hasattr(source, name))
    return {name: present(getattr(source, name)) for name in names}


def to_the_centimetre(members: dict[str, Any]) -> dict[str, Any]:
    """Return members with metres and seconds rounded to two decimals, degrees and shares to seven."""
    return {
        name: round(value, 7 if name in FINER else 2) if isinstance(value, float) else value
        for name, value in members.items()
    }


FINER: Final = frozenset({"lon", "lat", "share_walked"})
