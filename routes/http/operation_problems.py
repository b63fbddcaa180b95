"""The problems that each operation can answer with, for the API's description.

What follows from a handler's parameters is derived; what its verb raises is in RAISED. The service that tests
run on refuses to answer a problem that is not described here.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from litestar.handlers import HTTPRouteHandler

from routes.http.errors import (
    BadParameter,
    CutOff,
    InvalidBody,
    MissingHeader,
    NoPrecondition,
    NotJson,
    OwnerOnly,
    TooLarge,
    UnsupportedContent,
)
from routes.http.openapi_schemas import Node
from routes.http.problems import TABLE, Kind
from service.clients.csv_table import CsvRefused
from service.clients.location_permission import LocationNotAgreed
from service.foundation.crypto.passwords import WeakPassword
from service.foundation.crypto.sealing import SealBroken
from service.foundation.fair_shares import Overloaded
from service.foundation.retry_safe import IdTaken, Impossible, KeyReused, NotFound, Stale, Unusable
from service.geo.geojson import GeoJsonRefused
from service.geo.gpx.model import GpxRefused
from service.people.attempts import TooManyAttempts
from service.people.invitations import InvitationSpent
from service.people.sign_ins import NotSignedIn, WhichPractice, WrongCredentials
from service.record.plausibility import NothingPlausible
from service.record.tracks import NoTrack
from service.record.walked_part import SessionNotHeld
from service.walks.routes import NoLine, WhichLine

Problems = tuple[type[Exception], ...]

RAISED: Final[Mapping[str, Problems]] = {
    "sign_in": (WrongCredentials, WhichPractice, TooManyAttempts, Impossible),
    "refresh_sign_in": (NotSignedIn,),
    "accept_invitation": (InvitationSpent, WeakPassword, Impossible),
    "change_password": (Unusable, WeakPassword, TooManyAttempts),
    "change_email": (Unusable, Impossible, TooManyAttempts),
    "change_practice": (Unusable,),
    "add_therapist": (Unusable, Impossible),
    "change_therapist": (Impossible,),
    "invite_therapist": (Impossible, InvitationSpent),
    "create_place": (Unusable,),
    "change_place": (Unusable,),
    "create_client": (Unusable,),
    "change_client": (Unusable, Impossible),
    "import_clients": (CsvRefused,),
    "create_route": (GeoJsonRefused, WhichLine, NoLine, Unusable),
    "list_routes": (NotFound,),
    "find_routes": (NotFound,),
    "draw_profile": (NotFound,),
    "preview_route_file": (GpxRefused, GeoJsonRefused),
    "import_route": (GpxRefused, GeoJsonRefused, WhichLine, NoLine),
    "change_route": (Unusable,),
    "replace_route_line": (GpxRefused, GeoJsonRefused, WhichLine, NoLine),
    "edit_route_line": (Unusable,),
    "replace_stretches": (Unusable, Impossible),
    "change_ground": (Unusable, Impossible),
    "replace_alternatives": (Unusable,),
    "replace_last_resort": (Unusable,),
    "create_feature": (Impossible, Unusable),
    "change_feature": (Unusable,),
    "plan_session": (Unusable,),
    "plan_week": (Unusable,),
    "change_session": (Unusable, Impossible, IdTaken),
    "start_session": (Impossible,),
    "end_session": (Impossible,),
    "report_change": (Impossible, Unusable, IdTaken),
    "switch_session": (Impossible, Unusable, IdTaken),
    "cancel_session": (Impossible,),
    "miss_session": (Impossible,),
    "write_note": (Unusable,),
    "edit_note": (Unusable, Impossible),
    "change_moment": (Impossible,),
    "put_track": (GpxRefused, NoTrack, NothingPlausible, Impossible, SessionNotHeld, LocationNotAgreed),
    "change_recording": (NothingPlausible, Impossible),
    "shift_track": (NothingPlausible, Impossible),
    "edit_track": (NothingPlausible, Impossible, Unusable),
    "read_session": (SealBroken,),
    "read_track_geojson": (SealBroken,),
}
"""What the verb of an operation raises, beyond what its parameters show."""

OF_PARAMETER: Final[Mapping[str, Problems]] = {
    "keys": (SealBroken,),
    "data": (NotJson, InvalidBody),
    "creating": (IdTaken,),
    "writing": (MissingHeader, KeyReused),
    "expected": (MissingHeader, NoPrecondition, Stale),
    "expected_if_sent": (MissingHeader, Stale),
}
"""What an argument of a handler can be refused for."""
OF_BODY: Final[Problems] = (CutOff, TooLarge, UnsupportedContent)


def problems_of(operation: Node, handler: HTTPRouteHandler) -> list[Kind]:
    """Return the problems an operation can answer with, each type once, by status and type."""
    kinds = {TABLE[each].slug: TABLE[each] for each in _raised(operation, handler)}
    return sorted(kinds.values(), key=lambda kind: (kind.status, kind.slug))


def _raised(operation: Node, handler: HTTPRouteHandler) -> Iterator[type[Exception]]:
    if handler.parsed_fn_signature.parameters:  # without any it asks nobody
        yield Overloaded
    yield from RAISED.get(str(handler.operation_id), ())
    for name in handler.parsed_fn_signature.parameters:
        yield from OF_PARAMETER.get(name, ())
    places = {each["in"] for each in operation.get("parameters", ())}
    if "query" in places:
        yield BadParameter
    if "path" in places:
        yield NotFound
    if "requestBody" in operation:
        yield from OF_BODY
    if not handler.opt.get("open"):
        yield NotSignedIn
    if handler.opt.get("owner"):
        yield OwnerOnly
