"""Health on the wire."""

from schemas.base import Output


class Health(Output):
    """How the service is."""

    status: str
