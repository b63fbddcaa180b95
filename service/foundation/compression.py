"""Compression, usable from any thread: zstd for stored data, gzip for answers."""

import gzip
import threading
from typing import Final

import zstandard

ZSTD_LEVEL: Final = 3
GZIP_LEVEL: Final = 6
"""Higher levels take longer and make the result hardly smaller."""


class CompressedDataCorrupt(ValueError):
    """The data is not exactly one zstd frame, or its content is larger than allowed."""


class _PerThread(threading.local):
    """One compressor and decompressor for each thread: two threads sharing one would crash the process."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=ZSTD_LEVEL, write_checksum=True)
        self.decompressor = zstandard.ZstdDecompressor()


_per_thread = _PerThread()


def compress(content: bytes) -> bytes:
    """Return `content` as one zstd frame that carries its size and a checksum."""
    return _per_thread.compressor.compress(content)


def decompress(frame: bytes, limit: int) -> bytes:
    """Return the content of one frame made by `compress`, of at most `limit` bytes.

    Raises CompressedDataCorrupt for anything else. The size is read from the frame's header, so an oversized
    frame is refused before memory is allocated.
    """
    try:
        size = zstandard.frame_content_size(frame)
        if not 0 <= size <= limit:
            raise CompressedDataCorrupt(
                f"the header of the frame does not give a size of at most {limit} bytes"
            )
        return _per_thread.decompressor.decompress(frame, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise CompressedDataCorrupt("the data is not exactly one zstd frame") from error


def gzip_bytes(content: bytes, level: int = GZIP_LEVEL) -> bytes:
    """Return `content` compressed with gzip. Without a time stamp, equal content gives equal bytes."""
    return gzip.compress(content, compresslevel=level, mtime=0)
