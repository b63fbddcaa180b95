"""The checks of `towpath doctor`, one function for each subject. Each finding says what helps."""

import enum
import errno
import shutil
import socket
import stat
import tempfile
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import TZPATH, available_timezones

import asyncpg
import msgspec

from service.config import PREFIX, Settings
from service.foundation.crypto.key_file import KeyFileError, load_key_file
from service.foundation.crypto.sealing import Keyring, key_id_of
from service.foundation.database.checks import UnsafeDatabase, refuse_unsafe
from service.foundation.database.embedded import EmbeddedError
from service.foundation.database.embedded.binaries import find_binaries
from service.foundation.database.embedded.folder import DataFolder
from service.foundation.database.installations import count_practices, read_clock
from service.foundation.database.migrate import pending
from service.foundation.database.sql_files import MigrationRefused
from service.foundation.database.tables import SYSTEM_TABLES, TENANT_TABLES

LOW_DISK_BYTES: Final = 2_000_000_000
NO_DISK_BYTES: Final = 200_000_000
CLOCKS_APART_S: Final = 2.0
PROBE_S: Final = 1.0
MOST_READ_BYTES: Final = 1_000
MASK: Final = "…"


class Level(enum.StrEnum):
    """How serious a finding is."""

    OK = "ok"
    NOTE = "note"
    WRONG = "wrong"


class Finding(msgspec.Struct, frozen=True):
    """The result of a check, and what to do about it."""

    level: Level
    what: str
    mend: str | None = None


def ok(what: str) -> Finding:
    return Finding(Level.OK, what)


def note(what: str, mend: str) -> Finding:
    return Finding(Level.NOTE, what, mend)


def wrong(what: str, mend: str | None = None) -> Finding:
    return Finding(Level.WRONG, what, mend)


def list_settings(settings: Settings, environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each setting with its value, without passwords."""
    for field in msgspec.structs.fields(Settings):
        variable = PREFIX + field.name.upper()
        value = getattr(settings, field.name)
        text = ",".join(value) if isinstance(value, tuple) else str(value)
        shown = without_password(text) if field.name.endswith("_url") and value else text
        given = variable in environment or f"{variable}_FILE" in environment
        yield variable, shown if given else f"{'not set' if value in (None, ()) else shown} (default)"


def without_password(url: str) -> str:
    """Return a URL without its password and its parameters, which may contain one."""
    netloc = urlsplit(url).netloc
    user, at, host = netloc.rpartition("@")
    name, colon, _ = user.partition(":")
    head, mark, _ = url.partition("?")
    return head.replace(f"//{netloc}", f"//{name}{colon and colon + MASK}{at}{host}", 1) + (
        mark and mark + MASK
    )


def look_at_address(settings: Settings) -> Iterator[Finding]:
    """Yield whether phones are told an address they can reach."""
    if settings.public_url is None:
        yield note(
            f"Invitations name {settings.address}, which other devices cannot reach.",
            "For phones, put a proxy with HTTPS in front and set TOWPATH_PUBLIC_URL to its address.",
        )
    elif not settings.public_url.startswith("https://"):
        yield wrong(
            f"Phones would send passwords and records unencrypted to {settings.public_url}.",
            "Put a proxy with HTTPS in front and set TOWPATH_PUBLIC_URL to its address.",
        )


def look_at_port(settings: Settings) -> Iterator[Finding]:
    """Yield whether Towpath may listen where it is to, or does already."""
    where = f"{settings.host}, port {settings.port}"
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            yield wrong(
                f"Towpath cannot listen on {where} ({error.strerror}).",
                "Choose an address of this machine with TOWPATH_HOST and a port with TOWPATH_PORT.",
            )
        elif _answers_as_towpath(settings.host, settings.port):
            yield ok(f"Towpath answers on {where}")
        else:
            yield wrong(
                f"Another program listens on {where}.",
                "Choose another port with TOWPATH_PORT, or end that program; `ss -ltnp` lists it.",
            )


def _answers_as_towpath(host: str, port: int) -> bool:
    connection = HTTPConnection(host, port, timeout=PROBE_S)
    try:
        connection.request("GET", "/health/live")
        return b'"alive"' in connection.getresponse().read(MOST_READ_BYTES)
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def look_at_zones() -> Iterator[Finding]:
    """Check that there is time zone data."""
    zones = available_timezones()
    if "Europe/London" in zones:
        yield ok(f"{len(zones)} time zones are known{'' if TZPATH else ' from the package tzdata'}")
    else:
        yield wrong("There is no time zone data.", "Install the package tzdata again with pip.")


def look_at_writing(settings: Settings) -> Iterator[Finding]:
    """Yield whether the data folder can be written, or made; the probe leaves nothing behind."""
    folder = next(each for each in (settings.data, *settings.data.parents) if each.exists())
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        yield wrong(*_cannot_write(settings.data, folder, error))


def _cannot_write(data: Path, folder: Path, error: OSError) -> tuple[str, str]:
    """Return what keeps Towpath from writing in `folder`, and what helps."""
    other = "choose another data folder with TOWPATH_DATA."
    what = f"{data} cannot be written" if data == folder else f"{data} cannot be made"
    if error.errno == errno.EROFS:
        return (
            f"{what}: the disk of {folder} is read-only.",
            f"Mount it for writing, after a look at dmesg, or {other}",
        )
    if error.errno == errno.ENOTDIR:
        return f"{what}: {folder} is not a folder.", f"C{other[1:]}"
    if error.errno in {errno.EACCES, errno.EPERM}:
        return (
            f"{what}: this account may not write in {folder}.",
            f"Run Towpath as the account that owns {folder}, or {other}",
        )
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return f"{what}: the disk of {folder} is full.", f"Make room, or {other}"
    return f"{what} ({error.strerror}).", f"C{other[1:]}"


def look_at_disk(settings: Settings) -> Iterator[Finding]:
    """Yield whether the disk of the data folder has room."""
    folder = next(each for each in (settings.data, *settings.data.parents) if each.exists())
    free = shutil.disk_usage(folder).free
    said = f"{free / 1e9:.1f} GB are free for {settings.data}"
    if free < NO_DISK_BYTES:
        yield wrong(f"Only {said}: the database will soon refuse to write.", "Make room now.")
    elif free < LOW_DISK_BYTES:
        yield note(f"Only {said}.", "Make room before it is needed.")
    else:
        yield ok(said)


def look_at_folders(settings: Settings) -> Iterator[Finding]:
    """Yield folders that other accounts get into, or in which they could put files of their own."""
    others_write, others_enter = stat.S_IWGRP | stat.S_IWOTH, stat.S_IRWXG | stat.S_IRWXO
    folders = {
        settings.data: others_enter if settings.database_url is None else others_write,
        settings.keys.parent: others_write,
        DataFolder(settings.data).secrets: others_enter,
    }
    exposed = [
        each for each, forbidden in folders.items() if each.exists() and each.stat().st_mode & forbidden
    ]
    for folder in exposed:
        yield wrong(f"Other accounts get into {folder}.", f"chmod 700 {folder}")
    if not exposed:
        yield ok("No other account gets into the folders of data, secrets and keys")


def look_at_programs() -> Iterator[Finding]:
    """Check that the embedded server's programs are installed."""
    try:
        yield ok(f"PostgreSQL's programs are in {find_binaries()}")
    except EmbeddedError as error:
        yield wrong(str(error))


def look_at_key_file(settings: Settings, key_check: bytes | None) -> Iterator[Finding]:
    """Yield whether the key file is there, readable, and the one this database was sealed with."""
    if key_check is None and not settings.keys.exists():
        yield note(f"There is no key file at {settings.keys} yet.", "The first start makes it.")
        return
    try:
        keys = load_key_file(settings.keys, None if key_check is None else key_id_of(key_check))
        if key_check is not None:
            Keyring(keys).refuse_other(key_check)
    except KeyFileError as error:
        yield wrong(str(error))
    else:
        whose = "is readable" if key_check is None else "is the one this database was sealed with"
        yield ok(f"The key file {settings.keys} {whose}; have a copy apart from every backup")


async def look_at_database(connection: asyncpg.Connection) -> list[Finding]:
    """Check, with the service's login, that it is safe to serve on the database."""
    return [
        ok(f"The database answers: PostgreSQL {await connection.fetchval('SHOW server_version')}"),
        _clock(await read_clock(connection), datetime.now(UTC)),
        *await _schema(connection),
    ]


def _clock(theirs: datetime, ours: datetime) -> Finding:
    apart_s = abs((theirs - ours).total_seconds())
    if apart_s > CLOCKS_APART_S:
        return wrong(
            f"The clocks of this machine and of the database are {apart_s:.0f} s apart.",
            "Have both kept by a time service (NTP).",
        )
    return ok("The clocks of this machine and of the database agree")


async def _schema(connection: asyncpg.Connection) -> list[Finding]:
    try:
        behind = await pending(connection)
    except MigrationRefused as error:
        return [wrong(f"{error}.")]
    if behind:
        return [
            wrong(f"{len(behind)} SQL files are not applied, the first is {behind[0]}.", "towpath migrate")
        ]
    try:
        await refuse_unsafe(connection, tenant_tables=TENANT_TABLES, system_tables=SYSTEM_TABLES)
    except UnsafeDatabase as error:
        return [wrong(each) for each in error.reasons]
    found = [ok("Every migration, policy and function is applied; roles and durability are right")]
    if not await count_practices(connection):
        found.append(note("There is no practice yet.", "towpath practice create"))
    return found
