"""Where a request comes from, and which host it is for."""

import re
from collections.abc import Awaitable, Callable, Collection, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, Final

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from routes.http.errors import UnknownHost

IPV6_SUBSCRIBER: Final = 64
"""Bits of an IPv6 address that identify a subscriber, who may choose the rest."""
WITH_PORT: Final = re.compile(r"\[([^\]]+)\](?::\d+)?|([^:]+):\d+")
"""An address with a port, as some proxies write it."""

Connection = ASGIConnection[Any, Any, Any, Any]
Network = IPv4Network | IPv6Network
Guard = Callable[[Connection, BaseRouteHandler], Awaitable[None]]


def network_reader(proxies: Sequence[Network]) -> Callable[[Connection], str]:
    """Return a function from a request to its network; only `proxies` may say it in X-Forwarded-For."""

    def read_network(connection: Connection) -> str:
        address = _address(connection.client.host if connection.client else "")
        hops = ",".join(connection.headers.getall("x-forwarded-for", [])).split(",")
        while hops and address is not None and _is_within(address, proxies):
            hop = hops.pop().strip()
            address = _address(hop) if hop else address
        return _network_of(address)

    return read_network


def _is_within(address: IPv4Address | IPv6Address, proxies: Sequence[Network]) -> bool:
    return any(address in each for each in proxies if each.version == address.version)


def _network_of(address: IPv4Address | IPv6Address | None) -> str:
    if address is None:
        return "unknown"
    if isinstance(address, IPv6Address):
        return str(ip_network((int(address), IPV6_SUBSCRIBER), strict=False))
    return str(address)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """Return the address a text names, None for no address; an IPv4 address mapped to IPv6 as IPv4."""
    with_port = WITH_PORT.fullmatch(text)
    try:
        address = ip_address((with_port[1] or with_port[2]) if with_port else text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def only_hosts(hosts: Collection[str]) -> list[Guard]:
    """Return a guard that refuses requests for other hosts than `hosts`, on any port; none if that is empty.

    `*.example.org` stands for all names below example.org. The guard is a coroutine because Litestar runs a
    plain function in a thread for each request.
    """
    names = {each.lower() for each in hosts if not each.startswith("*.")}
    endings = tuple(each[1:].lower() for each in hosts if each.startswith("*."))

    async def refuse_other_hosts(connection: Connection, _: BaseRouteHandler) -> None:
        host = re.sub(r":\d+$", "", connection.headers.get("host", "")).lower()
        if host not in names and not host.endswith(endings or ("\0",)):
            raise UnknownHost("this service has another name; check the address in the app")

    return [refuse_other_hosts] if hosts else []
