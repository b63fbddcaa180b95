"""`towpath migrate`."""

import asyncio

import click

from service.commands.installation import (
    Installation,
    bring_up,
    connected_directly,
    migrator_of,
    open_installation,
)
from service.config import read_settings


@click.command("migrate")
def command() -> None:
    """Bring the database up to this program: roles, migrations, then policies and functions.

    Each migration is one transaction, so after an interruption the next run continues. `towpath serve` does
    the same when it starts, unless TOWPATH_DATABASE_URL is set and TOWPATH_MIGRATOR_URL is not.

    \b
    Example, with a database of your own:
      TOWPATH_DATABASE_URL=postgresql://towpath:…@db/towpath \\
      TOWPATH_MIGRATOR_URL=postgresql://postgres:…@db/towpath towpath migrate
    """  # noqa: D301  \b is click's mark for lines that stay as they are
    with open_installation(read_settings(), beside_service=True) as installation:
        applied = asyncio.run(_migrate(installation))
    click.echo(f"{len(applied)} applied, the database is up to date" if applied else "Nothing to do")


async def _migrate(installation: Installation) -> list[str]:
    async with connected_directly(migrator_of(installation, "migrate")) as migrator:
        return await bring_up(installation, migrator)
