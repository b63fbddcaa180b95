"""Draw pictures of a route: its outline and its profile."""

from uuid import UUID

import msgspec

from service.foundation.database.connection import Begin
from service.foundation.retry_safe import found
from service.geo.blob import unpack_fixes
from service.geo.pace import turn_back
from service.walks.outline_picture import ColourBy, draw_outline
from service.walks.pace_queries import PaceRequest, find_pace
from service.walks.profile_picture import draw_profile
from service.walks.route_queries import find_full_route, find_line
from service.walks.routes import FullRoute
from service.walks.stretch_queries import find_stretches
from service.walks.stretches import Stretch, whole_line


class Sitter(msgspec.Struct, frozen=True):
    """A route that is to be drawn, with its line and what is known along it."""

    full: FullRoute
    packed: bytes
    stretches: list[Stretch]

    def outline(self, colour_by: ColourBy | None) -> bytes:
        """Return the outline as SVG."""
        line = unpack_fixes(self.packed)
        return draw_outline(self.full.route.name, line, self.stretches, self.full.features, colour_by)

    def profile(self, available_s: float | None) -> bytes:
        """Return the profile as SVG, with where to turn back if the time is given."""
        line, route = unpack_fixes(self.packed), self.full.route
        turn = None if available_s is None else turn_back(line, available_s, route.pace)
        return draw_profile(route.name, line, self.full.features, turn)


async def read_sitter(begin: Begin, route_id: UUID, request: PaceRequest) -> Sitter:
    """Return a route that is to be drawn, at the pace asked for. Raises NotFound."""
    practice_id = begin.tenant.practice_id
    async with begin.read() as connection:
        full = found(await find_full_route(connection, practice_id, route_id))
        pace = await find_pace(connection, practice_id, request)
        packed = found(await find_line(connection, practice_id, route_id, full.route.version))
        known = await find_stretches(connection, practice_id, route_id, full.route.version)
    full = msgspec.structs.replace(full, route=full.route.at_pace(pace))
    return Sitter(full, packed, whole_line(known.stretches, full.route.length_m))
