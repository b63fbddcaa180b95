"""The rules of clients: merge patches, endings, dates of birth, pace."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.clients.clients import (
    Client,
    ClientFile,
    ClientFilter,
    ClientRecord,
    Contact,
    Ending,
    Gp,
    Identity,
    Stage,
    changed_client,
    merged_record,
    pace_of,
    refuse_unusable_client,
    select_page,
)
from service.foundation.pages import BadCursor
from service.foundation.retry_safe import Unusable
from service.people.practices import Practice

NOW = datetime(2026, 5, 4, 22, tzinfo=UTC)


def a_client(**changes: Any) -> Client:
    plain = {"id": UUID(int=1), "label": "W-17", "created_at": NOW, "updated_at": NOW}
    return Client(**{**plain, **changes})


def a_practice(**changes: Any) -> Practice:
    plain = {"practice_id": UUID(int=2), "name": "R", "zone": "UTC", "created_at": NOW, "updated_at": NOW}
    return Practice(**{**plain, **changes})


words = st.none() | st.text(min_size=1, max_size=5)
records = st.builds(
    ClientRecord,
    identity=st.none() | st.builds(Identity, given_name=words, date_of_birth=st.none() | st.dates()),
    contact=st.none() | st.builds(Contact, email=words, phone_number=words),
    crisis_plan=words,
)
patches = st.fixed_dictionaries(
    {},
    optional={
        "identity": st.none() | st.dictionaries(st.sampled_from(["given_name", "others"]), words),
        "contact": st.none() | st.dictionaries(st.sampled_from(["email", "address"]), words),
        "gp": st.none() | st.dictionaries(st.sampled_from(["name", "practice"]), words),
        "crisis_plan": words,
    },
)


@given(records, patches)
def test_a_merge_patch_sets_what_it_names_and_leaves_the_rest(
    record: ClientRecord, patch: dict[str, Any]
) -> None:
    before, after = (members(each) for each in (record, merged_record(record, patch)))
    named = members_named(patch)
    assert {at: value for at, value in after.items() if at in named} == {
        at: value for at, value in named.items() if value is not None
    }
    cleared = {part for part, value in patch.items() if value is None}
    kept = {at: value for at, value in before.items() if at not in named and at[0] not in cleared}
    assert {at: value for at, value in after.items() if at not in named} == kept


@given(records, patches)
def test_a_merge_patch_applied_again_changes_nothing(record: ClientRecord, patch: dict[str, Any]) -> None:
    once = merged_record(record, patch)
    assert merged_record(once, patch) == once


def members(record: ClientRecord) -> dict[tuple[str, ...], object]:
    """Return every member that is set, by part and name."""
    return members_named(msgspec.to_builtins(record))


def members_named(parts: dict[str, Any]) -> dict[tuple[str, ...], object]:
    inside = {
        (part, name): value
        for part, named in parts.items()
        if isinstance(named, dict)
        for name, value in named.items()
    }
    return inside | {(part,): value for part, value in parts.items() if isinstance(value, str)}


def test_a_part_without_members_is_removed() -> None:
    record = ClientRecord(gp=Gp(name="Dr Thistlewood"), crisis_plan="Breathe.")
    assert merged_record(record, {"gp": {"name": None}}) == ClientRecord(crisis_plan="Breathe.")


def test_a_client_who_comes_back_has_no_ending() -> None:
    ended = a_client(stage=Stage.ENDED, ending=Ending.PLANNED)
    assert changed_client(ended, {"stage": Stage.IN_THERAPY}, NOW).ending is None
    assert changed_client(ended, {"label": "New"}, NOW).ending is Ending.PLANNED
    referred = changed_client(ended, {"stage": Stage.ENDED, "ending": Ending.REFERRED}, NOW)
    assert referred.ending is Ending.REFERRED


@pytest.mark.parametrize(
    ("client", "pointer"),
    [(a_client(stage=Stage.ENDED), "/ending"), (a_client(ending=Ending.PLANNED), "/ending")],
)
def test_an_ending_and_the_stage_go_together(client: Client, pointer: str) -> None:
    with pytest.raises(Unusable) as caught:
        refuse_unusable_client(client, ClientRecord(), NOW)
    assert caught.value.pointer == pointer


@pytest.mark.parametrize(
    ("born", "usable"),
    [
        (date(1899, 12, 31), False),
        (date(1900, 1, 1), True),
        (date(2026, 5, 5), True),
        (date(2026, 5, 6), False),
    ],
)
def test_a_date_of_birth_lies_between_1900_and_tomorrow(born: date, usable: bool) -> None:  # noqa: FBT001  a column of the table
    record = ClientRecord(identity=Identity(date_of_birth=born))
    if usable:
        refuse_unusable_client(a_client(), record, NOW)
        return
    with pytest.raises(Unusable) as caught:
        refuse_unusable_client(a_client(), record, NOW)
    assert caught.value.pointer == "/identity/date_of_birth"


def test_a_client_without_a_pace_walks_at_the_practices() -> None:
    practice = a_practice(flat_pace_mps=1.1, rests_s=300)
    assert pace_of(a_client(flat_pace_mps=0.6, rests_s=0), practice).flat_mps == 0.6
    assert pace_of(a_client(rests_s=0), practice).rests_s == 0
    assert pace_of(a_client(), practice) == pace_of(a_client(flat_pace_mps=1.1, rests_s=300), practice)


def test_there_is_no_agreement_before_the_client_was_asked() -> None:
    asked = a_client(outdoor_agreed=False, outdoor_agreed_at=NOW)
    assert asked.outdoor_agreement is not None
    assert (asked.outdoor_agreement.agreed, asked.outdoor_agreement.on) == (False, NOW)
    assert asked.location_permission is None


def test_the_shown_revision_is_the_later_of_client_and_practice() -> None:
    file = ClientFile(a_client(revision=5), ClientRecord(), a_practice(revision=3))
    assert file.shown_revision == 5
    assert msgspec.structs.replace(file, practice=a_practice(revision=8)).shown_revision == 8


def test_a_page_starts_after_its_cursor_whatever_the_filter_was() -> None:
    clients = [
        a_client(id=UUID(int=at), label=label, stage=stage)
        for at, (label, stage) in enumerate(
            [
                ("heron", Stage.ENQUIRY),
                ("Alder", Stage.IN_THERAPY),
                ("Éider", Stage.ENQUIRY),
                ("alder", Stage.ENQUIRY),
            ]
        )
    ]

    def page(after: UUID | None = None, limit: int = 9, **wanted: Any) -> list[str]:
        return [each.label for each in select_page(clients, ClientFilter(**wanted), after=after, limit=limit)]

    assert page() == ["Alder", "alder", "heron", "Éider"]
    assert page(after=UUID(int=1), limit=2) == ["alder", "heron"]
    assert page(after=UUID(int=1), stage=Stage.ENQUIRY) == ["alder", "heron", "Éider"]
    assert page(label="ALD") == ["Alder", "alder"]
    assert page(label="éIDER") == page(label="e\u0301ider") == ["Éider"]
    assert page(archived=True) == []
    with pytest.raises(BadCursor):
        page(after=UUID(int=9))
