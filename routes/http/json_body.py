"""JSON bodies: decoded straight into a wire type, with what msgspec lets pass refused.

Half a surrogate pair is no character, so PostgreSQL cannot store it. A phone makes one when it cuts text in
the middle of an emoji. It is replaced, not refused: otherwise the phone could never send that note.
"""

import json
import re
from typing import Any, Final, TypeVar

import msgspec

from routes.http.errors import InvalidBody, NamedTwice, NotJson

Body = TypeVar("Body")

MOST_QUOTED: Final = 200
"""Characters of a phone's own mistake that an answer repeats."""
ESCAPED_NUL: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""An escaped NUL, and not an escaped backslash before `u0000`."""
ESCAPED_QUOTE: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u0022")
"""An escaped quotation mark, and not an escaped backslash before `u0022`."""
SURROGATES: Final = re.compile(
    rb"(?<!\\)(?P<backslashes>(?:\\\\)*+)"
    rb"(?:\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<half>\\u[dD][89a-fA-F][0-9a-fA-F]{2}))"
)
"""An escaped surrogate pair, or else half of one; escaped backslashes before it are matched with it."""
REPLACEMENT: Final = rb"\ufffd"
MEMBER: Final = re.compile(
    r"^(?:Object contains unknown field |Object missing required field )?`(.+)`", re.DOTALL
)
"""The member a message of msgspec names where its path ends at the object around it."""


def read_json(body: bytes, decoder: msgspec.json.Decoder[Body]) -> tuple[Body, int]:
    """Return the decoded body, and how many halves of surrogate pairs U+FFFD stands for.

    They are replaced everywhere, in names too. Raises NotJson, NamedTwice, InvalidBody.
    """
    # A search with the expression alone takes 40 ms a megabyte.
    if rb"\u0000" in body and ESCAPED_NUL.search(body):
        raise NotJson("text must not contain NUL (U+0000)")
    text, replaced = replace_half_pairs(body)
    try:
        text.decode()  # msgspec checks UTF-8 only in strings that it decodes
        decoded = decoder.decode(text)
        refuse_names_twice(text)
    except msgspec.ValidationError as error:
        raise invalid_body(error) from error
    except UnicodeDecodeError as error:
        raise NotJson("not UTF-8") from error
    except RecursionError as error:
        raise NotJson("nested too deeply") from error
    except msgspec.DecodeError as error:
        raise NotJson(str(error)[:MOST_QUOTED]) from error
    return decoded, replaced


def replace_half_pairs(body: bytes) -> tuple[bytes, int]:
    """Return the body with U+FFFD for each escaped half of a surrogate pair, and how many there were."""
    if rb"\ud" not in body and rb"\uD" not in body:
        return body, 0
    replaced = 0

    def replace(match: re.Match[bytes]) -> bytes:
        nonlocal replaced
        if match["half"] is None:
            return match[0]
        replaced += 1
        return match["backslashes"] + REPLACEMENT

    return SURROGATES.sub(replace, body), replaced


def refuse_names_twice(body: bytes) -> None:
    """Raise NamedTwice for JSON that msgspec reads, and in which an object has two members of one name.

    Readers differ in which of the two they take (RFC 8259, 4). msgspec takes the last without a word, but
    then it writes fewer quotation marks than it has read.
    """
    if _quotes_kept(body) == body.count(b'"') + _escaped_quotes(body):
        return
    try:
        json.loads(body, object_pairs_hook=_refuse_twice, parse_int=str, parse_float=str)
    except _Twice:
        as_pairs = json.loads(body, object_pairs_hook=_Members, parse_int=str, parse_float=str)
        pointer = _named_twice(as_pairs, "") or ""
        raise NamedTwice(pointer if len(pointer) <= MOST_QUOTED else "") from None


def _escaped_quotes(body: bytes) -> int:
    return len(ESCAPED_QUOTE.findall(body)) if rb"\u0022" in body else 0


def _quotes_kept(body: bytes) -> int | None:
    """Return how many quotation marks msgspec writes of the body; None where a number is too large for it.

    Only the handler's own type limits numbers.
    """
    try:
        return msgspec.json.encode(msgspec.json.decode(body)).count(b'"')
    except msgspec.ValidationError:
        return None


class _Twice(Exception):
    """Somewhere an object has two members of one name."""


def _refuse_twice(members: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in members}) < len(members):
        raise _Twice


class _Members(list[tuple[str, Any]]):
    """An object as it is written: every member, in order."""


def _named_twice(value: object, pointer: str) -> str | None:
    """Return the pointer to the first member that repeats a name; None if there is none."""
    members = value if isinstance(value, _Members) else ()
    names = set[str]()
    for name, _ in members:
        if name in names:
            return f"{pointer}/{_escaped(name)}"
        names.add(name)
    within = members or (enumerate(value) if isinstance(value, list) else ())
    found = (
        _named_twice(each, f"{pointer}/{_escaped(str(name))}")
        for name, each in within
        if isinstance(each, list)  # as _Members is, too
    )
    return next((each for each in found if each is not None), None)


def invalid_body(error: msgspec.ValidationError) -> InvalidBody:
    """Return the refusal for what msgspec says, such as `Object contains unknown field `b` - at `$.a``.

    Its pointer is then `/a/b`.
    """
    message, _, where = str(error).rpartition(" - at `")
    if not message:
        message, where = where, ""
    pointer = _pointer(where.rstrip("`"))
    member = MEMBER.search(message)
    if member is not None and len(member[1]) <= MOST_QUOTED:
        pointer += "/" + _escaped(member[1])
    return InvalidBody(message[:MOST_QUOTED], pointer)


def _pointer(path: str) -> str:
    """Return msgspec's `$.notes[1].text` as the RFC 6901 pointer `/notes/1/text`.

    For a key of a mapping msgspec says `[...]`, not which: then the pointer ends at the mapping.
    """
    names = re.findall(r"\.([^.\[\]]+)|\[(\d+)\]", path.partition("[...]")[0])
    return "".join("/" + _escaped(name or index) for name, index in names)


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
