"""Files sent as they are: the body is the file, its content type says which kind."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, Final

from litestar import Request
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, Operation, RequestBody, Schema

from routes.strict import UnsupportedContent
from service.threads import Overloaded

ROOM_BYTES: Final = 32 * 2**20
"""Of files there may be at once, all phones together: what a dense one is read into takes twelve times its
size. The largest file fits, and with it as many as a practice sends in a minute.
"""


class Room:
    """So many bytes for all the files that are being received or read."""

    __slots__ = ("_free",)

    def __init__(self, size: int) -> None:
        self._free = size

    @contextmanager
    def share(self) -> Iterator["Share"]:
        """Give a file what it turns out to need, and have it back when the file is done with."""
        share = Share(self)
        try:
            yield share
        finally:
            self._free += share.taken

    def take(self, size: int) -> None:
        """Let so many bytes in. Raises Overloaded."""
        if size > self._free:
            raise Overloaded("too many files are being read at the moment; try again")
        self._free -= size


class Share:
    """What one file has of the room; not what it announces, which costs nothing to say."""

    __slots__ = ("_room", "taken")

    def __init__(self, room: Room) -> None:
        self._room = room
        self.taken = 0

    def take(self, size: int) -> None:
        """Let in the next piece of the file. Raises Overloaded."""
        self._room.take(size)
        self.taken += size


_room: Final = Room(ROOM_BYTES)


class Upload:
    """A kind of file: the content types it may come as, and what OpenAPI says of it.

    The handler names it twice: `operation_class=CSV.operation` in its decorator, and `async with
    CSV.received(request) as content` around all it does with the file. How large it may be is the
    decorator's `request_max_body_size`.
    """

    __slots__ = ("_media_types", "operation")

    def __init__(self, *media_types: str, description: str, example: str | None = None) -> None:
        self._media_types = media_types
        self.operation = _operation_reading(media_types, description, example)

    @asynccontextmanager
    async def received(self, request: Request[Any, Any, Any]) -> AsyncIterator[bytes]:
        """Give the file's bytes, and room for them. Raises UnsupportedContent, TooLarge, Overloaded."""
        media_type, _ = request.content_type
        if media_type.lower() not in self._media_types:
            raise UnsupportedContent(f"send the file itself, as {' or '.join(self._media_types)}")
        if request.headers.get("content-encoding", "identity").lower() != "identity":
            raise UnsupportedContent("send the file without a Content-Encoding")
        with _room.share() as share:
            request.state.share = share
            yield await request.body()


def _operation_reading(
    media_types: tuple[str, ...], description: str, example: str | None
) -> type[Operation]:
    """Return the OpenAPI operation of a handler that reads such a file; Litestar describes only `data`."""
    schema = Schema(type=OpenAPIType.STRING, description=description)
    content = {each: OpenAPIMediaType(schema=schema, example=example) for each in media_types}
    body = RequestBody(required=True, content=content)

    @dataclass
    class Reading(Operation):
        def __post_init__(self) -> None:
            self.request_body = body

    return Reading
