"""`towpath therapist`."""

from uuid import UUID

import click

from service.commands.acting import Acting, act, choose_password, show_password
from service.people.regain_access import find_by_email
from service.people.regain_access import reset_password as set_new_password


@click.group("therapist")
def command() -> None:
    """Let a therapist in again who has lost the password."""


@command.command("reset-password")
@click.argument("email")
@click.option(
    "--practice", "practice_id", type=click.UUID, help="Which one, where the email signs in to several."
)
@click.option("--generate-password", is_flag=True, help="Make a password up and print it once.")
def reset_password(email: str, practice_id: UUID | None, *, generate_password: bool) -> None:
    """Give the therapist who signs in as EMAIL a new password.

    It is asked for twice, unless it is made up. Every sign-in they have ends at once; what a phone has not
    sent yet stays on it until they sign in again. Works beside a running service. No owner can do this from
    a phone: with a colleague's password they could read what that colleague's clients said.

    \b
    Example:
      towpath therapist reset-password ada@example.org --generate-password
    """  # noqa: D301  \b is click's mark for lines that stay as they are

    async def resetting(acting: Acting) -> str:
        therapist = await find_by_email(acting.pool, acting.keyring, email, practice_id)
        who = therapist.credentials
        password = choose_password(email=who.email, name=who.name, generate=generate_password)
        await set_new_password(acting.pool, acting.keyring, acting.hasher, therapist, password, acting.now)
        return password

    password = act(resetting)
    click.echo(f"{email} has a new password; every earlier sign-in has ended.")
    if generate_password:
        show_password(password)
