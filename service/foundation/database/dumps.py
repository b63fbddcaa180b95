"""Dumps: running pg_dump, pg_restore and psql, and reading what a database contains at one instant."""

import os
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Final
from urllib.parse import unquote, urlsplit

import asyncpg
import msgspec

from service.foundation.database.definitions import read_definition_ledger
from service.foundation.database.embedded.accounts import environment, last_words
from service.foundation.database.embedded.binaries import find_binaries
from service.foundation.database.embedded.errors import BinariesMissing
from service.foundation.database.installations import find_key_check
from service.foundation.database.migrate import SEES_ALL_ROWS
from service.foundation.database.roles import EXPLICIT
from service.foundation.database.sql_files import AppliedDefinition

TABLE_DATA: Final = re.compile(r"^\d+; \d+ \d+ TABLE DATA public (\S+) ", re.MULTILINE)
COPY: Final = re.compile(rb"COPY \S+ (\(.*\) )?FROM stdin;\n")
END_OF_ROWS: Final = b"\\.\n"
NOT_EVERYWHERE: Final = re.compile(
    rb"SET transaction_timeout = 0;\n"  # not before 17
    rb"|ALTER TABLE ONLY \S+ ALTER COLUMN \S+ SET \(.*\);\n"  # options of a server's own for its columns
)
"""Lines that not every version understands. Towpath itself gives columns no options."""


class DumpFailed(Exception):
    """One of PostgreSQL's programs failed; the message ends with its last lines."""


class Contents(msgspec.Struct, frozen=True):
    """What a database contains at one instant."""

    snapshot: str
    """The name by which another connection can read the same instant."""
    postgresql: str
    migration: str
    definitions: list[AppliedDefinition]
    key_check: bytes
    rows: dict[str, int]
    """The number of rows of each table, of all practices."""


ENCRYPTED = """
    SELECT ssl
      FROM pg_stat_ssl
     WHERE pid = pg_backend_pid()
"""


async def programs_for(connection: asyncpg.Connection) -> Path:
    """Return a folder with the pg_dump, pg_restore and psql to use on this connection's server.

    The package's programs cannot encrypt. If this connection is encrypted, those of the system are used.
    Raises BinariesMissing.
    """
    if not await connection.fetchval(ENCRYPTED):
        return find_binaries()
    major = connection.get_server_version().major
    folder = system_programs(major)
    if folder is None:
        raise BinariesMissing(
            f"The connection to this server is encrypted, and Towpath's own client programs cannot encrypt:"
            f" install PostgreSQL's, version {major} or newer, so that pg_dump is on the path."
        )
    return folder


def system_programs(major: int) -> Path | None:
    """Return the folder of the system's client programs; None where there are none of version `major` on."""
    found = shutil.which("pg_dump")
    if found is None:
        return None
    said = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
    version = re.search(r"\b(\d+)\.", said)
    return Path(found).parent if version is not None and int(version[1]) >= major else None


async def sees_every_row(connection: asyncpg.Connection) -> bool:
    """Return whether this login sees all rows. If row-level security hides some, a dump lacks them."""
    return bool(await connection.fetchval(SEES_ALL_ROWS))


TABLES = """
    SELECT relname
      FROM pg_class
     WHERE relnamespace = 'public'::regnamespace
       AND relkind IN ('r', 'p')
     ORDER BY relname
"""


async def list_tables(connection: asyncpg.Connection) -> list[str]:
    """Return the names of the tables of the database."""
    return [row["relname"] for row in await connection.fetch(TABLES)]


LAST_MIGRATION = """
    SELECT name
      FROM migration_ledger
     ORDER BY number DESC
     LIMIT 1
"""


@asynccontextmanager
async def one_instant(connection: asyncpg.Connection) -> AsyncIterator[Contents | None]:
    """Hold a snapshot and yield what it contains; None for a database that was never served on."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        key_check = await find_key_check(connection)
        if key_check is None:
            yield None
            return
        yield Contents(
            snapshot=await connection.fetchval("SELECT pg_export_snapshot()"),
            postgresql=await connection.fetchval("SHOW server_version"),
            migration=await connection.fetchval(LAST_MIGRATION),
            definitions=await read_definition_ledger(connection),
            key_check=key_check,
            rows={
                name: await connection.fetchval(f'SELECT count(*) FROM public."{name}"')
                for name in await list_tables(connection)
            },
        )


RECORDS: Final = ("--exclude-table-data=public.client_key",)
"""pg_dump's options for everything but the clients' wrapped keys."""
CLIENT_KEYS: Final = ("--data-only", "--table=public.client_key")
"""pg_dump's options for the clients' wrapped keys alone."""


@contextmanager
def dumping(programs: Path, dsn: str, snapshot: str, options: Sequence[str]) -> Iterator[IO[bytes]]:
    """Yield a dump of the snapshot, which the caller reads to its end. Raises DumpFailed."""
    place, secrets = _without_password(dsn)
    command = ["--format=custom", f"--snapshot={snapshot}", "--no-password", *options, "--dbname", place]
    with _running([programs / "pg_dump", *command], secrets, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None  # noqa: S101  a pipe was asked for
        yield process.stdout


def read_dump(programs: Path, dump: Callable[[], Iterable[bytes]]) -> set[str]:
    """Read a whole dump and return the tables that it has rows of. Raises DumpFailed if it is damaged.

    Each call of `dump` starts at the first byte. pg_restore reads from a pipe, so no plain text is on disk.
    """
    with _restoring(programs, dump(), "--file=/dev/null"):
        pass
    with _restoring(programs, dump(), "--list") as listing:
        return set(TABLE_DATA.findall(listing.read().decode()))


def load_dumps(programs: Path, dsn: str, dumps: Iterable[Iterable[bytes]], closing_sql: str) -> None:
    """Load dumps and run `closing_sql`, all in one transaction. Raises DumpFailed; nothing is kept then.

    pg_restore writes the SQL and psql runs it, because pg_restore alone would commit before `closing_sql`.
    """
    place, secrets = _without_password(dsn)
    quietly = ["--no-psqlrc", "--quiet", "--no-password", "--set=ON_ERROR_STOP=1", "--output=/dev/null"]
    at_once = ["--single-transaction", "--file=-"]
    psql: list[str | Path] = [programs / "psql", *quietly, *at_once, "--dbname", place]
    with _running(psql, secrets, stdin=subprocess.PIPE) as loading:
        assert loading.stdin is not None  # noqa: S101  a pipe was asked for
        try:
            loading.stdin.write(f"{EXPLICIT};\n".encode())
            for dump in dumps:
                with _restoring(programs, dump, "--file=-") as sql:
                    loading.stdin.writelines(_for_any_version(sql))
            loading.stdin.write(closing_sql.encode())
            loading.stdin.close()
        except BrokenPipeError:
            loading.wait()  # psql stopped at an error, which is read below


ROWS_ARE_THERE: Final = """
    DO $$ BEGIN
        IF (SELECT count(*) FROM public.{table}) <> {rows} THEN
            RAISE EXCEPTION 'the table {table} does not have the {rows} rows of the manifest';
        END IF;
    END $$;
"""

KEY_CHECK_IS_THERE: Final = """
    DO $$ BEGIN
        IF (SELECT encode(key_check, 'hex') FROM public.installation) IS DISTINCT FROM '{key_check}' THEN
            RAISE EXCEPTION 'the records were sealed with another key file than the one in the manifest';
        END IF;
    END $$;
"""

LOST_REVISIONS: Final = 1_000_000
"""More than a practice writes between a backup and its restore, so no ETag of a lost change is used again."""

PHONES_START_OVER: Final = f"""
    UPDATE public.practice_revision
       SET epoch = gen_random_uuid(), revision = revision + {LOST_REVISIONS};
    DELETE FROM public.token;
    DELETE FROM public.invitation;
"""


def closing_sql(rows: Mapping[str, int], key_check: bytes) -> str:
    """Return the SQL that ends a restore: it compares rows with the manifest and makes phones start over."""
    counts = (ROWS_ARE_THERE.format(table=table, rows=count) for table, count in rows.items())
    return "".join([*counts, KEY_CHECK_IS_THERE.format(key_check=key_check.hex()), PHONES_START_OVER])


def _for_any_version(sql: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines of pg_restore's SQL without those that only some versions of PostgreSQL know.

    Rows, which are between a COPY and its end mark, are not changed.
    """
    rows = False
    for line in sql:
        if rows:
            rows = line != END_OF_ROWS
        else:
            rows = COPY.match(line) is not None
            if NOT_EVERYWHERE.fullmatch(line):
                continue
        yield line


@contextmanager
def _restoring(programs: Path, dump: Iterable[bytes], option: str) -> Iterator[IO[bytes]]:
    """Run pg_restore on a dump and yield its output. Raises DumpFailed, and what `dump` raises."""
    pipe = subprocess.PIPE
    with _running([programs / "pg_restore", option], {}, stdin=pipe, stdout=pipe) as process:
        assert process.stdin is not None  # noqa: S101  pipes were asked for
        assert process.stdout is not None  # noqa: S101  same
        with _fed(process, process.stdin, dump):
            yield process.stdout


@contextmanager
def _fed(process: subprocess.Popen[bytes], stdin: IO[bytes], content: Iterable[bytes]) -> Iterator[None]:
    """Write `content` to a program in another thread. Raises what reading `content` raises."""

    def feed() -> None:
        try:
            with suppress(BrokenPipeError), stdin:  # pg_restore --list does not read to the end
                stdin.writelines(content)
        except BaseException:
            process.kill()  # it would treat the part it has as a whole dump
            raise

    with ThreadPoolExecutor(1) as threads:
        fed = threads.submit(feed)
        try:
            yield
            fed.result()
        except BaseException:
            process.kill()  # the thread would wait for it to read
            raise


def _without_password(dsn: str) -> tuple[str, dict[str, str]]:
    """Return the URL without its password, which every process could see, and the password as environment."""
    parts = urlsplit(dsn)
    user, at, host = parts.netloc.rpartition("@")
    place = dsn.replace(f"//{parts.netloc}", f"//{user.partition(':')[0]}{at}{host}", 1)
    return place, {} if parts.password is None else {"PGPASSWORD": unquote(parts.password)}


@contextmanager
def _running(
    command: Sequence[str | Path],
    secrets: dict[str, str],
    stdin: int = subprocess.DEVNULL,
    stdout: int = subprocess.DEVNULL,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program during the block and wait for its end. Raises DumpFailed if it fails.

    If the block raises, the program is killed before its input ends: psql commits when it ends.
    """
    kept = {name: value for name, value in os.environ.items() if name == "HOME" or name.startswith("PGSSL")}
    with TemporaryFile() as complaints:
        process = subprocess.Popen(
            command, stdin=stdin, stdout=stdout, stderr=complaints, env={**environment(), **kept, **secrets}
        )
        try:
            yield process
            process.wait()
        finally:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with suppress(BrokenPipeError):  # the program has ended and reads no more
                        pipe.close()
        if process.returncode != 0:
            complaints.seek(0)
            raise DumpFailed(
                f"{Path(command[0]).name}: {last_words(complaints.read().decode(errors='replace'))}"
            )
