"""What each write does when a phone sends it again: its handler says so, or the table below does."""

from collections import defaultdict
from typing import Any, Final
from uuid import uuid4

import httpx
import msgspec
from msgspec import inspect as wire

from tests.http.hostile import Member, example, members
from tests.http.matrix import CASES, Options, operation_of, request
from tests.http.operations import OPERATIONS
from tests.http.sessions import at
from tests.http.things import Ids
from tests.http.world import Phone

WRITING: Final = sorted(name for name in CASES if operation_of(name).writes)
KEYED: Final = [name for name in WRITING if operation_of(name).ledger is not None]
"""Cases whose handler asks the write ledger, under the id of a create or an Idempotency-Key."""

PAYLOADS: Final = [
    name
    for name in KEYED
    if CASES[name].options(defaultdict(str), defaultdict(str)).keys() & {"content", "json"}
]
"""Those that send something besides what their path names."""


class Repeat(msgspec.Struct, frozen=True):
    """What a write without a key answers when it is sent again."""

    because: str
    status: int | None = None
    """None: the same answer, and no row changes."""


UNKEYED: Final[dict[str, Repeat]] = {
    "preview_route_file": Repeat("nothing is kept"),
    "sign_in": Repeat("every sign-in has tokens of its own", 200),
    "refresh_sign_in": Repeat("the old token answers the same pair until that is used"),
    "accept_invitation": Repeat("a link is good once: from then on the password signs in", 410),
    "change_password": Repeat("the stored password is the new one already", 204),
    "sign_out": Repeat("the token has ended", 401),
}
"""Every write that asks no ledger. A write in neither place fails a test."""

READABLE: Final = frozenset(each.path for each in OPERATIONS.values() if each.method == "GET")


class Intended(msgspec.Struct, frozen=True):
    """One write as a phone keeps it until it is answered, to send it again unchanged."""

    method: str
    path: str
    options: Options

    def send(self, phone: Phone) -> httpx.Response:
        return phone.send(self.method, self.path, **self.options)


def intend(name: str, phone: Phone, ids: Ids) -> Intended:
    """Return a case's request with a key, and with the ETag of what it changes where it reads If-Match."""
    operation = operation_of(name)
    method, path, options = request(name, ids, ids)
    headers = {**options["headers"], "Idempotency-Key": uuid4().hex}
    if operation.takes_version:
        headers["If-Match"] = _version(phone, operation.path, path)
    return Intended(method, path, {**options, "headers": headers})


def _version(phone: Phone, template: str, path: str) -> str:
    """Return the ETag of what lies at a path, or at the nearest path above it that can be read."""
    while template not in READABLE:
        template, path = template.rpartition("/")[0], path.rpartition("/")[0]
    return phone.get(path).headers["etag"]


def with_other_payload(name: str, intended: Intended) -> Intended:
    """Return the same write under the same id or key, with a valid payload that says something else."""
    options = dict(intended.options)
    if "content" in options:
        options["content"] += b"C. 3\n" if name == "import_clients" else b"\n"
    else:
        options["json"] = _other_body(operation_of(name).body, options["json"])
    return msgspec.structs.replace(intended, options=options)


def _other_body(body: type, sent: dict[str, Any]) -> dict[str, Any]:
    """Return a JSON body in which one instant, choice, number, text, answer or list is another."""
    for member in members(body):
        *above, name = map(str, member.place)
        inner = sent[above[0]] if len(above) == 1 and isinstance(sent.get(above[0]), dict) else None
        for value in _values(member, name):
            if not above and value != sent.get(name):
                return {**sent, name: value}
            if inner is not None and value != inner.get(name):
                return {**sent, above[0]: {**inner, name: value}}
    raise AssertionError(f"{body} has no member to change")


def _values(member: Member, name: str) -> list[Any]:
    match member.type:
        case wire.DateTimeType():
            return [at(7), at(8)]
        case wire.EnumType(cls=cls):
            return [each.value for each in cls]
        case wire.FloatType():
            return [1.0, 2.0]
        case wire.StrType():
            return [example(member.type, name)]
        case wire.ListType():
            return [[]]
    return [True, False] if isinstance(member.type, wire.BoolType) else []


def shown(answer: httpx.Response) -> tuple[int, str, str | None, str | None]:
    """Return what a repeated write answers as the first did.

    Two things may differ: a create answers 201 once, then 200; an import reports the rows it created as
    already there, as it does when the therapist sends a corrected file.
    """
    status = 200 if answer.status_code == 201 else answer.status_code
    text = answer.text.replace('"created":1,"already_there":0', '"created":0,"already_there":1')
    text = text.replace('"outcome":"created"', '"outcome":"already_there"')
    return status, text, answer.headers.get("etag"), answer.headers.get("location")
