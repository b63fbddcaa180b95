"""Compression that may be called from any thread: zstd for what is stored, gzip for what is sent."""

import gzip
import threading
from typing import Final

import zstandard

ZSTD_LEVEL: Final = 3
GZIP_LEVEL: Final = 6
"""Above 6 gzip grows slower and hardly smaller."""


class CompressedDataCorrupt(ValueError):
    """Not one whole zstd frame, or one larger than its reader allows."""


class _PerThread(threading.local):
    """One compressor and one decompressor a thread: shared by two threads they end the process."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=ZSTD_LEVEL, write_checksum=True)
        self.decompressor = zstandard.ZstdDecompressor()


_per_thread = _PerThread()


def compress(content: bytes) -> bytes:
    """Return `content` as one zstd frame that carries its size and a checksum."""
    return _per_thread.compressor.compress(content)


def decompress(frame: bytes, limit: int) -> bytes:
    """Return the content of one frame made by `compress`, of at most `limit` bytes.

    Raise CompressedDataCorrupt for anything else. The size is read from the frame's head, so a bomb is
    refused before any memory is taken.
    """
    try:
        size = zstandard.frame_content_size(frame)
        if not 0 <= size <= limit:
            raise CompressedDataCorrupt(f"the frame does not say that it holds at most {limit} bytes")
        return _per_thread.decompressor.decompress(frame, allow_extra_data=False)
    except zstandard.ZstdError as error:
        raise CompressedDataCorrupt("not a whole zstd frame") from error


def gzip_bytes(content: bytes, level: int = GZIP_LEVEL) -> bytes:
    """Return `content` as a gzip member without a time stamp: the same content gives the same bytes."""
    return gzip.compress(content, compresslevel=level, mtime=0)
