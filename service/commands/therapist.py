"""`towpath therapist`."""

from uuid import UUID

import click

from service.commands.practice_actions import ActionContext, act, choose_password, show_password
from service.people.regain_access import find_by_email
from service.people.regain_access import reset_password as set_new_password


@click.group("therapist")
def command() -> None:
    """Reset the password of a therapist."""


@command.command("reset-password")
@click.argument("email")
@click.option(
    "--practice",
    "practice_id",
    type=click.UUID,
    help="Which one, if there are several.",
)
@click.option("--generate-password", is_flag=True, help="Generate a password and print it once.")
def reset_password(email: str, practice_id: UUID | None, *, generate_password: bool) -> None:
    """Give the therapist who signs in as EMAIL a new password.

    It asks for the password twice, unless it is generated. All sign-ins of the therapist end at once; what a
    phone has not sent yet stays on it until the next sign-in. The service may run meanwhile. An owner cannot
    do this from a phone, because with a colleague's password they could read that colleague's clients.

    \b
    Example:
      towpath therapist reset-password ada@example.org --generate-password
    """  # noqa: D301  \b is click's mark for lines that stay as they are

    async def resetting(context: ActionContext) -> str:
        therapist = await find_by_email(context.pool, context.keyring, email, practice_id)
        who = therapist.credentials
        password = choose_password(email=who.email, name=who.name, generate=generate_password)
        await set_new_password(
            context.pool, context.keyring, context.hasher, therapist, password, context.now
        )
        return password

    password = act(resetting)
    click.echo(f"{email} has a new password; all earlier sign-ins have ended.")
    if generate_password:
        show_password(password)
