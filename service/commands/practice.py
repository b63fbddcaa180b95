"""`towpath practice`."""

import sys
from zoneinfo import available_timezones

import click

from schemas.base import Name
from schemas.people.therapists import Email
from service.commands.installation import CommandRefused
from service.commands.practice_actions import ActionContext, Limited, act, choose_password, show_password
from service.foundation.characters import fault_in_address, fault_in_line
from service.people.keep_practice import NewPractice, create_practice, list_practices
from service.people.practices import Practice
from service.people.sign_ins import Account

NAME = Limited("name", Name, "1 to 200 characters", fault_in_line)
EMAIL = Limited("email", Email, "an email address of at most 254 characters", fault_in_address)


class Zone(click.ParamType[str]):
    """An IANA time zone."""

    name = "zone"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return `value` if there is such a zone."""
        if value not in available_timezones():
            self.fail("expected an IANA time zone, such as Europe/London", param, ctx)
        return value


@click.group("practice")
def command() -> None:
    """Create a practice and its first owner; list the practices there are."""


@command.command("list")
def list_() -> None:
    """List every practice: its id, the day it was created, its name."""

    async def listing(acting: ActionContext) -> list[Practice]:
        return await list_practices(acting.pool)

    for each in act(listing):
        click.echo(f"{each.practice_id}  {each.created_at:%Y-%m-%d}  {each.name}")


@command.command("create")
@click.option("--name", type=NAME, prompt="Name of the practice", help="What the practice is called.")
@click.option("--zone", type=Zone(), prompt="Its time zone, such as Europe/London", help="IANA time zone.")
@click.option("--owner-name", type=NAME, prompt="The owner's name", help="Name of the first owner.")
@click.option("--owner-email", type=EMAIL, prompt="The owner's email", help="What they sign in with.")
@click.option("--generate-password", is_flag=True, help="Make a password up and print it once.")
@click.option("--yes", is_flag=True, help="Do not ask where a practice of this name exists already.")
def create(
    name: str, zone: str, owner_name: str, owner_email: str, *, generate_password: bool, yes: bool
) -> None:
    """Create a practice and its first owner, who can sign in at once.

    What is not given is asked for; the password always is, unless it is made up. The owner invites
    colleagues over the API. Works beside a running service.

    \b
    Example:
      towpath practice create --name Riverside --zone Europe/London \\
        --owner-name "Ada Lock" --owner-email ada@example.org --generate-password
    """  # noqa: D301  \b is click's mark for lines that stay as they are
    if not yes:
        _confirm_second(name)
    password = choose_password(email=owner_email, name=owner_name, generate=generate_password)
    new = NewPractice(name, zone, owner_email, owner_name, password)

    async def creating(acting: ActionContext) -> Account:
        return await create_practice(acting.pool, acting.keyring, acting.hasher, new, acting.now)

    account = act(creating)
    click.echo(f"Practice {account.practice_id} is there; {owner_email} signs in as its owner.")
    if generate_password:
        show_password(password)


def _confirm_second(name: str) -> None:
    """Ask whether a second practice of this name is meant. Raises CommandRefused where nobody can answer."""

    async def finding(acting: ActionContext) -> list[Practice]:
        wanted = name.casefold()
        return [each for each in await list_practices(acting.pool) if each.name.casefold() == wanted]

    if same := act(finding):
        said = f"There is a practice {same[0].name} already, created on {same[0].created_at:%Y-%m-%d}."
        if not sys.stdin.isatty():
            raise CommandRefused(f"{said} Say --yes to create another.")
        click.confirm(f"{said} Create another?", abort=True)
