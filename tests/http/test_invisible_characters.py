"""Invisible characters in an email address, and those that change a line, are refused at every door."""

# ruff: noqa: RUF001  names and addresses in other scripts

import json
from typing import Final

import msgspec
import pytest

from schemas.base import ADDRESS, ONE_LINE, character_checks
from tests.http.caller import Caller, make_caller, nothing_stored
from tests.http.hostile import Member, members, with_member
from tests.http.look import Look
from tests.http.operations import OPERATIONS
from tests.http.refusals import problem
from tests.http.running import Running
from tests.http.world import World

INVISIBLE: Final = {
    "\u200b": "U+200B ZERO WIDTH SPACE",
    "\u00ad": "U+00AD SOFT HYPHEN",
    "\u202e": "U+202E RIGHT-TO-LEFT OVERRIDE",
    "\u0007": "U+0007 a control character",
    "\u3164": "U+3164 HANGUL FILLER",
    "\u00a0": "U+00A0 NO-BREAK SPACE",
}
TURNING: Final = {
    "\u202e": "U+202E RIGHT-TO-LEFT OVERRIDE",
    "\n": "U+000A a control character",
    "\u2028": "U+2028 LINE SEPARATOR",
}


def checked(fault_in: object) -> list[tuple[str, Member]]:
    """Return the members of bodies whose characters are checked in this way, by operation."""
    return [
        (name, member)
        for name, operation in sorted(OPERATIONS.items())
        if operation.body is not None
        for member in members(operation.body)
        if _check_of(member) is fault_in
    ]


def _check_of(member: Member) -> object:
    around = member.parents[-1]
    if not isinstance(around, msgspec.inspect.StructType):
        return None
    return character_checks(around.cls).get(str(member.place[-1]))


ADDRESSES: Final = checked(ADDRESS["fault_in"])
LINES: Final = checked(ONE_LINE["fault_in"])


@pytest.fixture(scope="module")
def caller(running: Running) -> Caller:
    return make_caller(running)


def test_every_email_address_and_every_name_is_checked() -> None:
    named = {
        (name, member.pointer)
        for name, operation in OPERATIONS.items()
        if operation.body is not None
        for member in members(operation.body)
        if member.place[-1] in {"email", "name", "label", "given_name", "family_name", "platform"}
    }
    assert named <= {(name, member.pointer) for name, member in (*ADDRESSES, *LINES)}
    assert {name for name, _ in ADDRESSES} >= {"sign_in", "add_therapist", "create_client", "change_client"}


@pytest.mark.parametrize(("name", "member"), [pytest.param(*each, id=each[0]) for each in ADDRESSES])
def test_an_invisible_character_in_an_address_is_refused_with_its_place(
    caller: Caller, look: Look, name: str, member: Member
) -> None:
    for character, said in INVISIBLE.items():
        body = with_member(caller.body(name), member, json.dumps(f"ada{character}@example.org"))
        with nothing_stored(look, caller):
            told = problem(caller.send(name, body))
        assert (told["type"], told["pointer"]) in {
            ("invalid-body", member.pointer),
            ("unusable", member.pointer),
        }
        assert f"character 4 is {said}" in told["detail"] or character == "\u00a0"


@pytest.mark.parametrize(
    ("name", "member"), [pytest.param(*each, id=f"{each[0]} {each[1].pointer}") for each in LINES]
)
def test_a_character_that_breaks_or_turns_a_line_is_refused_with_its_place(
    caller: Caller, look: Look, name: str, member: Member
) -> None:
    for character, said in TURNING.items():
        body = with_member(caller.body(name), member, json.dumps(f"Ri{character}ver"))
        with nothing_stored(look, caller):
            told = problem(caller.send(name, body))
        assert (told["type"], told["pointer"]) == ("invalid-body", member.pointer)
        assert f"character 3 is {said}" in told["detail"]


def test_a_name_keeps_the_joiners_its_script_needs(world: World) -> None:
    name = "نرگس می\u200cخواهد"
    path = f"/v1/therapists/{world.ben.therapist_id}"
    assert world.ada.patch(path, {"name": name}).json()["name"] == name


def test_a_client_in_a_file_is_refused_by_row_and_column(world: World) -> None:
    csv = 'label,given_name,email\nW-17,Mina,mi\u200bna@example.org\nW-18,"Mi\nna",\n"W\t19",,\nW-20,Mina,\n'
    answer = world.ada.post("/v1/clients/import", content=csv.encode(), headers={"Content-Type": "text/csv"})
    rows = [(each["outcome"], each.get("column")) for each in answer.json()["rows"]]
    assert rows == [("refused", "email"), ("refused", "given_name"), ("refused", "label"), ("created", None)]
    assert "character 3 is U+200B ZERO WIDTH SPACE" in answer.json()["rows"][0]["reason"]
