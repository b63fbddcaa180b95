"""`towpath serve`."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Final

import click
import msgspec
import structlog
import uvicorn
import uvloop
from litestar import Litestar

from routes.http.connections import PhoneConnection
from service.app import Composition, create_app
from service.commands.installation import CommandRefused, Installation, open_installation, prepare
from service.config import Settings, read_settings
from service.foundation.crypto.key_file import KeyFile
from service.foundation.database.connection import always_has_room
from service.foundation.database.embedded import EmbeddedError, EmbeddedServer
from service.logs import configure_logs

logger = structlog.get_logger()

FINISH_S: Final = 10
"""How long running requests may take when the service is told to end."""
KEEP_ALIVE_S: Final = 75
"""Proxies usually close an idle connection after a minute. Longer, so that they do it first."""
LOOK_EVERY_S: Final = 1.0
"""How often to check whether the embedded server has ended."""
LONGEST_PAUSE_S: Final = 30.0
"""Between attempts to start it, because each attempt costs a recovery."""
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@click.command("serve")
def command() -> None:
    """Start the service, and print where it is.

    Without TOWPATH_DATABASE_URL it runs its own PostgreSQL on the data folder (TOWPATH_DATA), starts it again
    if it ends by itself, and ends it with the service. The first start creates the database and the key file:
    back up the key file, apart from the database. Ctrl-C or SIGTERM lets running requests finish; a second
    one ends the service at once.

    \b
    Examples:
      towpath serve
      TOWPATH_PORT=9000 TOWPATH_DATA=/srv/towpath towpath serve
      TOWPATH_DATABASE_URL=postgresql://towpath:…@db/towpath towpath serve
    """  # noqa: D301  \b is click's mark for lines that stay as they are
    settings = read_settings()
    configure_logs(level=settings.log_level, machine=settings.log_format == "json")
    with bind(settings) as listener, open_installation(settings) as installation:
        settings = msgspec.structs.replace(settings, port=listener.getsockname()[1])
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            keys = runner.run(prepare(installation))
            runner.run(_serve(compose(settings, installation, keys), listener, installation.embedded))
    click.echo("Towpath has ended", err=True)


def bind(settings: Settings) -> socket.socket:
    """Bind the address before anything is started. Raises CommandRefused where that fails."""
    try:
        found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)
        family, _, _, _, address = found[0]
        # With IPPROTO_TCP asyncio sends small answers at once (TCP_NODELAY).
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        raise CommandRefused(
            f"Towpath cannot listen on {settings.host}, port {settings.port} ({error.strerror})."
            " Choose others with TOWPATH_HOST and TOWPATH_PORT."
        ) from error
    return listener


def compose(settings: Settings, installation: Installation, keys: KeyFile) -> Composition:
    """Return the parts of the application."""
    return Composition(
        dsn=installation.app_dsn,
        keys=keys,
        address=settings.address,
        pool_size=settings.pool_size,
        allowed_hosts=settings.allowed_hosts,
        proxies=settings.proxies,
        has_room=always_has_room if installation.embedded is None else installation.embedded.has_room,
    )


async def _serve(composition: Composition, listener: socket.socket, embedded: EmbeddedServer | None) -> None:
    """Serve until told to end. Errors of the start are raised here, before the first request."""
    app, config = configured(composition)
    async with app.lifespan(), _database_kept_up(embedded):
        await Server(config, partial(_announce, composition.address)).serve([listener])


@asynccontextmanager
async def _database_kept_up(embedded: EmbeddedServer | None) -> AsyncIterator[None]:
    """Keep the embedded server running during the block. None stands for a server given by URL."""
    if embedded is None:
        yield
        return
    keeping = asyncio.create_task(_keep_up(embedded))
    try:
        yield
    finally:
        keeping.cancel()


async def _keep_up(embedded: EmbeddedServer) -> None:
    """Start the server again whenever it ends, for example when it was killed or the disk was full."""
    pause_s = LOOK_EVERY_S
    while True:
        await asyncio.sleep(pause_s)
        if not embedded.has_ended:
            continue
        logger.warning("the database has ended; starting it again")
        try:
            await asyncio.to_thread(embedded.start_again)
        except Exception as error:  # noqa: BLE001  nobody else would try again
            # These texts are ours and PostgreSQL's at its start, so they quote no client.
            reason = str(error) if isinstance(error, EmbeddedError) else type(error).__name__
            logger.error("the database does not start; trying again", reason=reason)  # noqa: TRY400  same
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        else:
            logger.info("the database is back")
            pause_s = LOOK_EVERY_S


def configured(composition: Composition) -> tuple[Litestar, uvicorn.Config]:
    """Return the application, whose lifespan the caller enters, and the configuration of its server."""
    app = create_app(composition)
    return app, uvicorn.Config(
        app,
        http=PhoneConnection,
        ws="none",
        lifespan="off",  # the command enters it, so that an error becomes a sentence
        log_config=None,
        access_log=False,
        proxy_headers=False,  # the application decides whose X-Forwarded-For it trusts
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=FINISH_S,
    )


class Server(uvicorn.Server):
    """uvicorn, but the first signal ends it in order and the second one at once."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[], None]) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and announce it."""
        await super().startup(sockets)
        self._announce()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End in order at the first signal; the embedded server has to be ended after this one."""
        loop = asyncio.get_running_loop()
        for each in SIGNALS:
            loop.add_signal_handler(each, self._end_in_order)
        yield
        self._leave_signals()

    def _end_in_order(self) -> None:
        self.should_exit = True
        self._leave_signals()

    def _leave_signals(self) -> None:
        """Let the next signal end the process at once."""
        loop = asyncio.get_running_loop()
        for each in SIGNALS:
            loop.remove_signal_handler(each)
            signal.signal(each, signal.SIG_DFL)


def _announce(address: str) -> None:
    click.echo(f"Towpath serves at {address}")
    click.echo(f"API documentation: {address}/docs")
    click.echo("Ctrl-C ends it")
