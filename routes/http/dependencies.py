"""What Litestar injects into handlers: the time, the verified sign-in, transactions bound to it."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.di import NamedDependency, Provide
from litestar.handlers import BaseRouteHandler
from litestar.params import HeaderParameter, QueryParameter

from routes.http.errors import BadParameter, MissingHeader, NoPrecondition, OwnerOnly
from schemas.base import Instant
from service.foundation.crypto.fingerprints import canonical
from service.foundation.crypto.passwords import PasswordHasher
from service.foundation.crypto.sealing import Keyring, PracticeKey
from service.foundation.crypto.tokens import Token, parse_token
from service.foundation.database.connection import Begin, Pool
from service.foundation.instants import EARLIEST, LATEST, is_real
from service.foundation.pages import LONGEST_CURSOR, PAGE_DEFAULT, PAGE_LIMIT, Cursor
from service.foundation.retry_safe import BY_ANY_DEVICE, Expected, Once
from service.people.own_password import PasswordGuard
from service.people.sign_in_queries import TokenReader, find_sign_in
from service.people.sign_ins import SIGN_IN_OVER, NotSignedIn, SignIn
from service.people.therapists import Role

ENTITY_TAG: Final = re.compile(r'\s*(?:W/)?"([^"]*)"\s*')
LONGEST_REVISION: Final = 15
IDEMPOTENCY_KEY: Final = re.compile(r"[\x21-\x7e]{1,200}")

OPEN: Final = {"open": True}
"""`opt` of a handler that anybody may call, signed in or not."""
OWNER: Final = {"owner": True}
"""`opt` of a handler that only owners of the practice may call."""
STRANGERS_BYTES: Final = 65_536
"""Limit of a body from somebody not signed in: several times what it needs, and there may be many."""


class Services(msgspec.Struct, frozen=True):
    """What the composition root (service/app.py) gives to every request."""

    pool: Pool
    keyring: Keyring
    hasher: PasswordHasher
    clock: Callable[[], datetime]
    client_network: Callable[[ASGIConnection[Any, Any, Any, Any]], str]
    address: str
    """The address phones use."""
    has_room: Callable[[], bool]
    """Return whether the disk of the database can take a write."""


async def signed_in(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Verify the access token, except for a handler with `opt={"open": True}`. Raises NotSignedIn.

    A handler with `opt={"verifies_token": True}` gets the token unverified, and verifies it in the same round
    trip in which it reads.
    """
    if handler.opt.get("open"):
        return
    scheme, _, text = connection.headers.get("authorization", "").partition(" ")
    token = parse_token(text.strip(), "access") if scheme.lower() == "bearer" else None
    if token is None:
        raise NotSignedIn("send the access token of a sign-in as Authorization: Bearer")
    connection.state.token = token
    if handler.opt.get("verifies_token"):
        return
    await _verify(connection, handler, token)
    connection.state.verify_again = partial(_verify, connection, handler, token)


async def _verify(
    connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler, token: Token
) -> None:
    """Find the sign-in of a token. Raises NotSignedIn, OwnerOnly."""
    services: Services = connection.app.state.services
    verified = await find_sign_in(services.pool, token.practice_id, token.digest, services.clock())
    if verified is None:
        raise NotSignedIn(SIGN_IN_OVER)
    if handler.opt.get("owner") and verified.role is not Role.OWNER:
        raise OwnerOnly("ask an owner of the practice")
    connection.state.sign_in = verified.sign_in
    connection.state.wrapped_key = verified.wrapped_key


async def provide_services(state: State) -> Services:
    """Return what the composition root gives."""
    services: Services = state.services
    return services


async def provide_now(services: NamedDependency[Services]) -> datetime:
    """Return the server's time, the same throughout a request."""
    return services.clock()


async def provide_sign_in(request: Request[Any, Any, Any]) -> SignIn:
    """Return the sign-in that the guard verified."""
    sign_in: SignIn = request.state.sign_in
    return sign_in


async def provide_by_token(
    request: Request[Any, Any, Any], services: NamedDependency[Services]
) -> TokenReader:
    """Return the unverified token, for a handler with `verifies_token`."""
    token: Token = request.state.token
    return TokenReader(services.pool, token.practice_id, token.digest, services.clock())


async def provide_begin(services: NamedDependency[Services], sign_in: NamedDependency[SignIn]) -> Begin:
    """Return what opens transactions for this sign-in's practice and therapist."""
    return Begin(services.pool, sign_in.tenant, services.has_room)


async def provide_guard(
    request: Request[Any, Any, Any],
    services: NamedDependency[Services],
    sign_in: NamedDependency[SignIn],
) -> PasswordGuard:
    """Return what checks the password that confirms a change of one's own account."""
    network = services.client_network(request)
    return PasswordGuard(services.pool, services.keyring, services.hasher, sign_in, network)


async def provide_keys(
    request: Request[Any, Any, Any],
    services: NamedDependency[Services],
    sign_in: NamedDependency[SignIn],
) -> PracticeKey:
    """Return the practice's key."""
    return services.keyring.practice(sign_in.practice_id, request.state.wrapped_key)


class Creating:
    """Makes a create retry-safe: the id the phone made is its key."""

    __slots__ = ("_keys", "_route")

    def __init__(self, keys: PracticeKey, route: str) -> None:
        self._keys = keys
        self._route = route

    def once(self, new_id: UUID, payload: msgspec.Struct | bytes) -> Once:
        """Return the ledger entry of this create."""
        content = f"{self._route}\n".encode() + canonical(payload)
        return Once(BY_ANY_DEVICE, str(new_id), self._keys.fingerprint(content))


class Writing:
    """Makes any other write retry-safe: the phone sends an Idempotency-Key."""

    __slots__ = ("_device_id", "_key", "_keys", "_route")

    def __init__(self, keys: PracticeKey, device_id: UUID, key: str, route: str) -> None:
        self._keys = keys
        self._device_id = device_id
        self._key = key
        self._route = route

    def once(self, payload: msgspec.Struct | bytes = b"") -> Once:
        """Return the ledger entry of this write."""
        content = f"{self._route}\n".encode() + canonical(payload)
        return Once(self._device_id, self._key, self._keys.fingerprint(content))


async def provide_creating(request: Request[Any, Any, Any], keys: NamedDependency[PracticeKey]) -> Creating:
    """Return what makes this create retry-safe."""
    return Creating(keys, _target(request))


def _target(request: Request[Any, Any, Any]) -> str:
    """Return method and path in one spelling: ids in a path are UUIDs, which phones write in two cases."""
    names = " ".join(str(each) for each in request.path_params.values())
    return f"{request.method} {request.scope['path_template']} {names}"


async def provide_writing(
    request: Request[Any, Any, Any],
    sign_in: NamedDependency[SignIn],
    keys: NamedDependency[PracticeKey],
    idempotency_key: Annotated[
        str | None,
        HeaderParameter(
            name="Idempotency-Key",
            description="Chosen by the phone, one for each intended write; 1 to 200 visible characters.",
            schema_extra={"pattern": f"^{IDEMPOTENCY_KEY.pattern}$"},
        ),
    ] = None,
) -> Writing:
    """Return what makes this write retry-safe. Raises MissingHeader."""
    if idempotency_key is None or not IDEMPOTENCY_KEY.fullmatch(idempotency_key):
        raise MissingHeader(
            "Idempotency-Key", "send a fresh key, 1 to 200 visible ASCII characters, with every write"
        )
    return Writing(keys, sign_in.device_id, idempotency_key, _target(request))


async def provide_expected(
    if_match: Annotated[
        str | None,
        HeaderParameter(name="If-Match", description="The ETag this change is based on, or `*`."),
    ] = None,
) -> Expected:
    """Return the versions this change may replace. Raises NoPrecondition, MissingHeader."""
    if if_match is None:
        raise NoPrecondition("If-Match", "say which version this change is based on")
    if if_match.strip() == "*":
        return Expected(None)
    tags = [ENTITY_TAG.fullmatch(each) for each in if_match.split(",")]
    if not all(tags):
        raise MissingHeader("If-Match", "send an entity tag in quotes, as the ETag header gave it")
    texts = [tag[1] for tag in tags if tag]
    return Expected(frozenset(int(each) for each in texts if _is_revision(each)))


async def provide_expected_if_sent(
    if_match: Annotated[
        str | None,
        HeaderParameter(
            name="If-Match", description="The ETag of what to delete or replace; any version if absent."
        ),
    ] = None,
) -> Expected:
    """Return the versions a DELETE may remove: any if it does not say. Raises MissingHeader."""
    return Expected(None) if if_match is None else await provide_expected(if_match)


def _is_revision(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= LONGEST_REVISION


def after(cursor: str | None) -> Cursor | None:
    """Return where the next page of a list begins. Raises BadCursor."""
    return None if cursor is None else Cursor.from_text(cursor)


def instant_named(name: str, text: str | None) -> datetime | None:
    """Return the instant a query parameter names, in UTC. Raises BadParameter."""
    if text is None:
        return None
    try:
        instant: datetime = msgspec.convert(text, Instant)
    except msgspec.ValidationError as error:
        raise BadParameter(name, "not RFC 3339 with an offset; send `+` as %2B") from error
    if not is_real(instant):
        raise BadParameter(name, f"must lie between {EARLIEST.year} and {LATEST.year}")
    return instant.astimezone(UTC)


Limit = Annotated[int, QueryParameter(ge=1, le=PAGE_LIMIT, description="Items a page.")]
CursorText = Annotated[
    str | None, QueryParameter(max_length=LONGEST_CURSOR, description="`next_cursor` of the page before.")
]
DEFAULT_LIMIT: Final = PAGE_DEFAULT
LOGGED_BY_PROXIES: Final = "A proxy may log the query: configure it to log paths only."
"""Said of a query parameter that holds what somebody searched for; the service's own log leaves it out."""
Archived = Annotated[bool, QueryParameter(description="List the archived ones instead.")]

DEPENDENCIES: Final = {
    "services": Provide(provide_services),
    "now": Provide(provide_now),
    "sign_in": Provide(provide_sign_in),
    "by_token": Provide(provide_by_token),
    "begin": Provide(provide_begin),
    "guard": Provide(provide_guard),
    "keys": Provide(provide_keys),
    "creating": Provide(provide_creating),
    "writing": Provide(provide_writing),
    "expected": Provide(provide_expected),
    "expected_if_sent": Provide(provide_expected_if_sent),
}
