"""`towpath demo`: plays a whole session over HTTP, as the phone of a made-up practice."""

import asyncio
import shlex
import socket
from datetime import UTC, datetime
from typing import Final

import click
import httpx
import msgspec
import uvloop
from litestar import Litestar

from routes.http.dependencies import Services
from service.commands.installation import CommandRefused, open_installation, prepare
from service.commands.phone import Phone, PhoneRefused
from service.commands.serve import Server, bind, compose, configured
from service.commands.story import WALK_AGO, Story
from service.config import read_settings
from service.foundation.crypto.passwords import generate_password
from service.foundation.retry_safe import NotFound
from service.logs import configure_logs
from service.people.keep_practice import NewPractice, create_practice
from service.people.regain_access import find_by_email, reset_password

FOLDER: Final = "demo"
EMAIL: Final = "ada@example.org"
TIMEOUT_S: Final = 60


@click.command("demo")
@click.option("--once", is_flag=True, help="End when the story is told: with 0 when all went well.")
def command(*, once: bool) -> None:
    """Act the main job out: from signing in to a note that knows where it was said.

    Starts the service on a database of its own, beside yours and never in it, with one made-up practice,
    and is its phone over real HTTP. Then it keeps serving, and prints how to sign in, where its data lies
    and how to remove it. Run again, it uses the same practice with a new password.
    """
    settings = read_settings()
    own = msgspec.structs.replace(
        settings,
        data=settings.data / FOLDER,
        key_file=None,
        database_url=None,
        migrator_url=None,
        port=0 if once else settings.port,
    )
    configure_logs(level="warning")
    folder = shlex.quote(str(own.data))
    click.echo(f"The demonstration's data lies in {folder}; to remove it: rm -r {folder}", err=True)
    with bind(own) as listener, open_installation(own) as installation:
        own = msgspec.structs.replace(own, port=listener.getsockname()[1])
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            keys = runner.run(prepare(installation))
            app, config = configured(compose(own, installation, keys))
            runner.run(_act(app, Server(config, lambda: None), listener, own.address, once=once))


async def _act(app: Litestar, server: Server, listener: socket.socket, address: str, *, once: bool) -> None:
    """Serve, tell the story meanwhile, and go on serving unless it was to be told once only."""
    new = _made_up()
    async with app.lifespan():
        await _open_practice(app.state.services, new)
        serving = asyncio.create_task(server.serve([listener]))
        try:
            await asyncio.to_thread(_tell, address, new)
            if not once:
                _invite(address, new)
                await serving
        finally:
            server.should_exit = True
            await serving


async def _open_practice(services: Services, new: NewPractice) -> None:
    """Create the practice, or give its owner a new password where an earlier demonstration made it."""
    pool, keyring, hasher, now = services.pool, services.keyring, services.hasher, services.clock()
    try:
        owner = await find_by_email(pool, keyring, new.owner_email, None)
    except NotFound:
        await create_practice(pool, keyring, hasher, new, now)
    else:
        await reset_password(pool, keyring, hasher, owner, new.password, now)


def _made_up() -> NewPractice:
    """Return the practice of every demonstration, with a password of its own each time."""
    return NewPractice("Riverside (made up)", "Europe/London", EMAIL, "Ada Lock", generate_password())


def _tell(address: str, new: NewPractice) -> None:
    """Tell the story as a phone. Raises CommandRefused where the service does something unexpected."""
    walked_at = (datetime.now(UTC) - WALK_AGO).replace(microsecond=0)
    with httpx.Client(base_url=address, timeout=TIMEOUT_S) as http:
        story = Story(Phone(http), click.echo, walked_at)
        try:
            story.tell(new.owner_email, new.password)
        except (PhoneRefused, httpx.HTTPError) as error:
            raise CommandRefused(f"The demonstration went wrong: {error}") from error


def _invite(address: str, new: NewPractice) -> None:
    """Say how to look around."""
    click.echo("\nThe service goes on. Ctrl-C ends it.")
    click.echo(f"  Sign in:            {new.owner_email}  {new.password}")
    click.echo(f"  Address:            {address}/v1")
    click.echo(f"  API documentation:  {address}/docs")
