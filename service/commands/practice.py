"""`towpath practice`."""

import sys
from functools import partial
from uuid import UUID
from zoneinfo import available_timezones

import click

from schemas.base import Name
from schemas.people.therapists import Email
from service.commands.installation import CommandRefused
from service.commands.practice_actions import ActionContext, Limited, act, choose_password, show_password
from service.foundation.characters import fault_in_address, fault_in_line
from service.people.keep_practice import NewPractice, archive_practice, create_practice, list_practices
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
    """Create a practice and its first owner; list, archive and restore practices."""


@command.command("list")
def list_() -> None:
    """List every practice: its id, the day it was created, its name, and whether it is archived."""

    async def listing(acting: ActionContext) -> list[Practice]:
        return await list_practices(acting.pool)

    for each in act(listing):
        archived = f"  (archived {each.archived_at:%Y-%m-%d})" if each.archived_at else ""
        click.echo(f"{each.practice_id}  {each.created_at:%Y-%m-%d}  {each.name}{archived}")


@command.command("archive")
@click.argument("practice")
@click.option("--yes", is_flag=True, help="Do not ask.")
def archive(practice: str, *, yes: bool) -> None:
    """Archive PRACTICE, given by its id or its name: nobody can sign in to it any more.

    Every phone is signed out; what a phone has not sent yet stays on it. All records stay, and in backups
    too. `towpath practice restore` undoes it. Works beside a running service.
    """
    found = act(partial(_named, practice))
    if not yes:
        if not sys.stdin.isatty():
            raise CommandRefused(
                f"All phones of {found.name} are signed out by this. Say --yes to archive it."
            )
        click.confirm(f"Sign out all phones of {found.name} and archive it?", abort=True)
    act(partial(_archive, found.practice_id, archived=True))
    click.echo(f"{found.name} is archived: nobody can sign in to it. Its records stay.")


@command.command("restore")
@click.argument("practice")
def restore(practice: str) -> None:
    """Bring an archived PRACTICE back, given by its id or its name. Its therapists sign in again."""

    async def restoring(acting: ActionContext) -> Practice:
        found = await _named(practice, acting)
        return await _archive(found.practice_id, acting, archived=False)

    click.echo(f"{act(restoring).name} is in use again.")


async def _archive(practice_id: UUID, acting: ActionContext, *, archived: bool) -> Practice:
    return await archive_practice(acting.pool, practice_id, acting.now, archived=archived)


async def _named(wanted: str, acting: ActionContext) -> Practice:
    """Return the practice with this id or this name. Raises CommandRefused where none or several have it."""
    practices = await list_practices(acting.pool)
    same = [each for each in practices if wanted.casefold() in (str(each.practice_id), each.name.casefold())]
    if not same:
        raise CommandRefused(f"There is no practice {wanted}. `towpath practice list` shows them all.")
    if len(same) > 1:
        ids = ", ".join(str(each.practice_id) for each in same)
        raise CommandRefused(f"{len(same)} practices are called {wanted}. Name one by its id: {ids}")
    return same[0]


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
