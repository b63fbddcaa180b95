"""Staying signed in: a refresh token is good once, and a lost answer can be asked for again."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from tests.conftest import Clock
from tests.http.look import Look
from tests.http.world import Phone, World
from tests.people.phones import is_signed_in, refresh, refreshed

NOT_SIGNED_IN = "urn:towpath:problem:not-signed-in"


@pytest.fixture(autouse=True)
def _time_stands_still(clock: Clock) -> None:
    """Let no time limit run out by itself, however slow the machine."""
    clock.stopped = clock()


def test_refreshing_gives_new_tokens_for_the_same_sign_in(world: World, clock: Clock) -> None:
    clock.ahead = timedelta(minutes=11)
    answer = refresh(world.ada)
    assert answer.status_code == 200
    same = ("sign_in_id", "therapist_id", "practice_id")
    assert [answer.json()[each] for each in same] == [world.ada.tokens[each] for each in same]
    assert not {answer.json()[each] for each in ("access_token", "refresh_token")} & set(
        world.ada.tokens.values()
    )
    assert is_signed_in(Phone(world.http, answer.json()))


@pytest.mark.parametrize(
    "later", [timedelta(0), timedelta(seconds=31), timedelta(hours=5), timedelta(hours=24)]
)
def test_a_lost_answer_can_be_asked_for_again_for_a_day(world: World, clock: Clock, later: timedelta) -> None:
    first = refresh(world.ada)
    clock.ahead = later
    again = refresh(world.ada)
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    assert is_signed_in(refreshed(refreshed(world.ada)))


def was_ended(world: World, look: Look, *phones: Phone) -> bool:
    """Return whether Ada's sign-in was ended as stolen, whichever of its tokens are sent."""
    why = look.value("SELECT revoked_why FROM sign_in WHERE id = $1", world.ada.tokens["sign_in_id"])
    still = [each for each in phones if is_signed_in(each) or refresh(each).status_code != 401]
    return why == "token_reused" and not still


def test_after_a_day_an_answer_cannot_be_asked_for_again(world: World, clock: Clock, look: Look) -> None:
    rightful = refreshed(world.ada)
    clock.ahead = timedelta(hours=24, seconds=1)
    late = refresh(world.ada)
    assert (late.status_code, late.json()["type"]) == (401, NOT_SIGNED_IN)
    assert was_ended(world, look, rightful)


@pytest.mark.parametrize(
    "path", ["/v1/me", "/v1/routes/{}", "/v1/sessions/{}", "/v1/sessions/{}/track/geojson", "/v1/places/{}"]
)
def test_once_the_new_access_token_is_used_the_old_refresh_token_is_stolen(
    world: World, look: Look, path: str
) -> None:
    rightful = refreshed(world.ada)
    assert rightful.get(path.format(uuid4())).status_code in {200, 404}
    assert refresh(world.ada).status_code == 401
    assert was_ended(world, look, rightful)


def test_once_the_new_refresh_token_is_used_the_old_one_is_stolen(world: World, look: Look) -> None:
    second = refreshed(world.ada)
    third = refreshed(second)
    assert refresh(world.ada).status_code == 401
    assert was_ended(world, look, second, third)


def test_the_earlier_access_token_is_no_use_of_the_new_pair(world: World) -> None:
    first = refresh(world.ada)
    assert is_signed_in(world.ada)
    assert refresh(world.ada).json() == first.json()


def test_a_refused_request_is_no_use_of_the_new_pair(world: World, clock: Clock) -> None:
    first = refresh(world.ada)
    clock.ahead = timedelta(minutes=11)
    assert not is_signed_in(Phone(world.http, first.json()))
    assert refresh(world.ada).json() == first.json()


@pytest.mark.parametrize("spent", [False, True])
def test_a_token_sent_from_another_device_is_stolen(world: World, look: Look, spent: bool) -> None:  # noqa: FBT001  a parameter
    rightful = refreshed(world.ada) if spent else world.ada
    stolen = refresh(world.ada, device_id=str(uuid4()))
    assert (stolen.status_code, stolen.json()["type"]) == (401, NOT_SIGNED_IN)
    assert was_ended(world, look, world.ada, rightful)


def test_a_thief_and_a_phone_cannot_both_go_on_from_one_token(world: World, look: Look) -> None:
    phone, thief = refreshed(world.ada), refreshed(world.ada)
    assert is_signed_in(thief)
    assert is_signed_in(refreshed(thief))
    assert refresh(phone).status_code == 401
    assert was_ended(world, look, phone, thief)


def test_only_the_first_use_of_a_pair_is_written_down(world: World, look: Look) -> None:
    version = "SELECT xmin::text FROM sign_in WHERE id = $1"
    phone = refreshed(world.ada)
    before = look.value(version, phone.tokens["sign_in_id"])
    assert is_signed_in(phone)
    after = look.value(version, phone.tokens["sign_in_id"])
    assert before != after
    assert is_signed_in(phone)
    assert phone.get(f"/v1/routes/{uuid4()}").status_code == 404
    assert look.value(version, phone.tokens["sign_in_id"]) == after


def test_many_first_uses_at_once_all_succeed(world: World) -> None:
    phone = refreshed(world.ada)
    with ThreadPoolExecutor(8) as requests:
        assert all(requests.map(lambda _: is_signed_in(phone), range(16)))
    assert refresh(world.ada).status_code == 401


def test_a_repeat_beside_the_first_use_gets_the_same_pair_or_ends_the_sign_in(
    world: World, look: Look
) -> None:
    phone = refreshed(world.ada)
    with ThreadPoolExecutor(2) as requests:
        using = requests.submit(phone.get, "/v1/me")
        again = refresh(world.ada)
        assert using.result().status_code in {200, 401}
    if again.status_code == 200:
        assert again.json()["refresh_token"] == phone.tokens["refresh_token"]
        assert is_signed_in(phone)
    else:
        assert was_ended(world, look, phone)


def test_of_many_refreshes_at_once_all_get_the_one_successor(world: World, look: Look) -> None:
    with ThreadPoolExecutor(8) as phones:
        answers = list(phones.map(lambda _: refresh(world.ada), range(16)))
    assert {each.status_code for each in answers} == {200}
    assert len({each.json()["refresh_token"] for each in answers}) == 1
    of_sign_in = "SELECT count(*) FROM token WHERE sign_in_id = $1 AND kind = 'refresh'"
    assert look.value(of_sign_in, world.ada.tokens["sign_in_id"]) == 2


def test_a_sign_in_not_used_for_two_weeks_ends(world: World, clock: Clock) -> None:
    clock.ahead = timedelta(days=13, hours=23)
    kept = refreshed(world.ada)
    clock.ahead = timedelta(days=28)
    assert refresh(kept).status_code == 401


def test_a_sign_in_ends_after_ninety_days_however_often_it_is_refreshed(world: World, clock: Clock) -> None:
    phone = world.ada
    end = datetime.fromisoformat(phone.tokens["access_expires_at"]) + timedelta(days=90)
    for day in range(13, 90, 13):
        clock.ahead = timedelta(days=day)
        phone = refreshed(phone)
        assert datetime.fromisoformat(phone.tokens["refresh_expires_at"]) <= end
    clock.ahead = timedelta(days=90) - timedelta(minutes=5)
    last = refreshed(phone)
    assert is_signed_in(last)
    clock.ahead = timedelta(days=90)
    assert not is_signed_in(last)
    assert refresh(last).status_code == 401


def test_spent_tokens_are_forgotten_once_they_could_not_be_used_anyway(
    world: World, clock: Clock, look: Look
) -> None:
    phone = world.ada
    for day in (1, 2, 3):
        clock.ahead = timedelta(days=day)
        phone = refreshed(phone)
    access = "SELECT count(*) FROM token WHERE sign_in_id = $1 AND kind = 'access'"
    assert look.value(access, world.ada.tokens["sign_in_id"]) <= 2
