"""Uploads: the body is the file itself, and the content type says which kind."""

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Any, Final
from uuid import UUID

from litestar import Request
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, Operation, RequestBody, Schema

from routes.http.errors import UnsupportedContent
from routes.http.json_body import replace_half_pairs
from service.foundation.fair_shares import FairShares, Overloaded
from service.foundation.threads import off_loop
from service.geo.gpx.unpacking import is_archive, unpack

UPLOADS_BYTES: Final = 32 * 2**20
"""Limit of all files in memory at once: reading a dense one takes twelve times its size. The largest file
fits, and beside it as many as a practice sends in a minute.
"""
PRACTICE_BYTES: Final = 21 * 2**20
"""Limit of one practice: the largest file, and a piece more that tells a larger one. So its phones cannot
shut out all others.
"""


class UploadBudget:
    """A limit on the bytes of all files being received or read, and one on those of each practice."""

    __slots__ = ("_lock", "_of_practices", "_size", "_size_of_one")

    def __init__(self, size: int, of_one_practice: int) -> None:
        self._size = size
        self._size_of_one = of_one_practice
        self._of_practices: dict[UUID, int] = {}
        self._lock = Lock()

    @property
    def free(self) -> int:
        """Return the bytes that are not reserved."""
        return self._size - sum(self._of_practices.values())

    @contextmanager
    def portion(self, practice_id: UUID) -> Iterator["Portion"]:
        """Reserve memory for one upload as it arrives; release it afterwards."""
        portion = Portion(self, practice_id)
        try:
            yield portion
        finally:
            self._release(practice_id, portion.taken)

    def take(self, practice_id: UUID, size: int) -> None:
        """Reserve `size` bytes for a practice. Raises Overloaded."""
        with self._lock:
            taken = self._of_practices.get(practice_id, 0) + size
            if size > self.free or taken > self._size_of_one:
                raise Overloaded("too many files are being read at the moment; try again")
            self._of_practices[practice_id] = taken

    def _release(self, practice_id: UUID, size: int) -> None:
        with self._lock:
            left = self._of_practices.pop(practice_id, 0) - size
            if left > 0:
                self._of_practices[practice_id] = left


class Portion:
    """The bytes one file has reserved: those that have arrived or were unpacked, not those it announces."""

    __slots__ = ("_budget", "_practice_id", "taken")

    def __init__(self, budget: UploadBudget, practice_id: UUID) -> None:
        self._budget = budget
        self._practice_id = practice_id
        self.taken = 0

    def take(self, size: int) -> None:
        """Reserve memory for the next piece of the file. Raises Overloaded."""
        self._budget.take(self._practice_id, size)
        self.taken += size


_budget: Final = UploadBudget(UPLOADS_BYTES, PRACTICE_BYTES)

UPLOADS_EACH: Final = 8
"""Files of one practice that are received or read at once; the next one is received when one is done."""
UPLOAD_WAIT_S: Final = 20
UPLOADS_WAITING: Final = 200
REFUSAL_S: Final = 2
"""How long a refused file keeps its place: a phone that tries again at once would only fill the line."""

_places: Final = FairShares(
    sys.maxsize,
    most_each=UPLOADS_EACH,
    wait_s=UPLOAD_WAIT_S,
    waiting_each=UPLOADS_WAITING,
    refusal="too many files of this practice are being read at the moment; try again",
)


class Upload:
    """A kind of file: its content types and its description in OpenAPI.

    A handler names it twice: `operation_class=CSV.operation` in its decorator, and `async with
    CSV.received(request) as content` around its work with the file. The decorator's `request_max_body_size`
    limits the size. With `unpacks` a GPX file may come inside gzip, or alone inside a zip.
    """

    __slots__ = ("_media_types", "_unpacks", "operation")

    def __init__(
        self, *media_types: str, description: str, example: str | None = None, unpacks: bool = False
    ) -> None:
        self._media_types = media_types
        self._unpacks = unpacks
        self.operation = _operation_reading(media_types, description, example)

    @asynccontextmanager
    async def received(self, request: Request[Any, Any, Any]) -> AsyncIterator[bytes]:
        """Yield the bytes of the file, reserved in the budget until the block ends.

        Raises UnsupportedContent, TooLarge, CutOff, GpxRefused, Overloaded.
        """
        media_type, _ = request.content_type
        if media_type.lower() not in self._media_types:
            raise UnsupportedContent(f"send the file itself, as {' or '.join(self._media_types)}")
        if request.headers.get("content-encoding", "identity").lower() != "identity":
            raise UnsupportedContent("send the file without a Content-Encoding")
        practice_id = request.state.sign_in.practice_id
        async with _places.slot(practice_id):
            refusal: Overloaded | None = None
            try:
                with _budget.portion(practice_id) as portion:
                    request.state.portion = portion
                    content = await request.body()
                    if media_type.lower().endswith("json"):
                        content, request.state.replaced = await off_loop(replace_half_pairs, content)
                    else:
                        content = await self._unpacked(content, portion)
                    yield content
            except Overloaded as error:
                refusal = error.with_traceback(None)  # it would keep what has arrived in memory
            if refusal is not None:
                await asyncio.sleep(REFUSAL_S)
                raise refusal

    async def _unpacked(self, content: bytes, portion: Portion) -> bytes:
        """Return the file inside gzip or a zip, which takes the place of what has arrived in the budget."""
        if not (self._unpacks and is_archive(content)):
            return content
        unpacked = 0

        def reserve(size: int) -> None:
            nonlocal unpacked
            unpacked += size
            portion.take(max(0, unpacked - portion.taken))

        return await off_loop(unpack, content, reserve)


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
