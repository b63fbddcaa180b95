"""Files as they come from phones: a GPX file, one inside gzip, or one alone inside a zip."""

import io
import zipfile
import zlib
from typing import Final

from service.geo.gpx.model import DEFAULT_LIMITS, GpxRefused

_GZIP: Final = b"\x1f\x8b"
_ZIP: Final = b"PK\x03\x04"
_EMPTY_ZIP: Final = b"PK\x05\x06"
_FIT: Final = b".FIT"
_MOST_MEMBERS: Final = 1_000


def unpack(content: bytes, most_bytes: int = DEFAULT_LIMITS.file_bytes) -> bytes:
    """Return the GPX file that `content` is or holds, at most `most_bytes` of it.

    Raises GpxRefused for an archive that is damaged, too large once unpacked, or holds no or several GPX
    files, and for a FIT file by its name.
    """
    if content.startswith(_GZIP):
        return _gunzipped(content, most_bytes)
    if content.startswith((_ZIP, _EMPTY_ZIP)):
        return _unzipped(content, most_bytes)
    if content[8:12] == _FIT:
        raise GpxRefused(
            "not-gpx",
            "The file is FIT, which is not read here: export the recording as GPX "
            "(Garmin Connect: the activity's gear wheel, Export to GPX).",
        )
    return content


def _gunzipped(content: bytes, most_bytes: int) -> bytes:
    opened = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        unpacked = opened.decompress(content, most_bytes + 1)
    except zlib.error as error:
        raise GpxRefused("damaged-archive", "The file is gzip, and damaged.") from error
    _refuse_too_large(len(unpacked), most_bytes)
    if not opened.eof:
        raise GpxRefused("truncated", "The file is gzip, and cut off.")
    return _refused_if_packed(unpacked)


def _unzipped(content: bytes, most_bytes: int) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            if len(members) > _MOST_MEMBERS:
                raise GpxRefused("too-large", f"The zip holds more than {_MOST_MEMBERS} files.")
            found = [each for each in members if each.filename.lower().endswith(".gpx")]
            if len(found) != 1:
                raise GpxRefused(
                    "not-one-file", f"The zip holds {len(found)} GPX files: send one that holds one."
                )
            _refuse_too_large(found[0].file_size, most_bytes)
            with archive.open(found[0]) as member:
                unpacked = member.read(most_bytes + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError) as error:
        raise GpxRefused("damaged-archive", "The file is a zip that cannot be opened.") from error
    _refuse_too_large(len(unpacked), most_bytes)
    return _refused_if_packed(unpacked)


def _refuse_too_large(size: int, most_bytes: int) -> None:
    if size > most_bytes:
        raise GpxRefused(
            "too-large", f"The file is larger than {most_bytes} bytes once unpacked.", limit=most_bytes
        )


def _refused_if_packed(unpacked: bytes) -> bytes:
    if unpacked.startswith((_GZIP, _ZIP, _EMPTY_ZIP)):
        raise GpxRefused("not-gpx", "The file is an archive inside an archive: send the GPX file itself.")
    return unpacked
