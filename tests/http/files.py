"""Uploads of route files."""

from typing import Any, Final
from uuid import uuid4

import httpx

from tests.http.world import Phone

GPX_TYPE: Final = "application/gpx+xml"
GEOJSON_TYPE: Final = "application/geo+json"


def send_file(phone: Phone, content: bytes, media_type: str = GPX_TYPE, **parameters: Any) -> httpx.Response:
    """Import a file as a new route, unless `parameters` name another id."""
    headers, parameters = {"Content-Type": media_type}, {"id": str(uuid4()), **parameters}
    return phone.send("POST", "/v1/routes/import", params=parameters, content=content, headers=headers)
