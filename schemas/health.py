"""Health on the wire."""

from schemas.base import Output


class Health(Output):
    """Whether the service is alive or ready."""

    status: str
