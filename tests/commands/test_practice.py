"""Practices, passwords and phones on the command line, while the service runs."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from uuid import uuid4

import httpx
import pytest

from tests.commands.conftest import ADA, ADAS, Elsewhere, Made, create_practice, signed_in
from tests.commands.running import COMMAND, ROOT, Service, environment, refused, serving, succeeding, towpath
from tests.http.world import a_device

TERMINAL = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"


@pytest.fixture(scope="module")
def service(made: Made) -> Iterator[Service]:
    """Run the service for the commands to work beside."""
    with serving(data=made.data) as running:
        yield running


def signing_in(service: Service, email: str, password: str) -> int:
    """Return the status a sign-in from a new phone is answered with."""
    asking = {"email": email, "password": password, "device": a_device()}
    return httpx.post(f"{service.address}/v1/sign-in", json=asking).status_code


def a_practice(made: Made) -> tuple[str, str]:
    """Create another practice beside the running service; return its owner's email and password."""
    email = f"dora.{uuid4().hex[:8]}@example.org"
    said = succeeding("practice", "create", *ADAS[:-1], email, "--generate-password", "--yes", data=made.data)
    return email, said.rpartition("Password: ")[2].strip()


def test_a_first_owner_signs_in_at_once(made: Made, service: Service) -> None:
    email, password = a_practice(made)
    assert signing_in(service, email, password) == 200


def test_the_password_is_asked_for_twice_and_again_while_it_is_weak(made: Made, service: Service) -> None:
    email = f"dora.{uuid4().hex[:8]}@example.org"
    command = [*COMMAND, "practice", "create", *ADAS[:-1], email, "--yes"]
    with subprocess.Popen(
        [sys.executable, "-c", TERMINAL, *command],
        cwd=ROOT,
        env=environment(data=made.data),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        shown = b""
        for answer in ("password", "password", "weir-otter-plank-gate", "weir-otter-plank-gate"):
            shown += read_until(process.stdout, b": ")
            process.stdin.write(answer.encode() + b"\n")
            process.stdin.flush()
        shown += process.stdout.read()
    assert process.returncode == 0, shown
    assert shown.index(b"At least 15 characters") < shown.index(b"Password: ")
    assert b"at least 15 characters" in shown
    assert b"otter" not in shown
    assert signing_in(service, email, "weir-otter-plank-gate") == 200


@pytest.mark.usefixtures("service")
def test_a_second_practice_of_one_name_is_asked_about(made: Made) -> None:
    before = succeeding("practice", "list", data=made.data).splitlines()
    assert any(each.endswith("  Riverside") for each in before)
    create = ("practice", "create", *ADAS[:-1], f"{uuid4().hex}@example.org", "--generate-password")
    said = refused(*create, "--name", "riverside", data=made.data)
    assert "There is a practice Riverside already" in said
    assert "--yes" in said
    assert succeeding("practice", "list", data=made.data).splitlines() == before
    succeeding(*create, "--yes", data=made.data)
    assert len(succeeding("practice", "list", data=made.data).splitlines()) == len(before) + 1


def test_an_archived_practice_signs_nobody_in_until_it_is_restored(made: Made, service: Service) -> None:
    email, password = a_practice(made)
    practice_id = succeeding("practice", "list", data=made.data).splitlines()[-1].split()[0]
    with signed_in(service.address, password, email) as dora:
        assert dora.get("/v1/me").status_code == 200
        assert "--yes" in refused("practice", "archive", practice_id, data=made.data)
        assert dora.get("/v1/me").status_code == 200
        succeeding("practice", "archive", practice_id, "--yes", data=made.data)
        assert dora.get("/v1/me").status_code == 401
    sent = {"email": email, "password": password, "device": a_device()}
    answer = httpx.post(f"{service.address}/v1/sign-in", json=sent)
    assert (answer.status_code, answer.json()["detail"]) == (409, "this practice is archived")
    assert signing_in(service, email, "weir-otter-plank-gate") == 401
    assert "(archived " in succeeding("practice", "list", data=made.data).splitlines()[-1]
    succeeding("practice", "restore", practice_id, data=made.data)
    assert signing_in(service, email, password) == 200


@pytest.mark.usefixtures("service")
def test_a_practice_to_archive_is_named_without_doubt(made: Made) -> None:
    assert "There is no practice Weir" in refused("practice", "archive", "Weir", "--yes", data=made.data)
    for _ in range(2):
        a_practice(made)
    said = refused("practice", "archive", "riverside", "--yes", data=made.data)
    assert "practices are called riverside. Name one by its id: " in said


def read_until(stream: IO[bytes], end: bytes) -> bytes:
    read = b""
    while not read.endswith(end):
        piece = stream.read(1)
        assert piece, read
        read += piece
    return read


def test_without_a_terminal_it_says_how_else(made: Made) -> None:
    done = towpath("practice", "create", *ADAS, "--yes", data=made.data)
    assert done.returncode == 2
    assert "--generate-password" in done.stderr


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--zone", "Europe/Londn"),
        ("--owner-email", "ada"),
        ("--owner-email", "ada\u200b@example.org"),
        ("--owner-name", "Ada\u202eLock"),
        ("--name", ""),
        ("--name", "River\nside"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_opened(made: Made, option: str, value: str) -> None:
    given = dict(zip(ADAS[::2], ADAS[1::2], strict=True)) | {option: value}
    words = [word for pair in given.items() for word in pair]
    done = towpath("practice", "create", *words, "--generate-password", data=made.data)
    assert done.returncode == 2
    assert option in done.stderr


def test_an_invisible_character_in_an_email_is_named(made: Made) -> None:
    for command in (
        ("practice", "create", *ADAS[:-1]),
        ("therapist", "reset-password"),
        ("device", "revoke"),
    ):
        done = towpath(*command, "ada\u200b@example.org", data=made.data)
        assert done.returncode != 0
        assert "character 4 is U+200B ZERO WIDTH SPACE" in done.stderr


def test_a_new_password_ends_every_sign_in(made: Made, service: Service) -> None:
    email, old = a_practice(made)
    with signed_in(service.address, old, email) as phone:
        said = succeeding("therapist", "reset-password", email.upper(), "--generate-password", data=made.data)
        assert phone.get("/v1/practice").status_code == 401
    assert signing_in(service, email, old) == 401
    assert signing_in(service, email, said.rpartition("Password: ")[2].strip()) == 200


def test_a_password_set_for_who_was_invited_voids_the_invitation(made: Made, service: Service) -> None:
    owner, password = a_practice(made)
    dora = {"id": str(uuid4()), "email": f"dora.{uuid4().hex}@example.org", "name": "Dora Quay"}
    with signed_in(service.address, password, owner) as ada:
        assert ada.post("/v1/therapists", dora).status_code == 201
        invitation = f"/v1/therapists/{dora['id']}/invitation"
        token = ada.put(invitation).json()["token"]
        succeeding("therapist", "reset-password", dora["email"], "--generate-password", data=made.data)
        accepting = {"token": token, "password": "towpath in the rain", "device": a_device()}
        assert ada.post("/v1/invitations/accept", accepting).status_code == 410
        assert ada.put(invitation).status_code == 409


def test_who_guessed_too_often_signs_in_after_a_reset(made: Made, service: Service) -> None:
    email, password = a_practice(made)
    while signing_in(service, email, "not the password") != 429:
        pass
    assert signing_in(service, email, password) == 429
    said = succeeding("therapist", "reset-password", email, "--generate-password", data=made.data)
    assert signing_in(service, email, said.rpartition("Password: ")[2].strip()) == 200


def test_an_email_of_nobody_is_said(made: Made) -> None:
    said = refused("therapist", "reset-password", "nobody@example.org", "--generate-password", data=made.data)
    assert "no therapist signs in as nobody@example.org" in said


def test_an_email_of_two_practices_has_to_say_which(elsewhere: Elsewhere) -> None:
    create_practice(**elsewhere.migrating)
    create_practice(**elsewhere.migrating)
    said = refused("therapist", "reset-password", ADA, "--generate-password", **elsewhere.settings)
    first, second = (line.split()[1] for line in said.splitlines() if line.startswith("  --practice "))
    assert first != second
    succeeding(
        "therapist", "reset-password", ADA, "--generate-password", "--practice", first, **elsewhere.settings
    )


def test_a_lost_phone_is_revoked_and_the_other_stays(made: Made, service: Service) -> None:
    email, password = a_practice(made)
    with (
        signed_in(service.address, password, email) as lost,
        signed_in(service.address, password, email) as kept,
    ):
        device = next(each["id"] for each in lost.get("/v1/devices").json()["items"] if each["this_one"])
        assert f"{device}  Pixel 9, last used" in succeeding("device", "revoke", email, data=made.data)
        assert lost.get("/v1/practice").status_code == 200
        assert "revoked now" in succeeding("device", "revoke", email, device, data=made.data)
        assert lost.get("/v1/practice").status_code == 401
        assert kept.get("/v1/practice").status_code == 200


def test_a_device_of_somebody_else_is_not_revoked(made: Made, service: Service) -> None:
    email, _ = a_practice(made)
    with signed_in(service.address, made.password) as ada:
        theirs = ada.get("/v1/devices").json()["items"][0]["id"]
        assert "has no device" in refused("device", "revoke", email, theirs, data=made.data)
        assert ada.get("/v1/practice").status_code == 200


def test_all_phones_can_be_revoked_at_once(made: Made, service: Service) -> None:
    email, password = a_practice(made)
    with signed_in(service.address, password, email) as phone:
        succeeding("device", "revoke", email, "--all", data=made.data)
        assert phone.get("/v1/practice").status_code == 401


def test_demonstrations_use_one_practice_and_say_how_to_remove_it(tmp_path: Path) -> None:
    for _ in range(2):
        done = towpath("demo", "--once", data=tmp_path / "data")
        assert done.returncode == 0, done.stderr
        assert "All went well." in done.stdout
        assert f"rm -r {tmp_path / 'data' / 'demo'}" in done.stderr
    practices = succeeding("practice", "list", data=tmp_path / "data" / "demo").splitlines()
    assert [each.partition("  ")[2][12:] for each in practices] == ["Riverside (made up)"]
