"""Policies and functions: SQL files that are applied anew whenever they change.

A migration is applied once; a definition replaces what an earlier version of its file made. So a new column
of a session does not mean copying a function into a migration. A function whose signature changes gets a new
name, and the old one stays for one release: programs of both versions may serve at the same time.
"""

import hashlib
from collections.abc import Callable, Sequence
from importlib.resources.abc import Traversable
from typing import Final

import asyncpg
import msgspec

from service.foundation.database.query import Connection
from service.foundation.database.roles import APP, OWNER

FOLDERS: Final = ("policies", "functions")
"""In the order they are applied."""


class Definition(msgspec.Struct, frozen=True):
    """One file by its path below the migrations, such as `functions/enter_write.sql`."""

    name: str
    sql: str
    sha256: str


def read_definitions(files: Traversable) -> list[Definition]:
    """Return the definitions in `files`, in the order they are applied."""
    found = []
    for folder in FOLDERS:
        place = files.joinpath(folder)
        names = [each.name for each in place.iterdir()] if place.is_dir() else []
        for name in sorted(each for each in names if each.endswith(".sql")):
            sql = place.joinpath(name).read_text(encoding="utf-8").replace("\r\n", "\n")
            found.append(Definition(f"{folder}/{name}", sql, hashlib.sha256(sql.encode()).hexdigest()))
    return found


async def changed_definitions(connection: Connection, files: Traversable) -> list[Definition]:
    """Return the definitions this database does not have as they are in `files`."""
    applied = await _read_ledger(connection)
    return [each for each in read_definitions(files) if applied.get(each.name) != each.sha256]


async def apply_definitions(
    connection: asyncpg.Connection, changed: Sequence[Definition], progress: Callable[[str], None]
) -> None:
    """Apply changed definitions in one transaction, as the owner. The caller holds the migration lock."""
    if not changed:
        return
    async with connection.transaction():
        await connection.execute("SET LOCAL search_path = public")
        await connection.execute(f"SET LOCAL ROLE {OWNER}")
        for each in changed:
            progress(f"applying {each.name}")
            await connection.execute(each.sql)
            await connection.execute(REMEMBER, each.name, each.sha256)


CREATE_LEDGER: Final = f"""
    CREATE TABLE public.definition_ledger (
        name       text        PRIMARY KEY,
        sha256     text        NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now()
    );
    COMMENT ON TABLE public.definition_ledger IS 'Which policies and functions were applied.';
    REVOKE ALL ON public.definition_ledger FROM {APP};
    GRANT SELECT ON public.definition_ledger TO {APP};
"""

REMEMBER: Final = """
    INSERT INTO public.definition_ledger (name, sha256)
    VALUES ($1, $2)
    ON CONFLICT (name) DO UPDATE
       SET sha256 = EXCLUDED.sha256, applied_at = now()
"""

HAS_LEDGER: Final = "SELECT to_regclass('public.definition_ledger') IS NOT NULL"

LEDGER: Final = """
    SELECT name, sha256
      FROM public.definition_ledger
"""


async def ensure_definition_ledger(connection: asyncpg.Connection) -> None:
    """Create the ledger of definitions as the owner, unless it is there."""
    if not await connection.fetchval(HAS_LEDGER):
        async with connection.transaction():
            await connection.execute(f"SET LOCAL ROLE {OWNER}")
            await connection.execute(CREATE_LEDGER)


async def _read_ledger(connection: Connection) -> dict[str, str]:
    """Return the hash of each applied definition by its name; nothing where there is no ledger yet."""
    if not await connection.fetchval(HAS_LEDGER):
        return {}
    return {row["name"]: row["sha256"] for row in await connection.fetch(LEDGER)}
