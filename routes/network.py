"""From which network a request comes, for slowing down who guesses passwords."""

from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final

from litestar.connection import ASGIConnection

IPV6_SUBSCRIBER: Final = 64
"""Bits of an IPv6 address that name a subscriber; the rest they choose themselves."""

Network = IPv4Network | IPv6Network


def network_reader(proxies: Sequence[Network]) -> Callable[[ASGIConnection[Any, Any, Any, Any]], str]:
    """Return a function from a request to its network; X-Forwarded-For is believed from `proxies` alone."""

    def read_network(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
        peer = connection.client.host if connection.client else ""
        hops = [each.strip() for each in connection.headers.get("x-forwarded-for", "").split(",")]
        address = peer
        while hops and _is_within(address, proxies):
            address = hops.pop() or address
        return _network_of(address)

    return read_network


def _is_within(text: str, proxies: Sequence[Network]) -> bool:
    address = _address(text)
    return address is not None and any(address in each for each in proxies if each.version == address.version)


def _network_of(text: str) -> str:
    address = _address(text)
    if address is None:
        return "unknown"
    if isinstance(address, IPv6Address):
        return str(ip_network((address, IPV6_SUBSCRIBER), strict=False))
    return str(address)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
