"""Which network a request comes from, and which host it is for."""

from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import httpx
import pytest
from litestar.connection import ASGIConnection

from routes.http.network import network_reader
from service.app import Composition
from service.foundation.crypto.key_file import KeyFile
from tests.http.running import run_service

PROXIES = (ip_network("10.0.0.0/8"), ip_network("fd00::/8"))


def network(peer: str | None, *forwarded: str, proxies: Any = PROXIES) -> str:
    """Return the network of a request from `peer`, with an X-Forwarded-For header for each of `forwarded`."""
    scope: Any = {
        "type": "http",
        "client": None if peer is None else (peer, 4711),
        "headers": [(b"x-forwarded-for", each.encode("latin-1")) for each in forwarded],
    }
    return network_reader(proxies)(ASGIConnection(scope))


def test_without_proxies_x_forwarded_for_is_ignored() -> None:
    assert network("203.0.113.7", "198.51.100.1", proxies=()) == "203.0.113.7"
    assert network("10.0.0.1", "198.51.100.1", proxies=()) == "10.0.0.1"


def test_x_forwarded_for_of_a_stranger_is_ignored() -> None:
    assert network("203.0.113.7", "198.51.100.1") == "203.0.113.7"


def test_a_proxy_says_who_called_it() -> None:
    assert network("10.0.0.1", "203.0.113.7") == "203.0.113.7"
    assert network("10.0.0.1", "203.0.113.7, 10.0.0.2") == "203.0.113.7"
    assert network("fd00::1", "203.0.113.7") == "203.0.113.7"


def test_entries_from_before_the_proxy_are_ignored() -> None:
    assert network("10.0.0.1", "198.51.100.1, 203.0.113.7") == "203.0.113.7"


def test_a_proxy_may_add_a_second_header() -> None:
    assert network("10.0.0.1", "198.51.100.1", "203.0.113.7") == "203.0.113.7"


def test_a_proxy_without_the_header_is_the_network_itself() -> None:
    assert network("10.0.0.1") == network("10.0.0.1", "") == network("10.0.0.1", " , ") == "10.0.0.1"


def test_an_address_may_have_a_port() -> None:
    assert network("10.0.0.1", "203.0.113.7:52011") == "203.0.113.7"
    assert network("10.0.0.1", "[2001:db8:1:2::3]:52011") == "2001:db8:1:2::/64"


def test_a_subscriber_of_ipv6_is_one_network() -> None:
    assert network("2001:db8:1:2::3") == network("2001:db8:1:2:ffff::9") == "2001:db8:1:2::/64"


def test_ipv4_over_a_dual_stack_socket_is_ipv4() -> None:
    assert network("::ffff:203.0.113.7") == "203.0.113.7"
    assert network("::ffff:10.0.0.1", "203.0.113.7") == "203.0.113.7"


@pytest.mark.parametrize("said", ["unknown", "_hidden", "fe80::1%eth0", "1.2.3", "\xff", "a" * 5_000])
def test_nonsense_from_a_proxy_is_one_network_of_its_own(said: str) -> None:
    assert network("10.0.0.1", said) in {"unknown", "fe80::/64"}


def test_a_socket_without_addresses_is_one_network() -> None:
    assert network(None) == "unknown"


@pytest.fixture(scope="module")
def strict_hosts(dsn: str, keys: KeyFile) -> Iterator[httpx.Client]:
    hosts = ("walks.example", "*.clinic.example")
    with run_service(
        Composition(dsn=dsn, keys=keys, address="https://walks.example", allowed_hosts=hosts)
    ) as service:
        yield service.http


@pytest.mark.parametrize("host", ["walks.example", "Walks.Example:8420", "north.clinic.example"])
def test_a_request_to_an_allowed_host_is_answered(strict_hosts: httpx.Client, host: str) -> None:
    assert strict_hosts.get("/v1/me", headers={"Host": host}).status_code == 401


@pytest.mark.parametrize(
    "host", ["evil.example", "walks.example.evil.example", "clinic.example", "evilclinic.example"]
)
def test_a_request_to_another_host_is_refused(strict_hosts: httpx.Client, host: str) -> None:
    answer = strict_hosts.get("/v1/me", headers={"Host": host})
    assert (answer.status_code, answer.json()["type"]) == (421, "urn:towpath:problem:unknown-host")
