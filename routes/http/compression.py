"""Compression of the answers that Litestar encodes: JSON, pages, problems."""

from litestar.datastructures import Headers
from litestar.enums import CompressionEncoding
from litestar.middleware.compression import CompressionMiddleware
from litestar.types import Receive, Scope, Send

from routes.http.answers import takes_gzip


class NegotiatedCompression(CompressionMiddleware):
    """Compress only for a client that takes gzip; Litestar looks for the word alone, also in `gzip;q=0`."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Wrap one request."""
        if takes_gzip(Headers.from_scope(scope)):
            gzip = CompressionEncoding.GZIP
            send = self.create_compression_send_wrapper(send=send, compression_encoding=gzip, scope=scope)
        await self.app(scope, receive, send)
