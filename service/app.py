"""The composition root: builds the application from its parts."""

import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from litestar import Litestar, Router
from litestar.config.compression import CompressionConfig
from litestar.types import ControllerRouterHandler

from routes import docs_handlers, health_handlers
from routes.clients import client_handlers
from routes.http.answers import COMPRESS_FROM
from routes.http.compression import NegotiatedCompression
from routes.http.dependencies import DEPENDENCIES, Services, signed_in
from routes.http.middleware import (
    ConditionalReads,
    RequestLog,
    answering_head,
    answering_privately,
    asking_as_nobody,
    say_what_was_replaced,
)
from routes.http.network import Network, network_reader, only_hosts
from routes.http.openapi import openapi_config
from routes.http.problems import EXCEPTION_HANDLERS
from routes.http.strict import StrictRequest, refuse_unreadable
from routes.people import (
    device_handlers,
    invitation_handlers,
    me_handlers,
    practice_handlers,
    sign_in_handlers,
    therapist_handlers,
)
from routes.places import place_handlers
from routes.record import moment_handlers, note_handlers, track_handlers
from routes.sessions import (
    session_alternative_handlers,
    session_handlers,
    walk_pack_handlers,
    week_handlers,
)
from routes.walks import (
    alternative_handlers,
    feature_handlers,
    find_handlers,
    fit_handlers,
    line_handlers,
    picture_handlers,
    route_file_handlers,
    route_handlers,
    stretch_handlers,
)
from service.foundation.crypto.key_file import KeyFile
from service.foundation.crypto.passwords import PasswordHasher
from service.foundation.crypto.sealing import Keyring
from service.foundation.database.check_installation import refuse_unready
from service.foundation.database.connection import always_has_room, open_pool

BODY_LIMIT: Final = 1_000_000
"""The most bytes of a JSON body. Handlers of uploads have limits of their own."""
COMPRESSION_LEVEL: Final = 6
SWITCH_S: Final = 0.0005
"""How long a computing thread keeps the interpreter while the event loop wants it; Python's own is ten times
that, and a read wants it five times.
"""

HANDLERS: Final[Sequence[ControllerRouterHandler]] = [
    *sign_in_handlers.HANDLERS,
    *device_handlers.HANDLERS,
    *invitation_handlers.HANDLERS,
    *me_handlers.HANDLERS,
    *practice_handlers.HANDLERS,
    *therapist_handlers.HANDLERS,
    *place_handlers.HANDLERS,
    *client_handlers.HANDLERS,
    *find_handlers.HANDLERS,
    *picture_handlers.HANDLERS,
    *route_handlers.HANDLERS,
    *route_file_handlers.HANDLERS,
    *line_handlers.HANDLERS,
    *feature_handlers.HANDLERS,
    *stretch_handlers.HANDLERS,
    *alternative_handlers.HANDLERS,
    *fit_handlers.HANDLERS,
    *session_handlers.HANDLERS,
    *week_handlers.HANDLERS,
    *session_alternative_handlers.HANDLERS,
    *walk_pack_handlers.HANDLERS,
    *moment_handlers.HANDLERS,
    *note_handlers.HANDLERS,
    *track_handlers.HANDLERS,
]


class Composition(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of an application."""

    dsn: str
    keys: KeyFile
    address: str
    """The address phones use."""
    pool_size: int = 10
    allowed_hosts: tuple[str, ...] = ()
    proxies: tuple[Network, ...] = ()
    has_room: Callable[[], bool] = always_has_room
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)


def create_app(composition: Composition) -> Litestar:
    """Return the application. Its pool is opened at the start and closed at the end."""
    api = Router(
        "/v1",
        route_handlers=HANDLERS,
        guards=[*only_hosts(composition.allowed_hosts), signed_in],
        before_request=refuse_unreadable,
        dependencies=DEPENDENCIES,
    )
    open_to_all = Router(
        "/",
        route_handlers=[*health_handlers.HANDLERS, *docs_handlers.HANDLERS],
        before_request=refuse_unreadable,
        dependencies={"services": DEPENDENCIES["services"]},
    )
    app = Litestar(
        route_handlers=[api, open_to_all],
        openapi_config=openapi_config(),
        lifespan=[_serving(composition)],
        request_class=StrictRequest,
        exception_handlers=EXCEPTION_HANDLERS,
        middleware=[RequestLog(), ConditionalReads()],
        before_send=[say_what_was_replaced],
        compression_config=CompressionConfig(
            backend="gzip",
            middleware_class=NegotiatedCompression,
            minimum_size=COMPRESS_FROM,
            gzip_compress_level=COMPRESSION_LEVEL,
            exclude_opt_key="exclude_from_compression",
        ),
        request_max_body_size=BODY_LIMIT,
        logging_config=None,
        debug=False,
    )
    app.asgi_handler = asking_as_nobody(answering_privately(answering_head(app.asgi_handler)))
    return app


def _serving(composition: Composition) -> Any:  # noqa: ANN401  Litestar's lifespan type is private
    @asynccontextmanager
    async def serving(app: Litestar) -> AsyncIterator[None]:
        sys.setswitchinterval(SWITCH_S)
        keyring = Keyring(composition.keys)
        async with await open_pool(composition.dsn, size=composition.pool_size) as pool:
            await refuse_unready(pool, keyring, composition.clock())
            app.state.services = Services(
                pool=pool,
                keyring=keyring,
                hasher=PasswordHasher(),
                clock=composition.clock,
                client_network=network_reader(composition.proxies),
                address=composition.address,
                has_room=composition.has_room,
            )
            yield

    return serving
