"""Files as they come from phones: a GPX or FIT file, one inside gzip, or one alone inside a zip."""

import io
import zipfile
import zlib
from collections.abc import Callable, Sequence
from typing import Final

from service.geo.gpx.model import DEFAULT_LIMITS, EXPORT_DRAWING, EXPORT_RECORDING, GpxRefused

_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = b"PK\x03\x04"
_EMPTY_ZIP: Final = b"PK\x05\x06"
_MEMBER: Final = b"PK\x01\x02"
"""Begins each entry of a zip's directory. They are counted before they are read, which takes memory."""
_READ: Final = (".gpx", ".fit")
_OTHERS: Final = {".kml": f"KML, {EXPORT_DRAWING}", ".tcx": f"TCX, {EXPORT_RECORDING}"}
_BESIDE: Final = "__MACOSX/"
"""Where a Mac puts an entry of the same name beside every file of a zip."""
_ENCRYPTED: Final = 1
_MOST_MEMBERS: Final = 1_000
_PIECE_BYTES: Final = 2**18


def is_archive(content: bytes) -> bool:
    """Return whether a file has to be unpacked."""
    return content.startswith((_GZIP, _ZIP, _EMPTY_ZIP))


def unpack(
    content: bytes, reserve: Callable[[int], None], most_bytes: int = DEFAULT_LIMITS.file_bytes
) -> bytes:
    """Return the GPX or FIT file that `content` is or holds, at most `most_bytes` of it.

    `reserve` is called with the bytes of each piece before it is unpacked, and may raise. Raises GpxRefused
    for an archive that is damaged, too large once unpacked, or holds no or several such files.
    """
    if content.startswith(_GZIP):
        return _gunzipped(content, reserve, most_bytes)
    if content.startswith((_ZIP, _EMPTY_ZIP)):
        return _unzipped(content, reserve, most_bytes)
    return content


def _gunzipped(content: bytes, reserve: Callable[[int], None], most_bytes: int) -> bytes:
    opened = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    left = content

    def piece(size: int) -> bytes:
        nonlocal left
        unpacked = opened.decompress(left, size)
        left = opened.unconsumed_tail
        return unpacked

    try:
        unpacked = _in_pieces(piece, reserve, most_bytes)
    except zlib.error as error:
        raise GpxRefused("damaged-archive", "The file is gzip, and damaged.") from error
    if not opened.eof:
        raise GpxRefused("truncated", "The file is gzip, and cut off.")
    if opened.unused_data.startswith(_GZIP):
        raise GpxRefused("not-one-file", "The file is several gzip files in one: send each by itself.")
    return _refused_if_packed(unpacked)


def _unzipped(content: bytes, reserve: Callable[[int], None], most_bytes: int) -> bytes:
    if content.count(_MEMBER) > _MOST_MEMBERS:
        raise GpxRefused("too-large", f"The zip holds more than {_MOST_MEMBERS} files.")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            found = _only_file(archive.infolist())
            _refuse_too_large(found.file_size, most_bytes)
            with archive.open(found) as member:
                unpacked = _in_pieces(member.read, reserve, most_bytes)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise GpxRefused("damaged-archive", "The file is a zip that cannot be opened.") from error
    return _refused_if_packed(unpacked)


def _only_file(members: Sequence[zipfile.ZipInfo]) -> zipfile.ZipInfo:
    """Return the one GPX or FIT file of a zip. Raises GpxRefused."""
    named = [(each.filename.lower(), each) for each in members if not each.filename.startswith(_BESIDE)]
    found = [each for name, each in named if name.endswith(_READ)]
    for ending, said in _OTHERS.items():
        if not found and any(name.endswith(ending) for name, _ in named):
            raise GpxRefused("not-gpx", f"The zip holds {said}")
    if len(found) != 1:
        raise GpxRefused(
            "not-one-file", f"The zip holds {len(found)} GPX or FIT files: send one that holds one."
        )
    if found[0].flag_bits & _ENCRYPTED:
        raise GpxRefused("damaged-archive", "The zip is encrypted: send one without a password.")
    return found[0]


def _in_pieces(piece: Callable[[int], bytes], reserve: Callable[[int], None], most_bytes: int) -> bytes:
    """Return what the pieces hold together, each reserved before it is unpacked. Raises GpxRefused."""
    unpacked = io.BytesIO()
    while True:
        reserve(_PIECE_BYTES)
        each = piece(_PIECE_BYTES)
        if not each:
            return unpacked.getvalue()
        unpacked.write(each)
        _refuse_too_large(unpacked.tell(), most_bytes)


def _refuse_too_large(size: int, most_bytes: int) -> None:
    if size > most_bytes:
        raise GpxRefused(
            "too-large", f"The file is larger than {most_bytes} bytes once unpacked.", limit=most_bytes
        )


def _refused_if_packed(unpacked: bytes) -> bytes:
    if unpacked.startswith((_GZIP, _ZIP, _EMPTY_ZIP)):
        raise GpxRefused("not-gpx", "The file is an archive inside an archive: send the GPX file itself.")
    return unpacked
