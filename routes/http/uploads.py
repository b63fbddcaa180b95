"""Files sent as they are: the body is the file, its content type says which kind."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from litestar import Request
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, Operation, RequestBody, Schema

from routes.http.errors import UnsupportedContent
from routes.http.json_body import replace_half_pairs
from service.foundation.off_loop import off_loop
from service.foundation.threads import Overloaded

UPLOADS_BYTES: Final = 32 * 2**20
"""Of files there may be at once, all phones together: what a dense one is read into takes twelve times its
size. The largest file fits, and with it as many as a practice sends in a minute.
"""
PRACTICE_BYTES: Final = 20 * 2**20
"""Of them, what one practice may have: the largest file. Its phones cannot shut all others out."""


class UploadBudget:
    """So many bytes for all the files that are being received or read, and so many of them for a practice."""

    __slots__ = ("_of_practices", "_size", "_size_of_one")

    def __init__(self, size: int, of_one_practice: int) -> None:
        self._size = size
        self._size_of_one = of_one_practice
        self._of_practices: dict[UUID, int] = {}

    @property
    def free(self) -> int:
        """Bytes nobody has."""
        return self._size - sum(self._of_practices.values())

    @contextmanager
    def portion(self, practice_id: UUID) -> Iterator["Portion"]:
        """Give a practice's file what it turns out to need, and have it back when the file is done with."""
        portion = Portion(self, practice_id)
        try:
            yield portion
        finally:
            self._give_back(practice_id, portion.taken)

    def take(self, practice_id: UUID, size: int) -> None:
        """Let so many bytes in. Raises Overloaded."""
        taken = self._of_practices.get(practice_id, 0) + size
        if size > self.free or taken > self._size_of_one:
            raise Overloaded("too many files are being read at the moment; try again")
        self._of_practices[practice_id] = taken

    def _give_back(self, practice_id: UUID, size: int) -> None:
        left = self._of_practices.pop(practice_id, 0) - size
        if left > 0:
            self._of_practices[practice_id] = left


class Portion:
    """What one file has of the budget; not what it announces, which costs nothing to say."""

    __slots__ = ("_budget", "_practice_id", "taken")

    def __init__(self, budget: UploadBudget, practice_id: UUID) -> None:
        self._budget = budget
        self._practice_id = practice_id
        self.taken = 0

    def take(self, size: int) -> None:
        """Let in the next piece of the file. Raises Overloaded."""
        self._budget.take(self._practice_id, size)
        self.taken += size


_budget: Final = UploadBudget(UPLOADS_BYTES, PRACTICE_BYTES)


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
        """Give the file's bytes, held to the budget. Raises UnsupportedContent, TooLarge, Overloaded."""
        media_type, _ = request.content_type
        if media_type.lower() not in self._media_types:
            raise UnsupportedContent(f"send the file itself, as {' or '.join(self._media_types)}")
        if request.headers.get("content-encoding", "identity").lower() != "identity":
            raise UnsupportedContent("send the file without a Content-Encoding")
        with _budget.portion(request.state.sign_in.practice_id) as portion:
            request.state.portion = portion
            content = await request.body()
            if media_type.lower().endswith("json"):
                content, request.state.replaced = await off_loop(replace_half_pairs, content)
            yield content


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
