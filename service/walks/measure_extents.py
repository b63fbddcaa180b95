"""Measure the boxes around the lines of routes that were stored before. Runs inside a migration."""

from typing import Final

import asyncpg

from service.foundation.database.reseal import NOBODY, OpenKeys
from service.geo.blob import BlobCorrupt, unpack_fixes
from service.geo.geodesy import bounding_box

NEXT_LINES: Final = """
    SELECT practice_id, route_id, version, line
      FROM route_version
     WHERE north IS NULL
       AND (practice_id, route_id, version) > ($1, $2, $3)
     ORDER BY practice_id, route_id, version
     LIMIT 100
"""
KEEP: Final = """
    UPDATE route_version
       SET west = $4, south = $5, east = $6, north = $7
     WHERE practice_id = $1
       AND route_id = $2
       AND version = $3
"""


async def measure_extents(connection: asyncpg.Connection, open_keys: OpenKeys) -> None:  # noqa: ARG001  no key is needed
    """Store the box around every line; one that is damaged gets none, and is found by its name alone."""
    last = (NOBODY, NOBODY, 0)
    while rows := await connection.fetch(NEXT_LINES, *last):
        for row in rows:
            last = (row["practice_id"], row["route_id"], row["version"])
            try:
                box = bounding_box(unpack_fixes(row["line"]))
            except BlobCorrupt:
                continue
            if box is not None:
                await connection.execute(KEEP, *last, box.west, box.south, box.east, box.north)
