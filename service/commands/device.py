"""`towpath device`."""

from collections.abc import Sequence
from uuid import UUID

import click

from service.commands.practice_actions import ActionContext, act
from service.people.devices import Device
from service.people.regain_access import devices_of, find_by_email, revoke_devices


@click.group("device")
def command() -> None:
    """Revoke a lost phone."""


@command.command("revoke")
@click.argument("email")
@click.argument("device_ids", metavar="[DEVICE_ID]...", nargs=-1, type=click.UUID)
@click.option("--all", "every", is_flag=True, help="Revoke all devices of the therapist.")
@click.option(
    "--practice",
    "practice_id",
    type=click.UUID,
    help="Which one, if there are several.",
)
def revoke(email: str, device_ids: tuple[UUID, ...], practice_id: UUID | None, *, every: bool) -> None:
    """Revoke devices of the therapist who signs in as EMAIL. Their sign-ins end at once and for good.

    Without a DEVICE_ID it only lists the devices, the last used first. The service may run meanwhile.

    \b
    Examples:
      towpath device revoke ada@example.org
      towpath device revoke ada@example.org 0198c5f2-6f5e-7a41-9c55-0d7f0e7f7a11
    """  # noqa: D301  \b is click's mark for lines that stay as they are
    if every and device_ids:
        raise click.UsageError("Use either --all or the ids of devices.")

    async def revoking(context: ActionContext) -> tuple[list[Device], Sequence[UUID]]:
        therapist = await find_by_email(context.pool, context.keyring, email, practice_id)
        devices = await devices_of(context.pool, therapist.account)
        chosen = [each.id for each in devices if each.revoked_at is None] if every else device_ids
        if chosen:
            await revoke_devices(context.pool, therapist, chosen, context.now)
        return devices, chosen

    devices, revoked = act(revoking)
    if not devices:
        click.echo(f"{email} has not signed in from any device yet.")
    for device in devices:
        click.echo(_line(device, now_revoked=device.id in revoked))


def _line(device: Device, *, now_revoked: bool) -> str:
    if now_revoked:
        state = "revoked now"
    elif device.revoked_at is not None:
        state = f"revoked {device.revoked_at:%Y-%m-%d %H:%M} UTC"
    else:
        state = f"last used {device.last_seen_at:%Y-%m-%d %H:%M} UTC"
    return f"{device.id}  {device.name}, {state}"
