"""Files sent as they are: the body is the file, its content type says which kind."""

from dataclasses import dataclass
from typing import Any

from litestar import Request
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, Operation, RequestBody, Schema

from routes.strict import UnsupportedContent


class Upload:
    """A kind of file: the content types it may come as, and what OpenAPI says of it.

    The handler names it twice: `operation_class=CSV.operation` in its decorator, and `await
    CSV.read(request)`. How large it may be is the decorator's `request_max_body_size`.
    """

    __slots__ = ("_media_types", "operation")

    def __init__(self, *media_types: str, description: str, example: str | None = None) -> None:
        self._media_types = media_types
        self.operation = _operation_reading(media_types, description, example)

    async def read(self, request: Request[Any, Any, Any]) -> bytes:
        """Return the file's bytes. Raises UnsupportedContent, TooLarge."""
        media_type, _ = request.content_type
        if media_type.lower() not in self._media_types:
            raise UnsupportedContent(f"send the file itself, as {' or '.join(self._media_types)}")
        if request.headers.get("content-encoding", "identity").lower() != "identity":
            raise UnsupportedContent("send the file without a Content-Encoding")
        return await request.body()


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
