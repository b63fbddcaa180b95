"""Policies and functions in a database: applied in one transaction, and remembered version by version."""

from collections.abc import Sequence
from typing import Final

import asyncpg

from service.foundation.database.apply_sql import LIMITS, Progress, patiently, run_file
from service.foundation.database.query import Connection
from service.foundation.database.roles import APP, EXPLICIT, OWNER
from service.foundation.database.sql_files import (
    AppliedDefinition,
    Definition,
    MigrationRefused,
    changed_definitions,
)

CANNOT_REPLACE: Final = "42P13"
"""SQLSTATE of CREATE OR REPLACE where the result or a parameter's name differs."""
KEPT: Final = "No policy and no function was changed"

CREATE_LEDGER: Final = f"""
    {EXPLICIT};
    SET LOCAL ROLE {OWNER};
    CREATE TABLE public.definition_ledger (
        number     bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
        name       text        NOT NULL,
        sha256     text        NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now()
    );
    COMMENT ON TABLE public.definition_ledger IS
        'System: every version of a policy or function file that was applied; the last one of a name holds.';
    REVOKE ALL ON public.definition_ledger FROM {APP};
    GRANT SELECT ON public.definition_ledger TO {APP};
"""
HAS_LEDGER: Final = "SELECT to_regclass('public.definition_ledger') IS NOT NULL"


async def ensure_definition_ledger(connection: asyncpg.Connection) -> None:
    """Create the ledger as the owner, unless it is there."""
    if not await connection.fetchval(HAS_LEDGER):
        async with connection.transaction():
            await connection.execute(CREATE_LEDGER)


LEDGER: Final = """
    SELECT name, sha256
      FROM public.definition_ledger
     ORDER BY number
"""


async def read_definition_ledger(connection: Connection) -> list[AppliedDefinition]:
    """Return every version that was applied, the latest last; nothing where there is no ledger yet."""
    if not await connection.fetchval(HAS_LEDGER):
        return []
    return [AppliedDefinition(**row) for row in await connection.fetch(LEDGER)]


PRESENT: Final = """
    SELECT 'function ' || proname
      FROM pg_proc
     WHERE pronamespace = 'public'::regnamespace
     UNION
    SELECT 'policy ' || policyname || ' on ' || tablename
      FROM pg_policies
     WHERE schemaname = 'public'
"""


async def unapplied_definitions(
    connection: Connection, definitions: Sequence[Definition]
) -> list[Definition]:
    """Return the definitions this database lacks. Raises MigrationRefused where it has a later version."""
    applied = await read_definition_ledger(connection)
    present = {row[0] for row in await connection.fetch(PRESENT)}
    return changed_definitions(definitions, applied, present)


async def apply_definitions(
    connection: asyncpg.Connection, definitions: Sequence[Definition], progress: Progress
) -> list[str]:
    """Apply the definitions that changed, all in one transaction, and return their names.

    The caller holds the migration lock. Raises MigrationRefused; nothing of them was kept then.
    """
    changed = await unapplied_definitions(connection, definitions)

    async def attempt() -> None:
        async with connection.transaction():
            await connection.execute(LIMITS)
            for each in changed:
                progress(f"applying {each.name}")
                await _apply(connection, each)
            await _distribute(connection, definitions, progress)

    if changed or await _is_distributed(connection):
        await patiently("the policies and functions", attempt, progress)
    return [each.name for each in changed]


REMEMBER: Final = """
    INSERT INTO public.definition_ledger (name, sha256)
    VALUES ($1, $2)
"""


async def _apply(connection: asyncpg.Connection, definition: Definition) -> None:
    await connection.execute(f"SET LOCAL ROLE {OWNER}")
    if definition.function is None:
        await run_file(connection, definition.name, definition.sql, kept=KEPT)
        await _drop_other_policies(connection, definition)
    else:
        await _replace_function(connection, definition, definition.function)
    await connection.execute(REMEMBER, definition.name, definition.sha256)
    await connection.execute("SET LOCAL ROLE NONE")


POLICIES_OF: Final = """
    SELECT policyname, tablename
      FROM pg_policies
     WHERE schemaname = 'public'
       AND tablename = ANY ($1::text[])
"""


async def _drop_other_policies(connection: asyncpg.Connection, definition: Definition) -> None:
    """Drop the policies an earlier version of the file gave its tables: each of them lets rows in."""
    named = definition.policies
    for policy, table in await connection.fetch(POLICIES_OF, [table for _, table in named]):
        if (policy, table) not in named:
            await connection.execute(f'DROP POLICY "{policy}" ON public."{table}"')


SIGNATURES: Final = """
    SELECT oid, oid::regprocedure::text AS signature
      FROM pg_proc
     WHERE pronamespace = 'public'::regnamespace
       AND proname = $1
"""


async def _replace_function(connection: asyncpg.Connection, definition: Definition, function: str) -> None:
    """Replace a function and let the application alone call it. Raises MigrationRefused."""
    before = await connection.fetch(SIGNATURES, function)
    try:
        await run_file(connection, definition.name, definition.sql, kept=KEPT)
    except MigrationRefused as error:
        if before and error.sqlstate == CANNOT_REPLACE:
            raise _needs_new_name(definition, function) from error
        raise
    after = await connection.fetch(SIGNATURES, function)
    if not after:
        raise MigrationRefused(
            f"{definition.name} does not define a function {function}: name the file after its function"
        )
    if len(after) > 1 or (before and before != after):
        raise _needs_new_name(definition, function)
    signature = after[0]["signature"]
    await connection.execute(
        f"REVOKE ALL ON FUNCTION {signature} FROM PUBLIC; GRANT EXECUTE ON FUNCTION {signature} TO {APP}"
    )


def _needs_new_name(definition: Definition, function: str) -> MigrationRefused:
    return MigrationRefused(
        f"{definition.name} changes the arguments or the result of the function {function}: give the changed"
        " function a new name in a file of its own, and keep this file for one release, because programs of"
        " the release before still call it"
    )


HAS_CITUS: Final = "SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')"
PRACTICE_IS_DISTRIBUTED: Final = """
    SELECT EXISTS (SELECT FROM pg_dist_partition
                    WHERE logicalrelid = to_regclass('public.practice')
                      AND partmethod = 'h')
"""


async def _is_distributed(connection: asyncpg.Connection) -> bool:
    """Return whether Citus spreads the tables over several servers by practice."""
    if not await connection.fetchval(HAS_CITUS):
        return False
    return bool(await connection.fetchval(PRACTICE_IS_DISTRIBUTED))


UNREGISTERED: Final = """
    SELECT oid::regprocedure::text
      FROM pg_proc
     WHERE pronamespace = 'public'::regnamespace
       AND proname = $1
       AND NOT EXISTS (SELECT FROM pg_dist_object
                        WHERE classid = 'pg_proc'::regclass
                          AND objid = pg_proc.oid
                          AND distribution_argument_index IS NOT NULL)
"""
REGISTER: Final = (
    "SELECT create_distributed_function($1::text::regprocedure, $2, colocate_with => 'practice')"
)


async def _distribute(
    connection: asyncpg.Connection, definitions: Sequence[Definition], progress: Progress
) -> None:
    """Let Citus run the marked functions where their practice's rows are. Each is registered once.

    The migrator does it rather than the owner, who cannot sign in to the workers.
    """
    if not await _is_distributed(connection):
        return
    for each in definitions:
        if each.distributed_by is None:
            continue
        for signature in await connection.fetch(UNREGISTERED, each.function):
            progress(f"registering {signature[0]} with Citus")
            await connection.execute(REGISTER, signature[0], each.distributed_by)
