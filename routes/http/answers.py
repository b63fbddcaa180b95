"""Successful answers: the representation, its ETag, its location, and its compression."""

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import msgspec
from litestar import MediaType, Response
from litestar.datastructures import Headers
from litestar.serialization import encode_json

from service.foundation.compression import gzip_bytes
from service.foundation.threads import off_loop, off_loop_if_large

Body = TypeVar("Body")

COMPRESS_FROM: Final = 1_000
"""Bytes of a JSON answer; less is sent as it is."""

WEIGHT: Final = re.compile(r"[qQ]=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")


def answer(body: Body, revision: int) -> Response[Body]:
    """Return 200 with the ETag for a later If-Match or If-None-Match."""
    return Response(body, headers={"ETag": etag(revision)})


def created(body: Body, revision: int, location: str, *, replayed: bool) -> Response[Body]:
    """Return 201 with the path of the new thing, or 200 for a repeated create."""
    headers = {"ETag": etag(revision), "Location": location}
    return Response(body, status_code=200 if replayed else 201, headers=headers)


def etag(revision: int) -> str:
    """Return a revision as an entity tag; every write that touches the row changes it."""
    return f'"{revision}"'


def file_answer(
    content: bytes, media_type: str, revision: int, *, gzipped: bool, headers: Mapping[str, str] | None = None
) -> Response[bytes]:
    """Return 200 with a file; `gzipped` says that `content` is compressed, as `takes_gzip` allowed."""
    encoding = {"Content-Encoding": "gzip"} if gzipped else {}
    common = {"ETag": etag(revision), "Vary": "Accept-Encoding", **encoding}
    return Response(content, media_type=media_type, headers={**common, **(headers or {})})


async def large_answer(
    headers: Headers, size_bytes: int, make: Callable[[], msgspec.Struct]
) -> Response[Any]:
    """Return 200 with what `make` returns as JSON; if that is much, in another thread.

    The handler is excluded from compression, which would be done on the event loop.
    """
    content, gzipped = await off_loop_if_large(size_bytes, _json, make, takes_gzip=takes_gzip(headers))
    encoding = {"Content-Encoding": "gzip"} if gzipped else {}
    return Response(content, media_type=MediaType.JSON, headers={"Vary": "Accept-Encoding", **encoding})


async def content_answer(
    headers: Headers,
    make: Callable[[], msgspec.Struct | bytes],
    media_type: str = MediaType.JSON,
    extra: Mapping[str, str] | None = None,
) -> Response[Any]:
    """Return 200 with what `make` returns, as JSON or as it is, made in another thread; the ETag is its hash.

    For an answer that is put together from many rows: the revision of none of them stands for it. The handler
    is excluded from compression, as for `large_answer`.
    """
    content, tag, gzipped = await off_loop(_tagged, make, takes_gzip=takes_gzip(headers))
    encoding = {"Content-Encoding": "gzip"} if gzipped else {}
    common = {"ETag": f'"{tag}"', "Vary": "Accept-Encoding", **encoding}
    return Response(content, media_type=media_type, headers={**common, **(extra or {})})


def _tagged(make: Callable[[], msgspec.Struct | bytes], *, takes_gzip: bool) -> tuple[bytes, str, bool]:
    """Return the content, a hash of it as it is without compression, and whether it is compressed."""
    made = make()
    content = made if isinstance(made, bytes) else encode_json(made)
    tag = hashlib.sha256(content).hexdigest()[:32]
    return (gzip_bytes(content), tag, True) if takes_gzip else (content, tag, False)


def _json(make: Callable[[], msgspec.Struct], *, takes_gzip: bool) -> tuple[bytes, bool]:
    """Return JSON, and whether it is compressed."""
    content = encode_json(make())
    if takes_gzip and len(content) >= COMPRESS_FROM:
        return gzip_bytes(content), True
    return content, False


def takes_gzip(headers: Headers) -> bool:
    """Return whether a client takes gzip, and does not prefer the plain content (RFC 9110, 12.5.3).

    A weight that cannot be read counts as 0. A client that refuses both gzip and the plain content gets the
    plain content: it is more use than a 406.
    """
    weights = dict(map(_coding_weight, ",".join(headers.getall("accept-encoding", [])).split(",")))
    gzip = weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0)))
    return gzip > 0 and gzip >= weights.get("identity", 0.0)


def _coding_weight(element: str) -> tuple[str, float]:
    coding, semicolon, parameter = element.partition(";")
    weight = WEIGHT.fullmatch(parameter.strip())
    return coding.strip().lower(), float(weight[1]) if weight else float(not semicolon)
