"""`towpath demo`: the whole main job, acted out over HTTP by a phone with a made-up practice."""

import asyncio
import socket
from datetime import UTC, datetime
from secrets import token_hex
from typing import Final

import click
import httpx
import msgspec
import uvloop
from litestar import Litestar

from service.commands.installation import CommandRefused, open_installation, prepare
from service.commands.phone import Phone, PhoneRefused
from service.commands.serve import Server, bind, compose, configured
from service.commands.story import WALK_AGO, Story
from service.config import read_settings
from service.foundation.crypto.passwords import generate_password
from service.logs import configure_logs
from service.people.keep_practice import NewPractice, create_practice

FOLDER: Final = "demo"
TIMEOUT_S: Final = 60


@click.command("demo")
@click.option("--once", is_flag=True, help="End when the story is told: with 0 when all went well.")
def command(*, once: bool) -> None:
    """Act the main job out: from signing in to a note that knows where it was said.

    Starts the service on a database of its own, beside yours and never in it, makes a practice up, and is
    its phone over real HTTP. Then it keeps serving, and prints how to sign in.
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
        services = app.state.services
        await create_practice(services.pool, services.keyring, services.hasher, new, services.clock())
        serving = asyncio.create_task(server.serve([listener]))
        try:
            await asyncio.to_thread(_tell, address, new)
            if not once:
                _invite(address, new)
                await serving
        finally:
            server.should_exit = True
            await serving


def _made_up() -> NewPractice:
    """Return a practice nobody has, with an owner of its own each time the story is told."""
    email = f"ada.{token_hex(3)}@example.org"
    return NewPractice("Riverside (made up)", "Europe/London", email, "Ada Lock", generate_password())


def _tell(address: str, new: NewPractice) -> None:
    """Be the phone. Raises CommandRefused where the service did not do as it should."""
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
