"""`towpath practice`."""

from zoneinfo import available_timezones

import click

from schemas.base import Name
from schemas.people.therapists import Email
from service.commands.acting import Acting, Limited, act, choose_password, show_password
from service.foundation.characters import fault_in_address, fault_in_line
from service.people.keep_practice import NewPractice, create_practice
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
    """Create a practice and its first owner."""


@command.command("create")
@click.option("--name", type=NAME, prompt="Name of the practice", help="What the practice is called.")
@click.option("--zone", type=Zone(), prompt="Its time zone, such as Europe/London", help="IANA time zone.")
@click.option("--owner-name", type=NAME, prompt="The owner's name", help="Name of the first owner.")
@click.option("--owner-email", type=EMAIL, prompt="The owner's email", help="What they sign in with.")
@click.option("--generate-password", is_flag=True, help="Make a password up and print it once.")
def create(name: str, zone: str, owner_name: str, owner_email: str, *, generate_password: bool) -> None:
    """Create a practice and its first owner, who can sign in at once.

    What is not given is asked for; the password always is, unless it is made up. The owner invites
    colleagues over the API. Works beside a running service.

    \b
    Example:
      towpath practice create --name Riverside --zone Europe/London \\
        --owner-name "Ada Lock" --owner-email ada@example.org --generate-password
    """  # noqa: D301  \b is click's mark for lines that stay as they are
    password = choose_password(email=owner_email, name=owner_name, generate=generate_password)
    new = NewPractice(name, zone, owner_email, owner_name, password)

    async def creating(acting: Acting) -> Account:
        return await create_practice(acting.pool, acting.keyring, acting.hasher, new, acting.now)

    account = act(creating)
    click.echo(f"Practice {account.practice_id} is there; {owner_email} signs in as its owner.")
    if generate_password:
        show_password(password)
