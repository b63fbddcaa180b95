"""A session's notes and moments have no bound, so they are read in pages."""

from typing import Any
from uuid import uuid4

import pytest

from tests.http.sessions import a_note, a_session, at
from tests.http.world import Phone, World

LONG = "x" * 50_000
LONG_FORM = {
    "format": "soap",
    "fields": dict.fromkeys(("subjective", "objective", "assessment", "plan"), LONG),
}


def read_all(phone: Phone, path: str, limit: int) -> list[list[dict[str, Any]]]:
    """Return every page of a list."""
    pages, params = [], {"limit": limit}
    while True:
        page = phone.get(path, params=params).json()
        pages.append(page["items"])
        if "next_cursor" not in page:
            return pages
        params = {"limit": limit, "cursor": page["next_cursor"]}


def ids_of(pages: list[list[dict[str, Any]]]) -> list[str]:
    return [each["id"] for page in pages for each in page]


def test_notes_come_in_pages_those_about_the_whole_session_last(world: World) -> None:
    session = a_session(world.ada)
    whole = [a_note(world.ada, session, written_at=at(10_000 + each))["id"] for each in range(3)]
    about = [
        a_note(world.ada, session, about="instant", about_at=at(60 * each))["id"] for each in range(1, 4)
    ]
    pages = read_all(world.ada, f"{session}/notes", 2)
    assert [len(page) for page in pages] == [2, 2, 2]
    assert ids_of(pages) == about + whole


def test_moments_at_one_instant_come_in_pages_without_loss(world: World) -> None:
    session = a_session(world.ada)
    made = {str(uuid4()) for _ in range(5)}
    for each in made:
        assert world.ada.post(f"{session}/moments", {"id": each, "at": at(60)}).status_code == 201
    assert ids_of(read_all(world.ada, f"{session}/moments", 2)) == sorted(made)


def test_a_page_of_long_notes_ends_early_and_the_rest_follows(world: World) -> None:
    session = a_session(world.ada)
    made = [
        a_note(world.ada, session, written_at=at(each), **LONG_FORM, text=LONG)["id"] for each in range(10)
    ]
    pages = read_all(world.ada, f"{session}/notes", 100)
    assert [len(page) for page in pages] == [4, 4, 2]
    assert ids_of(pages) == made
    assert all(each["text"] == LONG for page in pages for each in page)


@pytest.mark.parametrize("name", ["notes", "moments"])
def test_a_cursor_of_another_list_is_refused(world: World, name: str) -> None:
    world.ada.post("/v1/places", {"id": str(uuid4()), "kind": "room", "name": "Yard"})
    world.ada.post("/v1/places", {"id": str(uuid4()), "kind": "room", "name": "Loft"})
    cursor = world.ada.get("/v1/places", params={"limit": 1}).json()["next_cursor"]
    answer = world.ada.get(f"{a_session(world.ada)}/{name}", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["parameter"]) == (400, "cursor")
