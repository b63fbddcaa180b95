"""Importing clients from a CSV file, over HTTP."""

from typing import Any
from uuid import uuid4

import httpx

from tests.http.world import Phone, World

PATH = "/v1/clients/import"
GOOD = (
    "label,given_name,date_of_birth,phone,emergency_name,stage,flat_pace_mps\n"
    "W-17,Mina,1987-04-03,+44 7700 900123,Bartholomew,in_therapy,0.7\n"
    '"K, couple",,,,,,\n'
)


def send(
    phone: Phone, content: str | bytes, *, dry_run: bool | None = None, **headers: str
) -> httpx.Response:
    """Send a file; by default it is no dry run."""
    params = {} if dry_run is None else {"dry_run": dry_run}
    said = {"Content-Type": "text/csv", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return phone.post(PATH, content=content, params=params, headers=said)


def report(phone: Phone, content: str | bytes, *, dry_run: bool | None = None) -> dict[str, Any]:
    answer = send(phone, content, dry_run=dry_run)
    assert answer.status_code == 200, answer.text
    reported: dict[str, Any] = answer.json()
    return reported


def outcomes(reported: dict[str, Any]) -> list[tuple[int, str]]:
    return [(row["row"], row["outcome"]) for row in reported["rows"]]


def clients(phone: Phone) -> list[dict[str, Any]]:
    """Return every client with the record."""
    listed = phone.get("/v1/clients", params={"limit": 100}).json()["items"]
    return [phone.get(f"/v1/clients/{each['id']}").json() for each in listed]


def test_each_row_becomes_a_client(world: World) -> None:
    reported = report(world.ada, GOOD)
    assert outcomes(reported) == [(2, "created"), (3, "created")]
    assert (reported["dry_run"], reported["created"], reported["already_there"], reported["refused"]) == (
        False,
        2,
        0,
        0,
    )
    couple, mina = clients(world.ada)
    assert (couple["label"], couple["stage"], "identity" in couple) == ("K, couple", "enquiry", False)
    assert [row["client_id"] for row in reported["rows"]] == [mina["id"], couple["id"]]
    assert mina["identity"] == {"given_name": "Mina", "date_of_birth": "1987-04-03"}
    assert mina["contact"] == {"phone_number": "+44 7700 900123"}
    assert mina["emergency_contact"] == {"name": "Bartholomew"}
    assert (mina["stage"], mina["flat_pace_mps"]) == ("in_therapy", 0.7)


def test_every_column_fills_its_member(world: World) -> None:
    client_id = str(uuid4())
    cells = {
        "label": "L", "id": client_id, "stage": "ended", "ending": "referred", "flat_pace_mps": "1.2",
        "rests_s": "90", "given_name": "a", "family_name": "b", "pronouns": "c",
        "date_of_birth": "1990-01-02", "others": "d", "email": "e@f", "phone": "g", "address": "h",
        "wishes": "i", "emergency_name": "j", "emergency_relationship": "k", "emergency_phone": "l",
        "gp_name": "m", "gp_practice": "n", "gp_phone": "o", "crisis_plan": "=p",
        "needs": "step_free| toilet", "triggers": "dogs", "other_triggers": "horses|the old mill",
    }  # fmt: skip
    report(world.ada, ";".join(cells) + "\r\n" + ";".join(cells.values()) + "\r\n")
    kept = world.ada.get(f"/v1/clients/{client_id}").json()
    assert (kept["label"], kept["stage"], kept["ending"]) == ("L", "ended", "referred")
    assert kept["walks"] == {"flat_pace_mps": 1.2, "rests_s": 90}
    assert list(kept["identity"].values()) == ["a", "b", "c", "1990-01-02", "d"]
    assert list(kept["contact"].values()) == ["e@f", "g", "h", "i"]
    assert list(kept["emergency_contact"].values()) == ["j", "k", "l"]
    assert (list(kept["gp"].values()), kept["crisis_plan"]) == (["m", "n", "o"], "=p")
    assert (kept["needs"], kept["triggers"]) == (["step_free", "toilet"], ["dogs"])
    assert kept["other_triggers"] == ["horses", "the old mill"]


def test_a_dry_run_reports_and_stores_nothing(world: World) -> None:
    reported = report(world.ada, GOOD, dry_run=True)
    assert outcomes(reported) == [(2, "would_create"), (3, "would_create")]
    assert (reported["dry_run"], reported["created"]) == (True, 2)
    assert clients(world.ada) == []
    done = report(world.ada, GOOD)
    assert [row["client_id"] for row in done["rows"]] == [row["client_id"] for row in reported["rows"]]
    assert outcomes(report(world.ada, GOOD, dry_run=True)) == [(2, "already_there"), (3, "already_there")]


def test_a_file_without_a_declared_type_is_read_as_csv(world: World) -> None:
    """A phone's file picker seldom knows the type, and a generated client sends the general one."""
    answer = send(world.ada, GOOD, Content_Type="application/octet-stream", dry_run=True)
    assert answer.status_code == 200, answer.text
    assert answer.json()["created"] == 2


def test_the_same_file_sent_again_creates_no_client_twice(world: World) -> None:
    report(world.ada, GOOD)
    again = report(world.ada, "\ufeff" + GOOD.replace("\n", "\r\n"))
    assert outcomes(again) == [(2, "already_there"), (3, "already_there")]
    assert len(clients(world.ada)) == 2


def test_an_import_sent_again_under_its_key_creates_nothing(world: World) -> None:
    first = send(world.ada, GOOD, Idempotency_Key="lost")
    again = send(world.ada, GOOD, Idempotency_Key="lost")
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json()["already_there"] == 2
    other = send(world.ada, "label\nanother", Idempotency_Key="lost")
    assert other.json()["type"] == "urn:towpath:problem:idempotency-key-reused"
    assert len(clients(world.ada)) == 2


def test_refused_rows_say_why_and_the_usable_ones_are_stored(world: World) -> None:
    rows = (
        ("W-1,,,,", None, None),
        (",Mina,,,", "label", "1 to 100 characters"),
        (f"{'x' * 101},,,,", "label", "1 to 100 characters"),
        ("W-2,,03/04/1987,,", "date_of_birth", "1980-12-31"),
        ("W-3,,2087-04-03,,", "date_of_birth", "future"),
        ("W-4,,,ended,", "ending", "say how"),
        ("W-5,,,paused,", "stage", "in_therapy"),
        ('W-6,,,,"0,9"', "flat_pace_mps", "with a point"),
        ("W-7,,,,nan", "flat_pace_mps", "0.1 to 3"),
        ("W-8,7 Hazelwick Row, Eel Pie,,,", None, "more cells"),
        ("W-1,,,,", "id", "row 2"),
        ("W-9", None, None),
    )  # fmt: skip
    file = "label,given_name,date_of_birth,stage,flat_pace_mps\n" + "\n".join(row for row, *_ in rows)
    reported = report(world.ada, file)
    assert (reported["created"], reported["refused"]) == (2, 10)
    for row, (_, column, reason) in zip(reported["rows"], rows, strict=True):
        assert row.get("column") == column, row
        assert (reason or "") in row.get("reason", ""), row
        assert (row["outcome"] == "refused") == (reason is not None) == ("client_id" not in row)
    assert [each["label"] for each in clients(world.ada)] == ["W-1", "W-9"]


def test_corrected_rows_are_added_when_the_file_is_sent_again(world: World) -> None:
    wrong = "label,date_of_birth\nA,1987-04-03\nB,03/04/1987\n"
    assert report(world.ada, wrong)["refused"] == 1
    assert outcomes(report(world.ada, wrong.replace("03/04/1987", "1987-04-03"))) == [
        (2, "already_there"),
        (3, "created"),
    ]


def test_a_row_with_the_id_of_a_client_leaves_the_client_unchanged(world: World) -> None:
    client_id = str(uuid4())
    assert report(world.ada, f"label,id\nOld,{client_id}")["rows"][0]["client_id"] == client_id
    assert outcomes(report(world.ada, f"label,id\nNew,{client_id.upper()}")) == [(2, "already_there")]
    assert [each["label"] for each in clients(world.ada)] == ["Old"]
    assert report(world.ada, "label,id\nNew,17")["rows"][0]["column"] == "id"


def test_a_colleague_gets_clients_of_their_own_from_the_same_file(world: World) -> None:
    mine = report(world.ada, GOOD)
    theirs = report(world.ben, GOOD)
    assert theirs["created"] == 2
    assert not {row["client_id"] for row in mine["rows"]} & {row["client_id"] for row in theirs["rows"]}
    assert len(clients(world.ada)) == len(clients(world.ben)) == 2


def test_a_row_with_a_colleagues_id_is_refused_without_details(world: World) -> None:
    client_id = str(uuid4())
    report(world.ada, f"label,id\nW-17,{client_id}")
    reported = report(world.ben, f"label,id\nMine,{client_id}\nOther,{uuid4()}")
    assert outcomes(reported) == [(2, "refused"), (3, "created")]
    assert reported["rows"][0]["column"] == "id"
    assert [each["label"] for each in clients(world.ada)] == ["W-17"]
    assert [each["label"] for each in clients(world.ben)] == ["Other"]


def test_an_unreadable_file_is_refused_with_reason_and_line(world: World) -> None:
    unknown = send(world.ada, "label,shoe_size\nW-17,5")
    assert (unknown.status_code, unknown.json()["reason"]) == (422, "unknown-column")
    assert "shoe_size" in unknown.json()["detail"]
    torn = send(world.ada, 'label\nA\n"B')
    assert (torn.status_code, torn.json()["reason"], torn.json()["line"]) == (422, "malformed", 3)
    many = send(world.ada, "label\n" + "".join(f"W-{number}\n" for number in range(1_001)))
    assert (many.status_code, many.json()["reason"], many.json()["limit"]) == (422, "too-many-rows", 1_000)
    assert clients(world.ada) == []


def test_only_csv_up_to_a_million_bytes_is_read(world: World) -> None:
    for kind in ("application/json", "text/plain", "multipart/form-data; boundary=x", ""):
        answer = send(world.ada, GOOD, Content_Type=kind)
        assert (answer.status_code, answer.json()["type"]) == (415, "urn:towpath:problem:unsupported-content")
    assert send(world.ada, GOOD, Content_Encoding="gzip").status_code == 415
    assert send(world.ada, GOOD, Content_Type="text/csv; charset=utf-8").status_code == 200
    large = send(world.ada, b"x" * 1_000_001)
    assert (large.status_code, large.json()["limit"]) == (413, 1_000_000)


def test_a_thousand_rows_are_imported_in_one_request(world: World) -> None:
    file = "label,given_name\n" + "".join(f"W-{number},Mina {number}\n" for number in range(1_000))
    assert report(world.ada, file)["created"] == 1_000
    last = world.ada.get("/v1/clients", params={"label": "W-999"}).json()["items"][0]
    assert world.ada.get(f"/v1/clients/{last['id']}").json()["identity"] == {"given_name": "Mina 999"}


def test_a_need_that_is_none_is_refused_with_the_ones_there_are(world: World) -> None:
    [row] = report(world.ada, "label,needs\nA,step_free|wings\n")["rows"]
    assert (row["outcome"], row["column"]) == ("refused", "needs")
    assert "toilet" in row["reason"]
