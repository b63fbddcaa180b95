"""Dumps: PostgreSQL's own programs, and what a database holds at the instant of one."""

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
    """One of PostgreSQL's programs did not do its work; the message carries its last words."""


class Contents(msgspec.Struct, frozen=True):
    """What a database holds at one instant."""

    snapshot: str
    """By which another connection sees this very instant."""
    postgresql: str
    migration: str
    definitions: list[AppliedDefinition]
    key_check: bytes
    rows: dict[str, int]
    """Table by table, every practice's."""


ENCRYPTED = """
    SELECT ssl
      FROM pg_stat_ssl
     WHERE pid = pg_backend_pid()
"""


async def programs_for(connection: asyncpg.Connection) -> Path:
    """Return a folder with the pg_dump, pg_restore and psql to use on this connection's server.

    The package's cannot encrypt, so where this connection is encrypted those of the system are used. Raises
    BinariesMissing.
    """
    if not await connection.fetchval(ENCRYPTED):
        return find_binaries()
    major = connection.get_server_version().major
    folder = system_programs(major)
    if folder is None:
        raise BinariesMissing(
            f"The connection to this server is encrypted, and that takes PostgreSQL's own client programs:"
            f" install them, version {major} or newer, and see that pg_dump is on the path."
        )
    return folder


def system_programs(major: int) -> Path | None:
    """Return the folder of the system's client programs; None where there are none as new as `major`."""
    found = shutil.which("pg_dump")
    if found is None:
        return None
    said = subprocess.run([found, "--version"], capture_output=True, text=True, check=False).stdout
    version = re.search(r"\b(\d+)\.", said)
    return Path(found).parent if version is not None and int(version[1]) >= major else None


async def sees_every_row(connection: asyncpg.Connection) -> bool:
    """Return whether row-level security leaves this login alone; otherwise a dump would be short of rows."""
    return bool(await connection.fetchval(SEES_ALL_ROWS))


TABLES = """
    SELECT relname
      FROM pg_class
     WHERE relnamespace = 'public'::regnamespace
       AND relkind IN ('r', 'p')
     ORDER BY relname
"""


async def list_tables(connection: asyncpg.Connection) -> list[str]:
    """Return the names of the database's tables."""
    return [row["relname"] for row in await connection.fetch(TABLES)]


LAST_MIGRATION = """
    SELECT name
      FROM migration_ledger
     ORDER BY number DESC
     LIMIT 1
"""


@asynccontextmanager
async def one_instant(connection: asyncpg.Connection) -> AsyncIterator[Contents | None]:
    """Hold one instant of the database and say what it holds; None for one that was never served on."""
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
    """Give a dump of what the snapshot sees, to be read to its end. Raises DumpFailed."""
    place, secrets = _way_in(dsn)
    command = ["--format=custom", f"--snapshot={snapshot}", "--no-password", *options, "--dbname", place]
    with _running([programs / "pg_dump", *command], secrets, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None  # noqa: S101  a pipe was asked for
        yield process.stdout


def read_dump(programs: Path, dump: Callable[[], Iterable[bytes]]) -> set[str]:
    """Read a dump to its end and return the tables it has rows of. Raises DumpFailed where it is damaged.

    `dump` begins the dump's bytes anew. pg_restore gets them through a pipe, so nothing plain is on the disk.
    """
    with _restoring(programs, dump(), "--file=/dev/null"):
        pass
    with _restoring(programs, dump(), "--list") as listing:
        return set(TABLE_DATA.findall(listing.read().decode()))


def load_dumps(programs: Path, dsn: str, dumps: Iterable[Iterable[bytes]], closing_sql: str) -> None:
    """Load dumps in turn, then run `closing_sql`, all in one transaction. Raises DumpFailed: nothing stayed.

    pg_restore writes the SQL and psql runs it, because pg_restore alone would commit before `closing_sql`.
    """
    place, secrets = _way_in(dsn)
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
            loading.wait()  # it stopped at an error, and will say which


ROWS_ARE_THERE: Final = """
    DO $$ BEGIN
        IF (SELECT count(*) FROM public.{table}) <> {rows} THEN
            RAISE EXCEPTION 'the table {table} has not the {rows} rows of the manifest';
        END IF;
    END $$;
"""

KEY_CHECK_IS_THERE: Final = """
    DO $$ BEGIN
        IF (SELECT encode(key_check, 'hex') FROM public.installation) IS DISTINCT FROM '{key_check}' THEN
            RAISE EXCEPTION 'the records were sealed with another key file than the manifest says';
        END IF;
    END $$;
"""

LOST_REVISIONS: Final = 1_000_000
"""More than a practice writes between a backup and its restore: an ETag of a lost change fits no other."""

PHONES_BEGIN_ANEW: Final = f"""
    UPDATE public.practice_revision
       SET epoch = gen_random_uuid(), revision = revision + {LOST_REVISIONS};
    DELETE FROM public.token;
    DELETE FROM public.invitation;
"""


def closing_sql(rows: Mapping[str, int], key_check: bytes) -> str:
    """Return what a restore ends with: the comparison with the manifest, and what makes phones begin anew."""
    counts = (ROWS_ARE_THERE.format(table=table, rows=count) for table, count in rows.items())
    return "".join([*counts, KEY_CHECK_IS_THERE.format(key_check=key_check.hex()), PHONES_BEGIN_ANEW])


def _for_any_version(sql: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines of pg_restore's SQL without what only some versions of PostgreSQL know.

    Rows are never touched: they stand between a COPY and its end mark.
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
    """Run pg_restore on a dump and give what it writes. Raises DumpFailed, and whatever `dump` raises."""
    pipe = subprocess.PIPE
    with _running([programs / "pg_restore", option], {}, stdin=pipe, stdout=pipe) as process:
        assert process.stdin is not None  # noqa: S101  pipes were asked for
        assert process.stdout is not None  # noqa: S101  same
        with _fed(process, process.stdin, dump):
            yield process.stdout


@contextmanager
def _fed(process: subprocess.Popen[bytes], stdin: IO[bytes], content: Iterable[bytes]) -> Iterator[None]:
    """Write `content` to a program in a thread of its own. Raises what reading `content` raises."""

    def feed() -> None:
        try:
            with suppress(BrokenPipeError), stdin:  # pg_restore --list reads no further than it must
                stdin.writelines(content)
        except BaseException:
            process.kill()  # or it would take what it has for the whole
            raise

    with ThreadPoolExecutor(1) as threads:
        fed = threads.submit(feed)
        try:
            yield
            fed.result()
        except BaseException:
            process.kill()  # or the thread would wait for it to read
            raise


def _way_in(dsn: str) -> tuple[str, dict[str, str]]:
    """Return a URL any process may see, and the password apart from it."""
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
    """Run a program beside the block and wait for its end. Raises DumpFailed where it failed.

    A block left by an error takes the program with it, before its input ends: psql would commit at the end.
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
                    with suppress(BrokenPipeError):  # what was not written yet has no reader any more
                        pipe.close()
        if process.returncode != 0:
            complaints.seek(0)
            raise DumpFailed(
                f"{Path(command[0]).name}: {last_words(complaints.read().decode(errors='replace'))}"
            )
