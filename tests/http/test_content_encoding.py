"""Every answer that may be compressed is compressed only for a client that takes gzip (RFC 9110, 12.5.3)."""

import gzip
from collections.abc import Iterator
from typing import Final

import httpx
import pytest

from tests.http.matrix import CASES, Rule, operation_of, request
from tests.http.operations import OPERATIONS
from tests.http.running import Running
from tests.http.things import Ids, things_of
from tests.http.world import World, make_world

READS: Final = sorted(name for name, case in CASES.items() if not operation_of(name).writes)
FILES: Final = sorted(
    each.id
    for each in OPERATIONS.values()
    if each.handler.opt.get("exclude_from_compression") and not each.id.startswith("list_")
)
"""Operations that compress the file they send, however short it is. Lists are compressed when long."""
REFUSING: Final = (
    "",
    "identity",
    "br",
    "gzip;q=0",
    "GZip ; q=0.000, br",
    "gzip;q=0, *",
    "*;q=0",
    "identity;q=0",
    "gzip;q=0.5, identity",
    "gzip;q=heavy",
    "gzip;q=1.5",
    "gzip;q=-1",
    "gzip;level=9",
    "gzip;",
    ";;,=,q=1",
    "notgzip, gzipped",
)
TAKING: Final = (
    "gzip",
    "gzip, br;q=0.1",
    "br, GZip",
    "gzip;q=0.001",
    "gzip ; q=0.5, identity;q=0",
    "x-gzip",
    "*",
    "deflate, *;q=0.2",
    "nonsense;q=x, gzip",
)


@pytest.fixture(scope="module")
def world(running: Running) -> World:
    return make_world(running)


@pytest.fixture(scope="module")
def ids(world: World) -> Ids:
    return things_of(world.ada)


@pytest.fixture(scope="module")
def bare(running: Running) -> Iterator[httpx.Client]:
    """Give a client that sends no Accept-Encoding of its own."""
    with httpx.Client(base_url=running.http.base_url) as http:
        del http.headers["Accept-Encoding"]
        yield http


def raw(answer: httpx.Response) -> tuple[str | None, bytes]:
    """Return the Content-Encoding of an answer and its bytes as they were sent."""
    return answer.headers.get("content-encoding"), b"".join(answer.iter_raw())


def send(
    http: httpx.Client, world: World, ids: Ids, name: str, accepted: str | None
) -> tuple[str | None, bytes]:
    """Call an operation with this Accept-Encoding, or with none, and return its answer as in `raw`."""
    method, path, options = request(name, ids, ids)
    headers = options.pop("headers")
    if CASES[name].rule is not Rule.OPEN:
        headers["Authorization"] = f"Bearer {world.ada.tokens['access_token']}"
    if accepted is not None:
        headers["Accept-Encoding"] = accepted
    with http.stream(method, path, headers=headers, **options) as answer:
        assert answer.status_code == 200, path
        return raw(answer)


def test_the_operations_that_compress_for_themselves_are_among_those_tried() -> None:
    assert len(FILES) == 8
    assert set(FILES) <= set(READS)


@pytest.mark.parametrize("accepted", [None, *REFUSING])
@pytest.mark.parametrize("name", READS)
def test_nothing_is_compressed_for_a_client_that_does_not_take_gzip(
    bare: httpx.Client, world: World, ids: Ids, name: str, accepted: str | None
) -> None:
    encoding, _ = send(bare, world, ids, name, accepted)
    assert encoding is None


@pytest.mark.parametrize("accepted", TAKING)
@pytest.mark.parametrize("name", FILES)
def test_a_file_is_compressed_for_a_client_that_takes_gzip(
    bare: httpx.Client, world: World, ids: Ids, name: str, accepted: str
) -> None:
    _, plain = send(bare, world, ids, name, "identity")
    encoding, packed = send(bare, world, ids, name, accepted)
    assert encoding == "gzip"
    assert gzip.decompress(packed) == plain


@pytest.mark.parametrize("accepted", [None, *REFUSING, *TAKING])
@pytest.mark.parametrize("path", ["/openapi.json", "/docs"])
def test_a_long_page_is_compressed_only_for_a_client_that_takes_gzip(
    bare: httpx.Client, path: str, accepted: str | None
) -> None:
    headers = {} if accepted is None else {"Accept-Encoding": accepted}
    with bare.stream("GET", path, headers=headers) as answer:
        encoding, content = raw(answer)
    assert encoding == ("gzip" if accepted in TAKING else None)
    assert (gzip.decompress(content) if encoding else content)[:1] in b"{<"


def test_several_accept_encoding_headers_are_read_as_one(bare: httpx.Client) -> None:
    headers = [("Accept-Encoding", "br"), ("Accept-Encoding", "gzip")]
    with bare.stream("GET", "/openapi.json", headers=headers) as answer:
        assert raw(answer)[0] == "gzip"


def test_a_client_that_refuses_every_coding_still_gets_an_answer_it_can_read(bare: httpx.Client) -> None:
    with bare.stream("GET", "/openapi.json", headers={"Accept-Encoding": "identity;q=0, *;q=0"}) as answer:
        encoding, content = raw(answer)
    assert (encoding, content[:1]) == (None, b"{")
