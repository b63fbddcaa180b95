"""Every error a phone can get, as an RFC 9457 problem: one table from exceptions to answers."""

from collections.abc import Callable
from typing import Annotated, Any, Final

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import (
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)
from litestar.types import ExceptionHandlersMap
from msgspec import Meta

from routes.http.errors import (
    BadParameter,
    CutOff,
    InvalidBody,
    MissingHeader,
    NamedTwice,
    NoPrecondition,
    NotJson,
    OwnerOnly,
    TooLarge,
    UnknownHost,
    UnsupportedContent,
)
from routes.http.middleware import request_id_of
from routes.http.strict import bad_parameter
from schemas.base import Instant
from schemas.walks.route_files import FileLineOut
from service.clients.csv_table import CsvRefused
from service.clients.location_permission import LocationNotAgreed
from service.foundation.crypto.passwords import WeakPassword
from service.foundation.crypto.sealed_values import log_broken
from service.foundation.crypto.sealing import SealBroken
from service.foundation.database.outages import is_outage
from service.foundation.database.sql_files import MigrationRefused
from service.foundation.fair_shares import Overloaded
from service.foundation.pages import BadCursor
from service.foundation.prepare_and_write import Crowded
from service.foundation.retry_safe import IdTaken, Impossible, KeyReused, NotFound, Stale, Unusable
from service.geo.geojson import GeoJsonRefused
from service.geo.gpx.model import GpxRefused
from service.logs import places_of
from service.people.attempts import TooManyAttempts
from service.people.invitations import InvitationSpent
from service.people.sign_ins import NotSignedIn, WhichPractice, WrongCredentials
from service.record.plausibility import NothingPlausible
from service.record.recorder_clocks import ShiftReason, WrongClock
from service.record.tracks import NoTrack
from service.record.walked_part import SessionNotHeld
from service.walks.routes import NoLine, WhichLine

logger = structlog.get_logger()

MEDIA_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:towpath:problem:"


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Problem details (RFC 9457). `type` is stable: programs branch on it, people read the rest."""

    type: str
    title: str
    status: int
    detail: str | None = None
    pointer: Annotated[
        str | None, Meta(description="RFC 6901 pointer to the member of the body that is wrong.")
    ] = None
    parameter: Annotated[
        str | None, Meta(description="Name of the query parameter or header that is wrong.")
    ] = None
    possible: Annotated[list[str] | None, Meta(description="What can be done instead.")] = None
    reason: Annotated[
        str | None, Meta(description="A stable code for what is wrong with an uploaded file.")
    ] = None
    limit: Annotated[int | None, Meta(description="The limit that the request exceeds.")] = None
    line: Annotated[int | None, Meta(description="Where in an uploaded file: the line, from 1.")] = None
    column: Annotated[int | None, Meta(description="Where in an uploaded file: the column, from 1.")] = None
    lines: Annotated[
        list[FileLineOut] | None,
        Meta(description="The first hundred lines of an uploaded file: choose one by its number `line`."),
    ] = None
    practice_ids: Annotated[list[str] | None, Meta(description="The practices to choose from.")] = None
    first_at: Annotated[Instant | None, Meta(description="The first instant of an uploaded recording.")] = (
        None
    )
    last_at: Annotated[Instant | None, Meta(description="The last instant of an uploaded recording.")] = None
    shift_s: Annotated[
        int | None,
        Meta(description="The `shift_s` that would fit an uploaded recording to its session."),
    ] = None
    shift_reason: Annotated[
        ShiftReason | None, Meta(description="What that shift would correct in the recorder's clock.")
    ] = None
    etag: Annotated[str | None, Meta(description="The current version, where yours is stale.")] = None
    request_id: str | None = None


class Kind(msgspec.Struct, frozen=True):
    """One row of the table: how an exception is answered."""

    slug: str
    status: int
    title: str
    members: Callable[[Any], dict[str, Any]] = lambda error: {"detail": str(error)}
    headers: Callable[[Any], dict[str, str]] = lambda _: {}


def _nothing(_: object) -> dict[str, Any]:
    return {}


def _of_gpx(error: GpxRefused) -> dict[str, Any]:
    return {
        "reason": error.reason,
        "detail": error.detail,
        "line": error.line,
        "column": error.column,
        "limit": error.limit,
    }


def _of_clock(error: WrongClock) -> dict[str, Any]:
    offered = error.offered
    return {
        "detail": str(error),
        "possible": list(error.possible),
        "shift_s": offered and offered.shift_ms // 1_000,
        "shift_reason": offered and offered.reason,
    }


def _of_lines(error: WhichLine | NoLine) -> dict[str, Any]:
    lines = [FileLineOut.from_choice(each) for each in error.lines[:MOST_LINES]]
    return {"detail": str(error), "lines": lines or None}


MOST_LINES: Final = 100
UNAVAILABLE: Final = "Not available at the moment; try again"
RETRY: Final = {"Retry-After": "2"}

TABLE: Final[dict[type[Exception], Kind]] = {
    InvalidBody: Kind(
        "invalid-body", 400, "The body is not what this endpoint expects",
        lambda error: {"detail": str(error), "pointer": error.pointer},
    ),
    NotJson: Kind("malformed-json", 400, "The body is not JSON"),
    NamedTwice: Kind(
        "malformed-json", 400, "The body is not JSON",
        lambda error: {"detail": str(error), "pointer": error.pointer},
    ),
    CutOff: Kind("bad-request", 400, "The request cannot be read"),
    UnknownHost: Kind("unknown-host", 421, "The request is addressed to another host"),
    BadParameter: Kind(
        "invalid-parameter", 400, "A parameter is wrong",
        lambda error: {"detail": str(error), "parameter": error.name},
    ),
    BadCursor: Kind(
        "invalid-parameter", 400, "A parameter is wrong",
        lambda error: {"detail": str(error), "parameter": "cursor"},
    ),
    MissingHeader: Kind(
        "header-missing", 400, "A header is missing or wrong",
        lambda error: {"detail": str(error), "parameter": error.name},
    ),
    TooLarge: Kind(
        "too-large", 413, "The body is too large",
        lambda error: {"detail": str(error), "limit": error.limit},
    ),
    UnsupportedContent: Kind("unsupported-content", 415, "This endpoint does not read that content type"),
    GpxRefused: Kind("gpx-refused", 422, "The file cannot be used", _of_gpx),
    CsvRefused: Kind(
        "csv-refused", 422, "The CSV file cannot be used",
        lambda error: {
            "reason": error.reason, "detail": error.detail, "line": error.line, "limit": error.limit
        },
    ),
    GeoJsonRefused: Kind(
        "geojson-refused", 422, "The GeoJSON cannot be used",
        lambda error: {"detail": error.detail, "pointer": error.pointer, "limit": error.limit},
    ),
    NoLine: Kind("no-line", 422, "There is no line in this file that a route can follow", _of_lines),
    Unusable: Kind(
        "unusable", 422, "A member of the body makes no sense",
        lambda error: {"detail": str(error), "pointer": error.pointer},
    ),
    NoTrack: Kind("no-track", 422, "The file holds no track"),
    NothingPlausible: Kind("no-walk", 422, "The file is not the recording of a walk"),
    WeakPassword: Kind("weak-password", 422, "The password is too weak"),
    NotSignedIn: Kind(
        "not-signed-in", 401, "Sign in first", headers=lambda _: {"WWW-Authenticate": "Bearer"}
    ),
    WrongCredentials: Kind("wrong-credentials", 401, "Email and password do not match", _nothing),
    OwnerOnly: Kind("owner-only", 403, "Only an owner of the practice may do this"),
    NotFound: Kind("not-found", 404, "There is nothing here", _nothing),
    NotFoundException: Kind("not-found", 404, "There is nothing here", _nothing),
    MethodNotAllowedException: Kind(
        "method-not-allowed", 405, "This address does not take that method", _nothing,
        lambda error: dict(error.headers or {}),
    ),
    SealBroken: Kind(
        "unreadable", 409, "What is stored is damaged and cannot be read",
        lambda _: {"detail": "restore it from a backup, or delete it"},
    ),
    IdTaken: Kind("id-taken", 409, "This id names something else already"),
    Impossible: Kind(
        "impossible", 409, "The request contradicts the record",
        lambda error: {"detail": str(error), "possible": list(error.possible) or None},
    ),
    WrongClock: Kind(
        "impossible", 409, "The request contradicts the record", _of_clock,
    ),
    SessionNotHeld: Kind(
        "session-not-held", 409, "The start of this session is not known yet",
        lambda error: {"detail": str(error), "first_at": error.first, "last_at": error.last},
    ),
    LocationNotAgreed: Kind("location-not-agreed", 409, "The client has not agreed to be located"),
    WhichPractice: Kind(
        "which-practice", 409, "Say which practice",
        lambda error: {"detail": str(error), "practice_ids": [str(each) for each in error.practice_ids]},
    ),
    WhichLine: Kind("which-line", 409, "Say which line of the file", _of_lines),
    InvitationSpent: Kind("invitation-spent", 410, "This invitation is no longer valid"),
    Stale: Kind(
        "stale", 412, "It has changed since you read it",
        lambda error: {"detail": str(error), "parameter": "If-Match", "etag": f'"{error.revision}"'},
    ),
    NoPrecondition: Kind(
        "precondition-required", 428, "Send If-Match with the ETag you read",
        lambda error: {"detail": str(error), "parameter": error.name},
    ),
    KeyReused: Kind(
        "idempotency-key-reused", 422, "This Idempotency-Key was used for another payload",
        lambda _: {"detail": "send every write with a key of its own", "parameter": "Idempotency-Key"},
    ),
    TooManyAttempts: Kind(
        "too-many-attempts", 429, "Too many attempts",
        headers=lambda error: {"Retry-After": str(error.wait_s)},
    ),
    MigrationRefused: Kind("unavailable", 503, UNAVAILABLE, _nothing, headers=lambda _: RETRY),
    Overloaded: Kind("unavailable", 503, UNAVAILABLE, headers=lambda _: RETRY),
    Crowded: Kind("unavailable", 503, UNAVAILABLE, headers=lambda _: RETRY),
}  # fmt: skip

OF_STATUS: Final = {
    400: ("bad-request", "The request cannot be read"),
    413: ("too-large", "The body is too large"),
    431: ("head-too-large", "The address or the headers are too long"),
}


def answer_problem(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """Return the problem document for an exception."""
    if isinstance(error, ValidationException):
        error = bad_parameter(request, error)
    if isinstance(error, SealBroken):
        log_broken(error)
    for kind in type(error).__mro__:
        if kind in TABLE:
            row = TABLE[kind]
            return _respond(request, row.slug, row.status, row.title, row.members(error), row.headers(error))
    if isinstance(error, HTTPException) and error.status_code < 500:
        slug, title = OF_STATUS.get(error.status_code, ("refused", "The request was refused"))
        return _respond(request, slug, error.status_code, title, {"detail": error.detail}, {})
    if is_outage(error):
        logger.warning("database away", error=type(error.__cause__ or error).__name__)
        return _respond(request, "unavailable", 503, UNAVAILABLE, {}, RETRY)
    logger.error("unexpected error", error=type(error).__name__, at=places_of(error))
    return _respond(request, "internal", 500, "Something went wrong here", {}, {})


def _respond(
    request: Request[Any, Any, Any],
    slug: str,
    status: int,
    title: str,
    members: dict[str, Any],
    headers: dict[str, str],
) -> Response[Problem]:
    request_id = request_id_of(request.scope)
    problem = Problem(type=TYPE_PREFIX + slug, title=title, status=status, request_id=request_id, **members)
    headers = {"X-Request-Id": request_id, **headers}
    return Response(problem, status_code=status, media_type=MEDIA_TYPE, headers=headers)


EXCEPTION_HANDLERS: Final[ExceptionHandlersMap] = {Exception: answer_problem}
