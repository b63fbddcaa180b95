"""What uvicorn lacks: limits of a head and of the answers that wait, one Host, and refusals in their turn.

Without the limits a few strangers fill the memory. Time-outs for slow heads and slow readers are the proxy's
work.
"""

from http import HTTPStatus
from typing import Final

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from routes.http.middleware import ON_EVERY_ANSWER
from routes.http.problems import MEDIA_TYPE, OF_STATUS, TYPE_PREFIX, Problem

HEAD_BYTES: Final = 32_768
"""Limit of address and headers together, and of a trailer. One read, up to 256 KiB, may come on top."""
UNSENT_BYTES: Final = 128 * 2**20
"""Limit of the answers that wait for all phones together: six of the largest files."""


class HeadTooLarge(Exception):
    """Address and headers are longer than HEAD_BYTES."""


class NotOneHost(Exception):
    """The request has no Host header, or more than one (RFC 9112, 3.2)."""


class PhoneConnection(HttpToolsProtocol):
    """uvicorn's connection with these limits and refusals."""

    _head_bytes = 0
    """Received since the request began or, after that, since the last piece of its body."""
    _in_body = False
    """The application has the head of the newest request and waits for the rest of its body."""
    _refusal: bytes | None = None
    """Sent after the answers that are owed to earlier requests; nothing is read any more."""

    def data_received(self, data: bytes) -> None:
        """Read on; refuse a head or a trailer that does not end."""
        if self._refusal is not None:
            return
        self._head_bytes += len(data)
        super().data_received(data)
        if self._head_bytes > HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("")

    def on_message_begin(self) -> None:
        """Count the head of the next request from its beginning."""
        super().on_message_begin()
        self._head_bytes = 0

    def on_headers_complete(self) -> None:
        """Give the request to the application. Raises HeadTooLarge, NotOneHost."""
        self._head_bytes = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if self._head_bytes > HEAD_BYTES:
            raise HeadTooLarge
        hosts = sum(name == b"host" for name, _ in self.headers)
        if hosts > 1 or (hosts == 0 and self.parser.get_http_version() != "1.0"):
            raise NotOneHost
        self._head_bytes = 0
        super().on_headers_complete()
        self._in_body = True

    def on_body(self, body: bytes) -> None:
        """Give a piece of the body to the application."""
        self._head_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Tell the application that its request is complete."""
        self._head_bytes, self._in_body = 0, False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Begin the next request or, after the last one, refuse what cannot be read."""
        is_last = not self.pipeline
        super().on_response_complete()
        if is_last and self._refusal is not None:
            self._end_with(self._refusal)

    def pause_writing(self) -> None:
        """Stop writing until the phone takes more, and look how much waits for all phones."""
        super().pause_writing()
        self.loop.call_soon(self._cut_the_largest)

    def _cut_the_largest(self) -> None:
        """Close the connections with most bytes waiting until the rest is within UNSENT_BYTES."""
        unsent = {each.transport: each.transport.get_write_buffer_size() for each in self.connections}
        while sum(unsent.values()) > UNSENT_BYTES:
            largest = max(unsent, key=unsent.__getitem__)
            largest.abort()
            del unsent[largest]

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  the title says it
        """Refuse what is no HTTP or has too long a head, and close the connection.

        The answers that are owed to the requests before it are sent first.
        """
        if self._refusal is not None:
            return
        self._refusal = self._problem()
        if self._in_body and not self._take_back():
            self._end_with(b"" if self.cycle.response_started else self._refusal)
        elif getattr(self.cycle, "response_complete", True):  # no cycle before the first request
            self._end_with(self._refusal)

    def _take_back(self) -> bool:
        """Drop the newest request if the application has not begun it; return whether it had not."""
        is_waiting = bool(self.pipeline) and self.pipeline[0][0] is self.cycle
        if is_waiting:
            self.pipeline.popleft()
        return is_waiting

    def _end_with(self, last: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(last)
            self.transport.close()

    def _problem(self) -> bytes:
        """Return the answer to what cannot be read: 431 for a head too long, else 400."""
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
        return head.encode() + private + b"\r\n" + content
