"""Sends plain HTTP/1.1 requests over kept-alive connections, at a cost small beside the service's."""

import asyncio
import time
from collections.abc import Callable, Iterator

import msgspec


class Request(msgspec.Struct, frozen=True):
    """The bytes of one request."""

    content: bytes


def a_request(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> Request:
    """Return a request as bytes."""
    lines = [f"{method} {path} HTTP/1.1", "Host: towpath"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines.append(f"Content-Length: {len(body)}")
    return Request("\r\n".join(lines).encode() + b"\r\n\r\n" + body)


async def rate(port: int, makers: list[Callable[[], Request]], seconds: float) -> float:
    """Return answers a second, with one connection for each maker. Raises at an answer of 300 or more."""
    until = time.perf_counter() + seconds
    began = time.perf_counter()
    counts = await asyncio.gather(*(_send(port, maker, until) for maker in makers))
    return sum(counts) / (time.perf_counter() - began)


async def _send(port: int, maker: Callable[[], Request], until: float) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    count = 0
    while time.perf_counter() < until:
        status = await exchange(reader, writer, maker())
        if status >= 300:
            raise RuntimeError(f"answered {status}")
        count += 1
    writer.close()
    await writer.wait_closed()
    return count


async def exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: Request) -> int:
    """Send one request and return the status of its answer."""
    writer.write(request.content)
    head = await reader.readuntil(b"\r\n\r\n")
    await reader.readexactly(next(_lengths(head), 0))
    return int(head[9:12])


def _lengths(head: bytes) -> Iterator[int]:
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            yield int(line.partition(b":")[2])
