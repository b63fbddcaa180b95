"""Answers: the representation, its ETag, where it lies."""

from typing import TypeVar

from litestar import Response

Body = TypeVar("Body")


def answer(body: Body, revision: int) -> Response[Body]:
    """Return 200 with the version a later If-Match or If-None-Match names."""
    return Response(body, headers={"ETag": etag(revision)})


def created(body: Body, revision: int, location: str, *, replayed: bool) -> Response[Body]:
    """Return 201 and where the new thing lies, or 200 where this very create was answered before."""
    headers = {"ETag": etag(revision), "Location": location}
    return Response(body, status_code=200 if replayed else 201, headers=headers)


def etag(revision: int) -> str:
    """Return a revision as an entity tag: it changes with every write that touches the row."""
    return f'"{revision}"'
