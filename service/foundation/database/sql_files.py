"""The SQL files of the program, and what of them a database still needs.

Migrations change tables: numbered, each applied once, never edited afterwards. Definitions are policies and
functions: a file replaces what its earlier version defined, so it is applied again whenever it changes.
"""

import hashlib
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from importlib.resources import files as package_files
from importlib.resources.abc import Traversable
from itertools import pairwise
from typing import Final

import msgspec

MIGRATION_NAME: Final = re.compile(r"(?P<number>[0-9]{4})_[a-z0-9_]+\.sql")
FUNCTION_NAME: Final = re.compile(r"functions/([a-z0-9_]+)\.sql")
MARKER: Final = re.compile(r"--\s*towpath:\s*(?P<word>.*?)\s*")
AS_MIGRATOR: Final = "as migrator"
AFTER: Final = re.compile(r"after ([a-z0-9_]+)")
DISTRIBUTED_BY: Final = re.compile(r"distributed by ([a-z0-9_]+)")
CREATE_POLICY: Final = re.compile(r"^CREATE\s+POLICY\s+(\w+)\s+ON\s+(\w+)", re.MULTILINE | re.IGNORECASE)

STARTED_OVER: Final = "0001_practices.sql"
"""The first migration of the series that was given up before the first release."""


class MigrationRefused(Exception):
    """The database and the SQL files do not fit together, or a file failed; the message says what to do."""

    def __init__(self, message: str, sqlstate: str | None = None) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate
        """The server's error, where a file failed."""


class Migration(msgspec.Struct, frozen=True):
    """One numbered file. `as_migrator` runs it as the migrator rather than as the owner of the tables."""

    number: int
    name: str
    sql: str
    sha256: str
    as_migrator: bool = False
    after: str | None = None
    """The step of the program that runs before it in the same transaction, as the migrator."""

    @property
    def sees_all_rows(self) -> bool:
        """Return whether it reads or changes rows of every practice."""
        return self.as_migrator or self.after is not None


class Definition(msgspec.Struct, frozen=True):
    """One file of policies or with a function, by its path such as `functions/enter_write.sql`."""

    name: str
    sql: str
    sha256: str
    distributed_by: str | None = None
    """The argument with the practice, for a function that Citus may run on the worker that has its rows."""

    @property
    def function(self) -> str | None:
        """Return the name of the function it defines, which is the file's; None for policies."""
        named = FUNCTION_NAME.fullmatch(self.name)
        return None if named is None else named[1]

    @property
    def policies(self) -> list[tuple[str, str]]:
        """Return the policies it defines, each with its table."""
        return CREATE_POLICY.findall(self.sql)

    @property
    def defines(self) -> set[str]:
        """Return what is in a database that has it: `function f`, or `policy p on t` for each policy."""
        if self.function is not None:
            return {f"function {self.function}"}
        return {f"policy {policy} on {table}" for policy, table in self.policies}


class SqlFiles(msgspec.Struct, frozen=True):
    """Every SQL file of a program."""

    migrations: list[Migration]
    definitions: list[Definition]


class AppliedMigration(msgspec.Struct, frozen=True):
    """One row of the migration ledger."""

    number: int
    name: str
    sha256: str
    applied_at: datetime


class AppliedDefinition(msgspec.Struct, frozen=True):
    """One row of the definition ledger: a version of a file that was applied, the latest last."""

    name: str
    sha256: str


@cache
def own_sql_files() -> SqlFiles:
    """Return this program's own files, read once."""
    return read_sql_files(package_files("migrations"))


def read_sql_files(folder: Traversable) -> SqlFiles:
    """Return the files in `folder`: migrations by number, policies before functions.

    Raises MigrationRefused for a name, a marker or an encoding that cannot be used.
    """
    migrations = [_migration(name, _text(folder, name)) for name in _sql_names(folder)]
    for before, after in pairwise(migrations):
        if before.number == after.number:
            raise MigrationRefused(f"{before.name} and {after.name} have the same number: renumber the later")
    names = [f"{place}/{name}" for place in ("policies", "functions") for name in _sql_names(folder / place)]
    return SqlFiles(migrations, [_definition(name, _text(folder, name)) for name in names])


def _sql_names(folder: Traversable) -> list[str]:
    names = [each.name for each in folder.iterdir()] if folder.is_dir() else []
    return sorted(each for each in names if each.endswith(".sql"))


def _text(folder: Traversable, name: str) -> str:
    try:
        return folder.joinpath(name).read_bytes().decode().replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise MigrationRefused(f"{name} is not UTF-8 at byte {error.start}: save it as UTF-8") from error


def _migration(name: str, sql: str) -> Migration:
    named = MIGRATION_NAME.fullmatch(name)
    if named is None:
        raise MigrationRefused(f"{name} is not named like 0001_what_it_does.sql: rename it")
    word = _marker(sql)
    after = AFTER.fullmatch(word or "")
    if after is None and word not in (None, AS_MIGRATOR):
        raise MigrationRefused(
            f"{name} is marked '{word}': a migration may only be marked '{AS_MIGRATOR}' or 'after a_step'"
        )
    return Migration(
        int(named["number"]),
        name,
        sql,
        _sha256(sql),
        as_migrator=word == AS_MIGRATOR,
        after=after and after[1],
    )


def _definition(name: str, sql: str) -> Definition:
    word = _marker(sql)
    argument = None if word is None else DISTRIBUTED_BY.fullmatch(word)
    if word is not None and (argument is None or not name.startswith("functions/")):
        raise MigrationRefused(
            f"{name} is marked '{word}': only a function may be marked, with 'distributed by' and an argument"
        )
    return Definition(name, sql, _sha256(sql), None if argument is None else argument[1])


def _marker(sql: str) -> str | None:
    """Return what the first line says after `-- towpath:`; None where it says nothing."""
    marker = MARKER.fullmatch(sql.partition("\n")[0])
    return None if marker is None else marker["word"]


def _sha256(sql: str) -> str:
    return hashlib.sha256(sql.encode()).hexdigest()


def unapplied_migrations(
    migrations: Sequence[Migration], applied: Sequence[AppliedMigration]
) -> list[Migration]:
    """Return the migrations after the last applied one.

    Raises MigrationRefused when an applied file was edited, renamed or is missing, when the database is
    ahead of the files, or when a number is left out.
    """
    if any(each.name == STARTED_OVER for each in applied):
        raise MigrationRefused(
            f"This database was made before Towpath's migrations were started over (it has {STARTED_OVER}),"
            " so this program cannot use it: begin with an empty database"
        )
    by_number = {each.number: each for each in migrations}
    for row in applied:
        _refuse_contradiction(row, by_number)
    known = {each.number for each in applied}
    todo = [each for each in migrations if each.number not in known]
    for number, migration in enumerate(migrations, start=1):
        if migration.number != number:
            raise MigrationRefused(f"number {number:04} is missing before {migration.name}: add or renumber")
    if todo and todo[0].number <= len(applied):
        raise MigrationRefused(
            f"{todo[0].name} was never applied though later files were: renumber it to come after them"
        )
    return todo


def _refuse_contradiction(row: AppliedMigration, by_number: Mapping[int, Migration]) -> None:
    migration = by_number.get(row.number)
    applied = f"{row.name}, applied at {row.applied_at:%Y-%m-%d %H:%M} UTC"
    if migration is None and row.number > max(by_number, default=0):
        raise MigrationRefused(
            f"the database is newer than this program: it has {applied}. "
            "Run the newer program, or restore a backup from before it"
        )
    if migration is None or migration.name != row.name:
        found = "is missing" if migration is None else f"is now called {migration.name}"
        raise MigrationRefused(f"{applied}, {found}: put the file back under its name")
    if migration.sha256 != row.sha256:
        raise MigrationRefused(
            f"{applied}, was edited since: put the file back as it was and write the change as a new file"
        )


def changed_definitions(
    definitions: Sequence[Definition], applied: Sequence[AppliedDefinition], present: Collection[str]
) -> list[Definition]:
    """Return the definitions to apply: those that changed, and those of which something is not `present`.

    A definition whose file is gone stays in the database: programs of the release before may still call the
    function, and a later migration drops it. Raises MigrationRefused when the database has had a file as it
    is here and has a later version now: applying it would take the newer program's definition away.
    """
    versions: dict[str, list[str]] = {}
    for row in applied:
        versions.setdefault(row.name, []).append(row.sha256)
    changed = []
    for each in definitions:
        *earlier, latest = versions.get(each.name, [""])
        if each.sha256 != latest and each.sha256 in earlier:
            raise MigrationRefused(
                f"the database is newer than this program: it has a later version of {each.name}. Run the"
                " newer program; to return to this version on purpose, change a comment in the file"
            )
        if each.sha256 != latest or not each.defines <= set(present):
            changed.append(each)
    return changed
