"""`towpath doctor`."""

import asyncio
import os
from collections.abc import Mapping

import click

from service.commands.findings import (
    Finding,
    Level,
    list_settings,
    look_at_address,
    look_at_database,
    look_at_disk,
    look_at_folders,
    look_at_key_file,
    look_at_port,
    look_at_programs,
    look_at_writing,
    look_at_zones,
    note,
    ok,
    wrong,
)
from service.commands.installation import (
    CommandRefused,
    Installation,
    connected,
    connected_directly,
    open_installation,
    release,
)
from service.config import BadSetting, Settings, read_settings
from service.foundation.database.embedded import EmbeddedError
from service.foundation.database.embedded.folder import DataFolder
from service.foundation.database.installations import find_key_check

WIDTH = 26


@click.command("doctor")
def command() -> None:
    """Say what is wrong with this installation, and how to mend it.

    Lists the settings with their values, passwords left out, then what was looked at. Changes nothing and
    may run beside the service. Ends with 1 when something is wrong.
    """
    click.echo(f"Towpath {release()}")
    try:
        settings = read_settings()
    except BadSetting as error:
        _list(Settings(), {})
        findings = [wrong(f"{error}.", "Change or unset it; the list above has the names and defaults.")]
    else:
        _list(settings, os.environ)
        findings = _look(settings)
    click.echo("\nFindings")
    for finding in findings:
        click.echo(f"  {finding.level:<6} {finding.what}")
        if finding.mend is not None:
            click.echo(f"         → {finding.mend}")
    if any(finding.level is Level.WRONG for finding in findings):
        raise SystemExit(1)


def _list(settings: Settings, environment: Mapping[str, str]) -> None:
    click.echo("\nSettings")
    for variable, value in list_settings(settings, environment):
        click.echo(f"  {variable:<{WIDTH}} {value}")


def _look(settings: Settings) -> list[Finding]:
    findings = [*look_at_address(settings), *look_at_port(settings), *look_at_zones()]
    try:
        return findings + _look_at_installation(settings)
    except OSError as error:
        found = wrong(
            f"{error.filename or 'A file'} cannot be looked at ({error.strerror or error}).",
            "Run this as the account Towpath runs as, or choose another folder with TOWPATH_DATA.",
        )
        return [*findings, found]


def _look_at_installation(settings: Settings) -> list[Finding]:
    findings = [*look_at_folders(settings)]
    if settings.database_url is not None:
        return [*findings, *_look_inside(settings)]
    findings += [*look_at_writing(settings), *look_at_disk(settings), *look_at_programs()]
    if any(each.level is Level.WRONG for each in findings):
        return findings
    if DataFolder(settings.data).cluster.exists():
        return [*findings, *_look_inside(settings)]
    fresh = note(f"There is no database in {settings.data} yet.", "The first `towpath serve` makes it.")
    return [*findings, fresh, *look_at_key_file(settings, None)]


def _look_inside(settings: Settings) -> list[Finding]:
    try:
        with open_installation(settings, beside_service=True) as installation:
            return asyncio.run(_ask(installation))
    except (CommandRefused, EmbeddedError) as error:
        return [wrong(str(error))]


async def _ask(installation: Installation) -> list[Finding]:
    async with connected(installation.app_dsn) as connection:
        key_check = await find_key_check(connection)
        findings = [
            *look_at_key_file(installation.settings, key_check),
            *await look_at_database(connection),
        ]
    if installation.embedded is None and installation.migrator_dsn is not None:
        async with connected_directly(installation.migrator_dsn):
            findings.append(ok("The migrator's login works"))
    return findings
