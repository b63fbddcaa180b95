"""What the commands that act in a practice share: access to it, and prompts."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

import click
import msgspec

from service.commands.installation import Installation, open_installation, prepare
from service.config import read_settings
from service.foundation.crypto.passwords import (
    LENGTH_MIN,
    PasswordHasher,
    WeakPassword,
    generate_password,
    refuse_weak,
)
from service.foundation.crypto.sealing import Keyring
from service.foundation.database.check_installation import refuse_unready
from service.foundation.database.connection import Pool, open_pool

Answer = TypeVar("Answer")


class ActionContext(msgspec.Struct, frozen=True):
    """What an action works with."""

    pool: Pool
    keyring: Keyring
    hasher: PasswordHasher
    now: datetime


def act(action: Callable[[ActionContext], Awaitable[Answer]]) -> Answer:
    """Bring the installation up to this program, run `action` on it, and return what it returns."""
    with open_installation(read_settings(), beside_service=True) as installation:
        return asyncio.run(_act(installation, action))


async def _act(installation: Installation, action: Callable[[ActionContext], Awaitable[Answer]]) -> Answer:
    keyring = Keyring(await prepare(installation))
    now = datetime.now(UTC)
    async with await open_pool(installation.app_dsn, size=1) as pool:
        await refuse_unready(pool, keyring, now)
        return await action(ActionContext(pool, keyring, PasswordHasher(), now))


class Limited(click.ParamType[str]):
    """Text within the limits of a wire type, asked for again where it is not.

    `fault_in` returns what is wrong with its characters.
    """

    def __init__(self, name: str, wire: Any, wanted: str, fault_in: Callable[[str], str | None]) -> None:  # noqa: ANN401  an Annotated type has no type
        self.name = name
        self._wire = wire
        self._wanted = wanted
        self._fault_in = fault_in

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return `value` if it will do."""
        try:
            text: str = msgspec.convert(value, self._wire)
        except msgspec.ValidationError:
            self.fail(f"expected {self._wanted}", param, ctx)
        if fault := self._fault_in(text):
            self.fail(fault, param, ctx)
        return text


def choose_password(*, email: str, name: str, generate: bool) -> str:
    """Return a password that will do: made up, or asked for twice, and again while it is too weak."""
    if generate:
        return generate_password()
    if not sys.stdin.isatty():
        raise click.UsageError("There is no terminal to ask for a password on; say --generate-password.")
    click.echo(f"At least {LENGTH_MIN} characters; four or five unusual words are easy to keep.", err=True)
    while True:
        password: str = click.prompt("Password", hide_input=True, confirmation_prompt="The same again")
        try:
            refuse_weak(password, email=email, name=name)
        except WeakPassword as error:
            click.echo(str(error), err=True)
        else:
            return password


def show_password(password: str) -> None:
    """Print a generated password, which nothing keeps in the clear."""
    click.echo(f"Password: {password}")
    click.echo("It is shown only now: keep it in a password manager.", err=True)
