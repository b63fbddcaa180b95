"""How much, and for how long, a connection is listened to before it has said a whole request.

uvicorn sets no such limits: a head without end fills the memory and is copied anew with every piece, and
whoever sends a byte now and then holds a connection, and what it was let in with, for good. So does whoever
asks for much and does not take it.
"""

import asyncio
import enum
from http import HTTPStatus
from typing import Final

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from routes.http.middleware import ON_EVERY_ANSWER
from routes.http.problems import MEDIA_TYPE, OF_STATUS, TYPE_PREFIX, Problem

HEAD_BYTES: Final = 32_768
"""Of an address and headers together. One read, of up to 256 KiB, may come on top before it is seen."""
HEAD_S: Final = 20
BODY_S: Final = 60
BODY_BYTES_PER_S: Final = 4_096
"""A body may take a second more for so many bytes of it: a phone at the edge of its network sends some
10,000 a second. But it has never more than BODY_S in hand, or who sends much at once could keep all of it
waiting for long.
"""
STALL_S: Final = 300
STALL_BYTES: Final = 65_536
"""Of an answer that waits for its phone, at least so many go in that time, or all there are. It is long: on a
slow network the operating system takes the next piece only once much of the last, which may be megabytes, has
gone.
"""
UNSENT_BYTES: Final = 128 * 2**20
"""Of answers that wait for all phones together: six of the largest files at once."""

CHUNK_OVERHEAD: Final = 16
"""Bytes around a byte of a body, were it sent in chunks of one byte each; what is more is a trailer."""


class Stage(enum.Enum):
    """What a connection is in the middle of."""

    HEAD = enum.auto()
    BODY = enum.auto()
    BETWEEN = enum.auto()


class HeadTooLarge(Exception):
    """Address and headers are longer than any phone's."""


class PhoneConnection(HttpToolsProtocol):
    """uvicorn's connection with a limit to what it hears and how long it waits for it."""

    _deadline: asyncio.TimerHandle | None = None
    _stage = Stage.HEAD
    _requests = 0
    _head_bytes = 0
    """Of the address, the headers and, after a body, whatever was not body."""
    _body_bytes = 0
    _body_seen = 0
    """Of them, those that were there at the last look."""
    _stall: asyncio.TimerHandle | None = None
    _unsent = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a first request."""
        super().connection_made(transport)
        self._wait(HEAD_S)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._wait(None)
        self._stop_watching()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, unless it is a head or a trailer that does not end, or nothing at all."""
        before, read = (self._stage, self._requests), self._body_bytes
        super().data_received(data)
        if before != (self._stage, self._requests) or self.transport.is_closing():
            return
        if self._stage is not Stage.BETWEEN:
            self._head_bytes += len(data) - (self._body_bytes - read)
            if self._head_bytes > HEAD_BYTES + CHUNK_OVERHEAD * self._body_bytes:
                self.send_400_response("")
        elif self._deadline is None:
            self._wait(HEAD_S)

    def on_message_begin(self) -> None:
        """Begin to count."""
        super().on_message_begin()
        self._stage, self._requests = Stage.HEAD, self._requests + 1
        self._head_bytes = self._body_bytes = self._body_seen = 0
        self._wait(HEAD_S)

    def on_headers_complete(self) -> None:
        """Let the application have the request, and wait for its body. Raises HeadTooLarge."""
        self._head_bytes = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if self._head_bytes > HEAD_BYTES:
            raise HeadTooLarge
        self._stage, self._head_bytes = Stage.BODY, 0
        self._wait(BODY_S)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Count what arrives."""
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Wait no longer."""
        self._stage = Stage.BETWEEN
        self._wait(None)
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Watch whether the rest of an answer is taken, too little to pause for as it may be."""
        super().on_response_complete()
        if self.transport.get_write_buffer_size() > 0:
            self._watch()

    def pause_writing(self) -> None:
        """Watch whether an answer is taken."""
        super().pause_writing()
        self._watch()
        self.loop.call_soon(self._hang_up_on_the_largest)

    def timeout_keep_alive_handler(self) -> None:
        """Let go who has asked for nothing more."""
        if not self.transport.is_closing():
            self._hang_up()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  the title says it
        """Refuse what cannot be read as any request, or is too long, and hang up."""
        status = HTTPStatus.BAD_REQUEST
        if self._head_bytes > HEAD_BYTES:
            status = HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
        slug, title = OF_STATUS[status]
        content = msgspec.json.encode(Problem(type=TYPE_PREFIX + slug, title=title, status=status))
        head = (
            f"HTTP/1.1 {status} {status.phrase}\r\nContent-Type: {MEDIA_TYPE}\r\n"
            f"Content-Length: {len(content)}\r\nConnection: close\r\n"
        )
        private = b"".join(b"%s: %s\r\n" % each for each in ON_EVERY_ANSWER)
        self.transport.write(head.encode() + private + b"\r\n" + content)
        self._hang_up()

    def _wait(self, seconds: float | None) -> None:
        """Hang up after so many seconds; None for not at all."""
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = None if seconds is None else self.loop.call_later(seconds, self._hang_up_if_late)

    def _hang_up_if_late(self) -> None:
        left_s = 0.0
        if self._is_busy():
            left_s = HEAD_S
        elif self._stage is Stage.BODY:
            left_s = min(BODY_S, (self._body_bytes - self._body_seen) / BODY_BYTES_PER_S)
            self._body_seen = self._body_bytes
        if left_s > 0:
            self._wait(left_s)
        else:
            self._hang_up()

    def _is_busy(self) -> bool:
        """Return whether the service itself is not reading, or still owes an answer to an earlier request."""
        if self.flow.read_paused or self.pipeline:
            return True
        last: RequestResponseCycle | None = self.cycle
        return self._stage is not Stage.BODY and last is not None and not last.response_complete

    def _hang_up(self) -> None:
        """Close, which waits until the last answer has gone: not without end."""
        self.transport.close()
        if self._stall is None:
            self._watch()

    def _watch(self) -> None:
        self._stop_watching()
        self._unsent = self.transport.get_write_buffer_size()
        self._stall = self.loop.call_later(STALL_S, self._hang_up_if_stalled)

    def _hang_up_on_the_largest(self) -> None:
        """Wait for no more than UNSENT_BYTES, whoever they are for: a phone may ask on many connections."""
        unsent = {each.transport: each.transport.get_write_buffer_size() for each in self.connections}
        while sum(unsent.values()) > UNSENT_BYTES:
            largest = max(unsent, key=unsent.__getitem__)
            largest.abort()
            del unsent[largest]

    def _stop_watching(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
        self._stall = None

    def _hang_up_if_stalled(self) -> None:
        self._stall = None
        unsent = self.transport.get_write_buffer_size()
        if self._unsent - unsent < min(STALL_BYTES, self._unsent):
            self.transport.abort()
        elif unsent > 0:
            self._watch()
