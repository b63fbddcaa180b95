"""Bodies made from a wire type: each member with every kind of wrong value, and with values at its limits."""

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any, Final

import msgspec
from msgspec import inspect as wire

from tests.http.sessions import at
from tests.http.things import LINE, new

HOLE: Final = "@@here@@"
PATTERNED: Final = {
    "label": "A. 17",
    "email": "quay@example.org",
    "url": "https://video.example/room",
    "phone_number": "+44 20 7946 0000",
    "local_time": "14:30",
}
"""Examples of text with a pattern, by the name of the member."""
NUL, HALF_PAIR = '"a\\u0000b"', '"\\ud800"'
NOT_NUMBERS: Final = ("NaN", "Infinity", "-Infinity", "1e999", "0x10", "01", "+1", ".5")
HUGE: Final = str(2**70)

Place = tuple[str | int, ...]
"""The path to a member: names, and indices of lists."""


class Member(msgspec.Struct, frozen=True):
    """A member of a body, at any depth."""

    place: Place
    type: wire.Type
    """Without null and absence."""
    nullable: bool
    parents: tuple[wire.Type, ...]
    """The types around it, from the body inwards."""

    @property
    def pointer(self) -> str:
        """Return the pointer a problem gives: for a member of a mapping it ends at the mapping."""
        names = []
        for name, parent in zip(self.place, self.parents, strict=True):
            if isinstance(parent, wire.DictType):
                break
            names.append(f"/{name}")
        return "".join(names)


def members(body: type) -> list[Member]:
    """Return every member of a wire type, at any depth."""
    return list(_below((), _plain(wire.type_info(body))[0], ()))


def _below(place: Place, kind: wire.Type, parents: tuple[wire.Type, ...]) -> Iterator[Member]:
    children: list[tuple[str | int, wire.Type]] = []
    if isinstance(kind, wire.StructType):
        children = [(field.encode_name, field.type) for field in kind.fields]
    elif isinstance(kind, wire.ListType):
        children = [(0, kind.item_type)]
    elif isinstance(kind, wire.DictType):
        children = [("plan", kind.value_type)]
    for name, child in children:
        plain, nullable = _plain(child)
        here = ((*place, name), (*parents, kind))
        yield Member(here[0], plain, nullable, here[1])
        yield from _below(here[0], plain, here[1])


def _plain(kind: wire.Type) -> tuple[wire.Type, bool]:
    """Return a type without descriptions, null and absence, and whether it may be null."""
    while isinstance(kind, wire.Metadata):
        kind = kind.type
    if not isinstance(kind, wire.UnionType):
        return kind, False
    kinds = [_plain(each)[0] for each in kind.types]
    nullable = any(isinstance(each, wire.NoneType) for each in kinds)
    (plain,) = [each for each in kinds if not isinstance(each, wire.NoneType)]
    return plain, nullable


def with_member(body: Any, member: Member, value: str) -> str:
    """Return a body as JSON with `value`, which is JSON itself, for one member."""
    body = node = deepcopy(body)
    for name, kind in zip(member.place[:-1], member.parents[1:], strict=True):
        if isinstance(node, list):
            node[:] = node or [example(kind)]
        elif not node.get(name):
            node[name] = example(kind)
        node = node[name]
    if isinstance(node, list):
        node[:] = [HOLE]
    else:
        node[member.place[-1]] = HOLE
    return json.dumps(body).replace(json.dumps(HOLE), value)


def example(kind: wire.Type, name: str = "") -> Any:
    """Return the smallest value that can be read as `kind`."""
    if isinstance(kind, wire.StructType):
        needed = [each for each in kind.fields if each.required]
        return {each.encode_name: example(_plain(each.type)[0], each.encode_name) for each in needed}
    if isinstance(kind, wire.StrType):
        return PATTERNED.get(name, "x" * (kind.min_length or 1))
    if isinstance(kind, wire.IntType | wire.FloatType):
        return kind.ge or 0
    if isinstance(kind, wire.EnumType):
        return next(iter(kind.cls)).value
    return EXAMPLES.get(type(kind), lambda: LINE)()


EXAMPLES: Final[dict[type[wire.Type], Callable[[], Any]]] = {
    wire.UUIDType: new,
    wire.DateTimeType: lambda: at(0),
    wire.DateType: lambda: "1987-04-03",
    wire.BoolType: lambda: True,
    wire.ListType: list,
    wire.DictType: dict,
}


def wrong_values(member: Member) -> list[str]:
    """Return values a member must refuse, as JSON or text that is nearly JSON."""
    kind = member.type
    if isinstance(kind, wire.RawType):
        return ['"x"', "5", "[]", "null", "{}", NUL, HALF_PAIR, *NOT_NUMBERS]
    values = ["[[]]", '{"x": 1}', NUL]
    if not member.nullable:
        values.append("null")
    if not isinstance(kind, wire.StrType):
        values += ['"5"', '""', '"x"', HALF_PAIR]
    if isinstance(kind, wire.IntType | wire.FloatType):
        values += NOT_NUMBERS
    else:
        values += ["5", HUGE]
    if not isinstance(kind, wire.BoolType):
        values += ["true"]
    return values + _beyond(kind)


def _beyond(kind: wire.Type) -> list[str]:
    """Return values of the right type just past its limits."""
    beyond: list[Any] = []
    match kind:
        case wire.StrType(min_length=least, max_length=most):
            beyond = ["x" * ((most or 3_000) + 1), *([""] if least else [])]
        case wire.IntType(ge=int(least), le=int(most)):
            beyond = [least - 1, most + 1, 2**70, -(2**70), 1.5]
        case wire.FloatType(ge=least, le=most) if least is not None and most is not None:
            beyond = [least - 0.001, most + 0.001, 2**70, -(2**70)]
        case wire.DateTimeType():
            beyond = ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-02-30T14:30:00Z"]
            beyond += ["yesterday", "2026-05-04", "2026-05-04T14:30:00"]
        case wire.DateType():
            beyond = ["1987-02-30", "3 April 1987", "10000-01-01", "1987-04-03T00:00:00Z"]
        case wire.ListType(max_length=most, item_type=item):
            beyond = [[example(_plain(item)[0])] * ((most or 0) + 1)]
        case wire.DictType(max_length=most):
            beyond = [{f"k{number}": "x" for number in range((most or 0) + 1)}]
    return [json.dumps(each) for each in beyond]


def edge_values(member: Member) -> list[str]:
    """Return values just within the limits of a member."""
    match member.type:
        case wire.StrType(min_length=least, max_length=most, pattern=None | r"\S"):
            longest = [json.dumps(letter * (most or 1)) for letter in "x😀é"]
            return [*longest, HALF_PAIR, *['"x"'] * bool(least)]
        case wire.IntType(ge=least, le=most) | wire.FloatType(ge=least, le=most):
            return [json.dumps(least), json.dumps(most)]
        case wire.DateTimeType():
            return ['"1990-01-02T00:00:00Z"', '"2026-05-04T14:30:00.123456789+05:45"']
        case wire.ListType(max_length=most, item_type=item):
            return [json.dumps([example(_plain(item)[0])] * (most or 0)), "[]"]
        case wire.DictType(max_length=most):
            return [json.dumps({f"k{number}": "x" for number in range(most or 0)}), "{}"]
    return []
