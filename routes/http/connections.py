"""Two limits that uvicorn lacks: the length of a head, and the bytes of answers that wait to be taken.

Without them a few strangers fill the memory. Time-outs for slow heads and slow readers are the proxy's work.
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


class PhoneConnection(HttpToolsProtocol):
    """uvicorn's connection with these two limits."""

    _head_bytes = 0
    """Received since the request began or, after that, since the last piece of its body."""

    def data_received(self, data: bytes) -> None:
        """Read on; refuse a head or a trailer that does not end."""
        self._head_bytes += len(data)
        super().data_received(data)
        if self._head_bytes > HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("")

    def on_message_begin(self) -> None:
        """Count the head of the next request from its beginning."""
        super().on_message_begin()
        self._head_bytes = 0

    def on_headers_complete(self) -> None:
        """Give the request to the application. Raises HeadTooLarge."""
        self._head_bytes = len(self.url) + sum(len(name) + len(value) for name, value in self.headers)
        if self._head_bytes > HEAD_BYTES:
            raise HeadTooLarge
        self._head_bytes = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Give a piece of the body to the application."""
        self._head_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Tell the application that its request is complete."""
        self._head_bytes = 0
        super().on_message_complete()

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
        """Refuse a head that is too long or no HTTP, with a problem, and close the connection."""
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
        self.transport.close()
