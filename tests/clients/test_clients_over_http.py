"""Clients over HTTP: what is stored, what is sealed, and who may see it."""

import asyncio
import base64
from collections.abc import Awaitable, Callable
from datetime import date, timedelta
from typing import Any, TypeVar
from uuid import UUID, uuid4

import asyncpg

from tests.conftest import Clock
from tests.http.look import Look
from tests.http.running import Running
from tests.http.world import Phone, World

Done = TypeVar("Done")

RECORD: dict[str, Any] = {
    "identity": {
        "given_name": "Wilhelmina",
        "family_name": "Ashgrove-Quill",
        "pronouns": "she/her",
        "date_of_birth": "1987-04-03",
        "others": "her daughter Zephyrine",
    },
    "contact": {
        "email": "mina@quill.example",
        "phone_number": "+44 7700 900123",
        "address": "7 Hazelwick Row\nEel Pie",
        "wishes": "text only",
    },
    "emergency_contact": {
        "name": "Bartholomew",
        "relationship": "brother",
        "phone_number": "020 7946 0018 ext 4",
    },
    "gp": {"name": "Dr Thistlewood", "practice": "Weirside Surgery", "phone_number": "020 7946 0991"},
    "crisis_plan": "Call Bartholomew, then the crisis line.",
    "needs": ["step_free", "toilet"],
    "triggers": ["dogs"],
    "other_triggers": ["peacocks"],
}
ASKED_ON = "2026-03-01T10:00:00Z"


def a_client(**changes: object) -> dict[str, object]:
    return {"id": str(uuid4()), "label": "W-17", **changes}


def added(phone: Phone, **changes: object) -> str:
    """Add a client and return its path."""
    answer = phone.post("/v1/clients", a_client(**changes))
    assert answer.status_code == 201, answer.text
    return str(answer.headers["location"])


def labels(phone: Phone, **params: object) -> list[str]:
    """Return the labels of one page of clients."""
    answer = phone.get("/v1/clients", params=params)
    assert answer.status_code == 200, answer.text
    return [each["label"] for each in answer.json()["items"]]


def test_a_label_is_enough(world: World) -> None:
    sent = a_client()
    answer = world.ada.post("/v1/clients", sent)
    assert answer.status_code == 201
    assert answer.json() | sent | {"stage": "enquiry"} == answer.json()
    assert answer.json()["walks"] == {"flat_pace_mps": 0.9, "rests_s": 600}
    assert not answer.json().keys() & {"flat_pace_mps", "outdoor_agreement", "identity", "crisis_plan"}


def test_a_client_is_kept_as_sent(world: World) -> None:
    sent = a_client(
        stage="ended",
        ending="referred",
        flat_pace_mps=0.7,
        rests_s=300,
        outdoor_agreement={"agreed": True, "on": ASKED_ON},
        location_permission={"agreed": False, "on": ASKED_ON},
        **RECORD,
    )
    answer = world.ada.post("/v1/clients", sent)
    kept = world.ada.get(answer.headers["location"])
    assert kept.json() | sent == kept.json() == answer.json()
    assert kept.headers["etag"] == answer.headers["etag"]


def test_the_same_create_again_answers_the_same_client(world: World) -> None:
    sent = a_client(**RECORD)
    first, again = world.ada.post("/v1/clients", sent), world.ada.post("/v1/clients", sent)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    other = world.ada.post("/v1/clients", sent | {"crisis_plan": "another"})
    assert (other.status_code, other.json()["type"]) == (409, "urn:towpath:problem:id-taken")


def test_nothing_about_the_person_is_readable_in_the_database(world: World, running: Running) -> None:
    path = added(world.ada, **RECORD)
    assert world.ada.patch(path, {"gp": {"practice": "Millpond Health"}}).status_code == 200
    rows = stored(running, world.practice_id, world.ada.therapist_id).lower()
    secrets = (
        "Ashgrove",
        "Zephyrine",
        "quill.example",
        "Hazelwick",
        "Bartholomew",
        "Millpond",
        "1987-",
        "peacock",
        "step_free",
    )
    for secret in ("W-17", *secrets):
        assert secret.lower().encode() not in rows
    assert b"enquiry" in rows


def stored(running: Running, practice_id: UUID, therapist_id: UUID) -> bytes:
    """Return every byte that is stored about a therapist's clients."""

    async def read(connection: asyncpg.Connection) -> bytes:
        rows = await connection.fetch("SELECT client::text FROM client")
        rows += await connection.fetch("SELECT client_key::text FROM client_key")
        rows += await connection.fetch("SELECT write_ledger::text FROM write_ledger")
        sealed = await connection.fetch("SELECT sealed || sealed_label FROM client WHERE sealed IS NOT NULL")
        assert rows
        assert sealed
        return b"\n".join([*(row[0].encode() for row in rows), *(row[0] for row in sealed)])

    return as_therapist(running, practice_id, therapist_id, read)


def as_therapist(
    running: Running,
    practice_id: UUID,
    therapist_id: UUID,
    act: Callable[[asyncpg.Connection], Awaitable[Done]],
) -> Done:
    """Use the database with the rights of a therapist's transaction."""

    async def connected() -> Done:
        connection = await asyncpg.connect(running.composition.dsn)
        async with connection.transaction():
            await connection.execute(f"SET LOCAL app.practice = '{practice_id}'")
            await connection.execute(f"SET LOCAL app.therapist = '{therapist_id}'")
            done = await act(connection)
        await connection.close()
        return done

    return asyncio.run(connected())


def test_a_change_inside_the_record_leaves_the_rest_of_it(world: World) -> None:
    path = added(world.ada, **RECORD)
    changed = world.ada.patch(path, {"contact": {"phone_number": None, "email": "w@quill.example"}})
    assert changed.status_code == 200
    left = {**RECORD["contact"], "email": "w@quill.example"}
    del left["phone_number"]
    assert changed.json()["contact"] == left
    assert changed.json()["identity"] == RECORD["identity"]
    assert world.ada.get(path).json() == changed.json()
    listed = world.ada.patch(path, {"needs": ["seats", "seats", "light"], "other_triggers": []}).json()
    assert (listed["needs"], listed["triggers"]) == (["seats", "light"], ["dogs"])
    assert "other_triggers" not in listed


def test_null_clears_a_part_and_so_does_clearing_its_last_member(world: World) -> None:
    path = added(
        world.ada, gp={"name": "Dr Thistlewood"}, crisis_plan="Breathe.", rests_s=60, triggers=["bees"]
    )
    cleared = {"gp": {"name": None}, "crisis_plan": None, "rests_s": None, "triggers": None}
    cleared = world.ada.patch(path, cleared).json()
    assert not cleared.keys() & {"gp", "crisis_plan", "rests_s", "triggers"}
    assert cleared["walks"]["rests_s"] == 600
    assert world.ada.get(path).json() == cleared


def test_each_agreement_changes_on_its_own_and_can_be_withdrawn(world: World) -> None:
    path = added(world.ada, outdoor_agreement={"agreed": True, "on": ASKED_ON})
    both = world.ada.patch(
        path, {"location_permission": {"agreed": True, "on": "2026-03-08T10:00:00Z"}}
    ).json()
    withdrawn = world.ada.patch(
        path, {"location_permission": {"agreed": False, "on": "2026-03-09T11:00:00+01:00"}}
    ).json()
    assert both["outdoor_agreement"] == withdrawn["outdoor_agreement"] == {"agreed": True, "on": ASKED_ON}
    assert withdrawn["location_permission"] == {"agreed": False, "on": "2026-03-09T10:00:00Z"}
    assert "location_permission" not in world.ada.patch(path, {"location_permission": None}).json()


def test_an_ended_client_needs_an_ending_and_loses_it_on_return(world: World) -> None:
    path = added(world.ada, stage="in_therapy")
    unsaid = world.ada.patch(path, {"stage": "ended"})
    assert (unsaid.status_code, unsaid.json()["pointer"]) == (422, "/ending")
    ended = world.ada.patch(path, {"stage": "ended", "ending": "clients_choice"}).json()
    assert (ended["stage"], ended["ending"]) == ("ended", "clients_choice")
    back = world.ada.patch(path, {"stage": "in_therapy"}).json()
    assert (back["stage"], "ending" in back) == ("in_therapy", False)
    early = world.ada.post("/v1/clients", a_client(ending="planned"))
    assert (early.status_code, early.json()["pointer"]) == (422, "/ending")


def test_a_date_of_birth_in_the_future_is_refused(world: World, clock: Clock) -> None:
    clock.ahead = timedelta(days=-800)
    sent = a_client(identity={"date_of_birth": str(date.today())})  # noqa: DTZ011  more than two years off
    answer = world.ada.post("/v1/clients", sent)
    assert (answer.status_code, answer.json()["pointer"]) == (422, "/identity/date_of_birth")


def test_an_invalid_member_is_refused_and_named(world: World) -> None:
    refused: tuple[tuple[dict[str, Any], str], ...] = (
        ({"label": ""}, "/label"),
        ({"label": "   "}, "/label"),
        ({"label": "x" * 101}, "/label"),
        ({"stage": "paused"}, "/stage"),
        ({"flat_pace_mps": 0.05}, "/flat_pace_mps"),
        ({"rests_s": "60"}, "/rests_s"),
        ({"contact": {"email": "nowhere"}}, "/contact/email"),
        ({"identity": {"date_of_birth": "1987-02-30"}}, "/identity/date_of_birth"),
        ({"identity": {"name": "Mina"}}, "/identity/name"),
        ({"outdoor_agreement": {"agreed": True}}, "/outdoor_agreement/on"),
        ({"outdoor_agreement": {"agreed": True, "on": "2026-03-01T10:00:00"}}, "/outdoor_agreement/on"),
        ({"outdoor_agreement": {"agreed": True, "on": "0001-01-01T00:00:00+14:00"}}, "/outdoor_agreement/on"),
        ({"outdoor_agreement": {"agreed": True, "on": "9999-12-31T23:59:59-14:00"}}, "/outdoor_agreement/on"),
        ({"crisis_plan": "x" * 10_001}, "/crisis_plan"),
    )
    for change, pointer in refused:
        answer = world.ada.post("/v1/clients", a_client(**change))
        assert (answer.status_code, answer.json().get("pointer")) == (400, pointer), change
    assert labels(world.ada) == []


def test_colleagues_and_strangers_see_nothing(world: World) -> None:
    path = added(world.ada, **RECORD)
    for other in (world.ben, world.cleo):
        foreign, unknown = other.get(path), other.get(f"/v1/clients/{uuid4()}")
        assert foreign.status_code == unknown.status_code == 404
        changed = other.patch(path, {"label": "mine"}, etag="*")
        assert changed.status_code == 404
        assert labels(other) == []
    assert world.ada.get(path).json()["label"] == "W-17"


def test_a_colleagues_id_cannot_be_taken(world: World) -> None:
    path = added(world.ada)
    answer = world.ben.post("/v1/clients", a_client(id=path.rpartition("/")[2]))
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:towpath:problem:id-taken")


def test_repeating_a_colleagues_create_does_not_reveal_what_it_said(world: World) -> None:
    sent = a_client(**RECORD)
    assert world.ada.post("/v1/clients", sent).status_code == 201
    answers = [world.ben.post("/v1/clients", each) for each in (sent, sent | {"label": "W-18"})]
    right, wrong = ({**each.json(), "request_id": ""} for each in answers)
    assert right == wrong


def test_a_change_names_its_version_and_is_made_once(world: World) -> None:
    path = added(world.ada)
    assert world.ada.send("PATCH", path, json={"label": "New"}).status_code == 428
    assert world.ada.patch(path, {"label": "New"}, etag='"1"').status_code == 412
    etag, key = world.ada.get(path).headers["etag"], {"Idempotency-Key": "once"}
    first = world.ada.patch(path, {"label": "New"}, etag=etag, headers=key)
    again = world.ada.patch(path, {"label": "New"}, etag=etag, headers=key)
    assert first.headers["etag"] == again.headers["etag"] != etag
    assert first.json() == again.json()


def test_a_clients_etag_changes_when_the_practice_changes_its_pace(world: World) -> None:
    path = added(world.ada)
    etag = world.ada.get(path).headers["etag"]
    assert world.ada.get(path, headers={"If-None-Match": etag}).status_code == 304
    assert world.ada.patch("/v1/practice", {"flat_pace_mps": 1.1}).status_code == 200
    anew = world.ada.get(path, headers={"If-None-Match": etag})
    assert (anew.status_code, anew.json()["walks"]["flat_pace_mps"]) == (200, 1.1)
    own = world.ada.patch(path, {"flat_pace_mps": 0.6})
    assert (own.status_code, own.json()["walks"]) == (200, {"flat_pace_mps": 0.6, "rests_s": 600})


def test_a_renamed_practice_leaves_the_version_a_phone_has_read_writable(world: World) -> None:
    path = added(world.ada)
    etag = world.ada.get(path).headers["etag"]
    assert world.ada.patch("/v1/practice", {"name": "Lockside"}).status_code == 200
    assert world.ada.patch(path, {"label": "W-18"}, etag=etag).status_code == 200
    stale = world.ada.patch(path, {"label": "W-19"}, etag=etag)
    assert (stale.status_code, stale.json()["type"]) == (412, "urn:towpath:problem:stale")


def test_a_version_the_practice_has_not_reached_is_stale(world: World) -> None:
    path = added(world.ada)
    latest = int(world.ada.get(path).headers["etag"].strip('"'))
    assert world.ada.patch(path, {"label": "W-18"}, etag=f'"{latest + 1}"').status_code == 412
    assert world.ada.patch(path, {"label": "W-18"}, etag=f'"{latest}"').status_code == 200


def test_a_list_shows_no_encrypted_member(world: World) -> None:
    added(world.ada, **RECORD)
    listed = world.ada.get("/v1/clients").json()["items"][0]
    assert not listed.keys() & RECORD.keys()
    assert listed["walks"] == {"flat_pace_mps": 0.9, "rests_s": 600}


def test_archived_clients_are_listed_separately_and_can_be_restored(world: World) -> None:
    path = added(world.ada)
    archived = world.ada.patch(path, {"archived": True})
    assert "archived_at" in archived.json()
    assert (labels(world.ada), labels(world.ada, archived=True)) == ([], ["W-17"])
    assert "archived_at" not in world.ada.patch(path, {"archived": False}).json()
    assert labels(world.ada) == ["W-17"]


def test_clients_are_found_by_any_part_of_the_label_in_any_case(world: World) -> None:
    for label in ("Étude 50%", "étage_5", "Étage 5", "Weir\\lock"):
        added(world.ada, label=label)
    assert labels(world.ada, label="étage") == ["Étage 5", "étage_5"]
    assert labels(world.ada, label="0%") == ["Étude 50%"]
    assert labels(world.ada, label="_") == ["étage_5"]
    assert labels(world.ada, label="\\") == ["Weir\\lock"]
    assert labels(world.ada, label="%%") == []


def test_clients_are_listed_by_stage(world: World) -> None:
    added(world.ada, label="new")
    added(world.ada, label="old", stage="in_therapy")
    assert labels(world.ada, stage="in_therapy") == ["old"]
    assert world.ada.get("/v1/clients", params={"stage": "gone"}).status_code == 400


def test_paging_lists_every_client_once_in_any_alphabet(world: World) -> None:
    names = ["İlkay", "Σίσυφος", "σίσυφος", "Zoë", "alder", "Alder", "ÉTÉ"]
    for label in names:
        added(world.ada, label=label)
    seen: list[str] = []
    cursor = None
    for _ in range(len(names)):
        page = world.ada.get(
            "/v1/clients", params={"limit": 1} | ({"cursor": cursor} if cursor else {})
        ).json()
        seen += [each["label"] for each in page["items"]]
        cursor = page.get("next_cursor")
    assert (sorted(seen), cursor) == (sorted(names), None)


def test_a_viewer_may_read_a_client_and_not_change_them(world: World, look: Look) -> None:
    path = added(world.ada, **RECORD)
    for table in ("client", "client_key"):
        sql = f"UPDATE {table} SET viewers = $1 WHERE practice_id = $2"
        look.rows(sql, [world.ben.therapist_id], world.practice_id)
    assert world.ben.get(path).json() == world.ada.get(path).json()
    assert world.ben.patch(path, {"label": "mine"}).status_code == 404
    assert world.ben.patch(path, {"crisis_plan": "mine"}).status_code == 404
    assert world.ada.get(path).json()["label"] == "W-17"


def test_a_cursor_does_not_show_a_label(world: World) -> None:
    for label in ("heronry one", "heronry two"):
        added(world.ada, label=label)
    cursor = world.ada.get("/v1/clients", params={"limit": 1}).json()["next_cursor"]
    assert b"heron" not in base64.urlsafe_b64decode(cursor + "==")
    elsewhere = world.ben.get("/v1/clients", params={"cursor": cursor})
    assert (elsewhere.status_code, elsewhere.json()["type"]) == (400, "urn:towpath:problem:invalid-parameter")


def test_an_older_label_put_back_does_not_open(world: World, look: Look) -> None:
    path = added(world.ada, label="Heron")
    client_id = UUID(path.rpartition("/")[2])
    older = look.value("SELECT sealed_label FROM client WHERE id = $1", client_id)
    assert world.ada.patch(path, {"label": "Otter"}).status_code == 200
    look.rows("UPDATE client SET sealed_label = $2 WHERE id = $1", client_id, older)
    shown = world.ada.get(path).json()
    assert (shown["label"], shown["unreadable"]) == ("(unreadable)", True)
    assert world.ada.patch(path, {"stage": "in_therapy"}).json()["unreadable"]
    mended = world.ada.patch(path, {"label": "Otter"}).json()
    assert (mended["label"], mended.get("unreadable")) == ("Otter", None)
    assert world.ada.get(path).json() == mended


def test_labels_of_many_clients_tell_nothing_by_their_length(world: World, look: Look) -> None:
    for label in ("K", "a label of one hundred characters".ljust(100, ".")):
        added(world.ada, label=label)
    lengths = look.rows(
        "SELECT DISTINCT octet_length(sealed_label) FROM client WHERE practice_id = $1", world.practice_id
    )
    assert len(lengths) == 1
