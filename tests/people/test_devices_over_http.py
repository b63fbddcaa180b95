"""Devices: listed, revoked, and each its therapist's own."""

from datetime import timedelta

import pytest

from tests.conftest import Clock
from tests.http.world import Phone, World, a_device, sign_in
from tests.people.phones import ask, is_signed_in, refresh, refreshed


@pytest.fixture(autouse=True)
def _time_stands_still(clock: Clock) -> None:
    """Let no time limit run out by itself, however slow the machine."""
    clock.stopped = clock()


def test_devices_are_listed_the_last_used_first(world: World, clock: Clock) -> None:
    clock.ahead = timedelta(minutes=1)
    tablet = sign_in(world.http, world.ada_email)
    devices = tablet.get("/v1/devices").json()["items"]
    assert [each["this_one"] for each in devices] == [True, False]
    assert devices[0]["name"] == "Pixel 9"
    clock.ahead = timedelta(minutes=2)
    phone = refreshed(world.ada)
    assert [each["this_one"] for each in phone.get("/v1/devices").json()["items"]] == [True, False]


def test_a_revoked_device_is_signed_out_at_once_and_stays_out(world: World) -> None:
    stolen_device = a_device()
    answer = ask(world.nobody, world.ada_email, device=stolen_device).json()
    stolen = Phone(world.http, answer | {"device_id": stolen_device["id"]})
    path = f"/v1/devices/{stolen_device['id']}"
    assert world.ada.delete(path).status_code == 204
    assert not is_signed_in(stolen)
    assert refresh(stolen).status_code == 401
    again = ask(world.nobody, world.ada_email, device=stolen_device)
    assert (again.status_code, again.json()["type"]) == (409, "urn:towpath:problem:impossible")
    assert world.ada.delete(path).status_code == 204
    assert is_signed_in(world.ada)


def test_a_device_can_sign_in_again(world: World) -> None:
    device = a_device()
    for _ in range(2):
        assert ask(world.nobody, world.ada_email, device=device).status_code == 200
    listed = world.ada.get("/v1/devices").json()["items"]
    assert [each["id"] for each in listed].count(device["id"]) == 1


def test_a_colleagues_device_id_cannot_be_taken(world: World) -> None:
    device = a_device()
    ask(world.nobody, world.ben_email, device=device)
    answer = ask(world.nobody, world.ada_email, device=device)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:towpath:problem:impossible")


def test_an_owner_may_revoke_a_colleagues_device_but_not_the_other_way_round(world: World) -> None:
    bens = world.ben.get("/v1/me").json()["device_id"]
    adas = world.ada.get("/v1/me").json()["device_id"]
    assert world.ben.delete(f"/v1/devices/{adas}").status_code == 404
    assert world.ada.delete(f"/v1/devices/{bens}").status_code == 204
    assert not is_signed_in(world.ben)
    assert is_signed_in(world.ada)
