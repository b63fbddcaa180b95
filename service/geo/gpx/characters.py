"""Convert a file from the encoding it declares to one that expat reads."""

import codecs
import re
from typing import Final

from service.geo.gpx.model import GpxRefused

_DECLARATION: Final = re.compile(
    rb"\s*<\?xml\s[^>]{0,200}?\bencoding\s*=\s*[\"']([A-Za-z][\w.:-]{0,40})[\"']", re.ASCII
)

_READ_BY_EXPAT: Final = {"utf-8": "utf-8", "ascii": "us-ascii", "iso8859-1": "iso-8859-1"}

_CONVERTED: Final = frozenset(
    {"big5", "cp932", "cp949", "cp950", "euc_jp", "euc_kr", "gb18030", "gb2312", "gbk", "iso2022_jp"}
    | {"koi8-r", "koi8-u", "mac-cyrillic", "mac-roman", "shift_jis", "tis-620"}
    | {f"iso8859-{part}" for part in range(2, 17)}
    | {f"cp{page}" for page in (437, 850, 852, 866, 874, *range(1250, 1259))}
)
"""Python's registry also holds compressors and escapes; a file may not name those."""

_WINDOWS_ALONE: Final = re.compile(rb"[\x80-\x9f]")
"""Quotation marks, dashes and the euro in cp1252, which Windows programs call Latin-1. Latin-1 lacks them."""


def to_readable(content: bytes) -> tuple[bytes, str]:
    """Return the content, converted if need be, and its encoding: UTF-8, ASCII or Latin-1.

    Raises GpxRefused if the encoding is unknown, the content is not in that encoding, or it is cut off.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _convert(content, "utf-16"), "utf-8"
    if content.startswith((b"<\x00", b"\x00<")):
        return _convert(content, "utf-16-le" if content[0] else "utf-16-be"), "utf-8"
    declared = _DECLARATION.match(content)
    if declared is None:
        return content, "utf-8"
    name = _codec(declared[1].decode("ascii"))
    if name == "iso8859-1" and _WINDOWS_ALONE.search(content):
        return content.decode("cp1252", "replace").encode(), "utf-8"
    if name in _READ_BY_EXPAT:
        return content, _READ_BY_EXPAT[name]
    return _convert(content, name), "utf-8"


def _codec(declared: str) -> str:
    try:
        name = codecs.lookup(declared).name
    except LookupError:
        name = ""
    if name.startswith("utf-16"):
        return "utf-8"  # the declaration was readable byte by byte, so the file is not UTF-16
    if name not in _CONVERTED and name not in _READ_BY_EXPAT:
        detail = f"The file says it is written in {declared}, which this service does not know."
        raise GpxRefused("unknown-encoding", detail, line=1)
    return name


def _convert(content: bytes, encoding: str) -> bytes:
    try:
        return content.decode(encoding).encode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        if _is_cut_off(content, encoding):
            detail = "The file is cut off in the middle of a character."
            raise GpxRefused("truncated", detail, line=line) from error
        raise GpxRefused("wrong-encoding", f"The file is not written in {encoding}.", line=line) from error


def _is_cut_off(content: bytes, encoding: str) -> bool:
    """Return whether content fails to decode only because its end is missing."""
    try:
        codecs.getincrementaldecoder(encoding)().decode(content)
    except UnicodeDecodeError:
        return False
    return True
