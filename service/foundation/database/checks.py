"""Checks of the database at the start: it is refused where one practice could see the rows of another.

Objects of extensions are not checked, because they read none of our tables.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeVar

import msgspec

from service.foundation.database.query import Connection
from service.foundation.database.roles import APP

OLDEST_SERVER: Final = 15

PRACTICE: Final = "practice_id"
OWN_PRACTICE: Final = "(practice_id = (NULLIF(current_setting('app.practice'::text, true), ''::text))::uuid)"
"""Every policy begins with this condition, as the server prints it. What follows may only narrow it."""

Row = TypeVar("Row", bound=msgspec.Struct)


class UnsafeDatabase(Exception):
    """Serving on this database could lose or leak a record; each of `reasons` says why and what to do."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__("\n".join(reasons))
        self.reasons = reasons


class Table(msgspec.Struct, frozen=True):
    """A table. `owned` says whether the connected role can act as its owner."""

    name: str
    owner: str
    owned: bool
    truncatable: bool
    secured: bool
    forced: bool


class Key(msgspec.Struct, frozen=True):
    """A primary key or another unique index; the column is empty where the index has an expression."""

    table: str
    name: str
    primary: bool
    columns: list[str]


class ForeignKey(msgspec.Struct, frozen=True):
    """A foreign key; each of `columns` refers to the one of `target_columns` at the same place."""

    table: str
    name: str
    columns: list[str]
    target: str
    target_columns: list[str]


class Policy(msgspec.Struct, frozen=True):
    """A policy; its conditions are those of USING and WITH CHECK that it has."""

    table: str
    name: str
    permissive: bool
    conditions: list[str]


async def refuse_unsafe(
    connection: Connection, *, tenant_tables: Collection[str], system_tables: Collection[str]
) -> None:
    """Check the database as the role that will serve on it. Raises UnsafeDatabase with every reason found."""
    tenant = set(tenant_tables)
    tables = await _rows(connection, Table, TABLES)
    reasons = [
        *version_reasons(connection.get_server_version().major),
        *durability_reasons(dict(await connection.fetchrow(SETTINGS) or {})),
        *await _role_reasons(connection, tables),
        *_list_reasons({table.name for table in tables}, tenant, set(system_tables)),
        *_security_reasons(table for table in tables if table.name in tenant),
        *_key_reasons(await _rows(connection, Key, KEYS), {table.name for table in tables} & tenant),
        *_foreign_key_reasons(await _rows(connection, ForeignKey, FOREIGN_KEYS), tenant),
        *_policy_reasons(
            await _rows(connection, Policy, POLICIES), {table.name for table in tables} & tenant
        ),
        *(f"{row['said']}." for row in await connection.fetch(BYPASSES)),
    ]
    if reasons:
        raise UnsafeDatabase(reasons)


async def _rows(connection: Connection, row: type[Row], sql: str) -> list[Row]:
    return [row(**record) for record in await connection.fetch(sql)]


def version_reasons(major: int) -> Iterator[str]:
    """Yield a reason where the server is too old."""
    if major < OLDEST_SERVER:
        yield f"The server is PostgreSQL {major}: upgrade it to {OLDEST_SERVER} or newer."


SETTINGS = """
    SELECT current_setting('fsync') AS fsync,
           current_setting('full_page_writes') AS full_page_writes,
           current_setting('synchronous_commit') AS synchronous_commit
"""


def durability_reasons(settings: Mapping[str, str]) -> Iterator[str]:
    """Yield the settings with which a crash would lose acknowledged writes."""
    for name, value in settings.items():
        if value == "off":
            yield (
                f"{name} is off, so a crash would lose writes that a phone was told are stored: "
                f"set {name} = on for the server, this database and this role."
            )


SUPERUSER: Final = "is a superuser, and policies do not bind superusers"

STRONG_ROLES = f"""
    SELECT rolname, rolname IN (current_user, session_user) AS is_me, power
      FROM pg_roles,
   LATERAL (VALUES (rolsuper, '{SUPERUSER}'),
                   (rolbypassrls, 'has BYPASSRLS'),
                   (rolcreaterole, 'has CREATEROLE'),
                   (rolreplication, 'has REPLICATION'),
                   (rolname IN ('pg_read_server_files', 'pg_write_server_files', 'pg_execute_server_program'),
                    'may read or write files of the server')) AS powers (held, power)
     WHERE held
       AND (pg_has_role(session_user, oid, 'MEMBER') OR pg_has_role(oid, 'MEMBER'))
     ORDER BY is_me DESC, power DESC, rolname
"""


async def _role_reasons(connection: Connection, tables: Sequence[Table]) -> list[str]:
    """Return why the connected role has more rights than the service may have."""
    way_out = f"sign in as a role that is a member of {APP} and of no other role"
    strong = await connection.fetch(STRONG_ROLES)
    reasons = [
        f"The service signs in as {row['rolname']}, which {row['power']}: {way_out}."
        if row["is_me"]
        else f"The service's role can become {row['rolname']}, which {row['power']}: {way_out}."
        for row in strong
    ]
    if any(row["is_me"] and row["power"] == SUPERUSER for row in strong):
        return [reason for reason in reasons if SUPERUSER in reason][:1]  # it has every other right as well
    reasons += [
        f"The service's role is or can become {owner}, which owns tables and can remove policies: {way_out}."
        for owner in sorted({table.owner for table in tables if table.owned})
    ]
    reasons += [
        f"The service's role may TRUNCATE {table.name}, which no policy prevents: "
        f"REVOKE TRUNCATE ON {table.name} FROM whoever it was granted to."
        for table in tables
        if table.truncatable and not table.owned
    ]
    return reasons


TABLES = """
    SELECT relname AS name,
           pg_get_userbyid(relowner) AS owner,
           pg_has_role(session_user, relowner, 'MEMBER') OR pg_has_role(relowner, 'MEMBER') AS owned,
           has_table_privilege(oid, 'TRUNCATE') AS truncatable,
           relrowsecurity AS secured,
           relforcerowsecurity AS forced
      FROM pg_class
     WHERE relnamespace = 'public'::regnamespace
       AND relkind IN ('r', 'p', 'f')
       AND NOT EXISTS (SELECT FROM pg_depend
                        WHERE classid = 'pg_class'::regclass
                          AND objid = pg_class.oid
                          AND deptype = 'e')
     ORDER BY relname
"""


def _list_reasons(found: set[str], tenant: set[str], system: set[str]) -> Iterator[str]:
    """Yield the tables that are not in exactly one of the two lists, or not in the database."""
    for name in sorted(tenant & system):
        yield f"The table {name} is in both lists of tables: remove it from one."
    for name in sorted(found - tenant - system):
        yield f"The table {name} is in neither list of tables: add it to one, or drop it."
    for name in sorted((tenant | system) - found):
        yield f"The table {name} is missing: run `towpath migrate`, or restore a backup."


def _security_reasons(tables: Iterable[Table]) -> Iterator[str]:
    for table in tables:
        if not table.secured:
            yield (
                f"The table {table.name} has no row-level security: "
                f"ALTER TABLE {table.name} ENABLE ROW LEVEL SECURITY."
            )
        if not table.forced:
            yield (
                f"The policies of {table.name} do not bind its owner: "
                f"ALTER TABLE {table.name} FORCE ROW LEVEL SECURITY."
            )


KEYS = """
    SELECT relname AS table,
           indexrelid::regclass::text AS name,
           indisprimary AS primary,
           array(SELECT coalesce(attname, '')
                   FROM unnest(indkey[0:indnkeyatts - 1]) WITH ORDINALITY AS key (number, place)
                   LEFT JOIN pg_attribute ON attrelid = indrelid AND attnum = number
                  ORDER BY place)::text[] AS columns
      FROM pg_index
      JOIN pg_class ON pg_class.oid = indrelid
     WHERE relnamespace = 'public'::regnamespace
       AND (indisunique OR indisexclusion)
     ORDER BY 1, 2
"""


def _key_reasons(keys: Iterable[Key], tenant: set[str]) -> Iterator[str]:
    led = {key.table for key in keys if key.primary and key.columns[0] == PRACTICE}
    for name in sorted(tenant - led):
        yield f"The primary key of {name} does not begin with {PRACTICE}: make it (practice_id, …)."
    for key in keys:
        if key.table in tenant and not key.primary and PRACTICE not in key.columns:
            yield (
                f"{key.name} on {key.table} is unique across practices: a conflict tells of another's row: "
                f"add {PRACTICE} to its columns."
            )


FOREIGN_KEYS = """
    SELECT source.relname AS table,
           conname AS name,
           array(SELECT attname
                   FROM unnest(conkey) WITH ORDINALITY AS key (number, place)
                   JOIN pg_attribute ON attrelid = conrelid AND attnum = number
                  ORDER BY place)::text[] AS columns,
           target.relname AS target,
           array(SELECT attname
                   FROM unnest(confkey) WITH ORDINALITY AS key (number, place)
                   JOIN pg_attribute ON attrelid = confrelid AND attnum = number
                  ORDER BY place)::text[] AS target_columns
      FROM pg_constraint
      JOIN pg_class AS source ON source.oid = conrelid
      JOIN pg_class AS target ON target.oid = confrelid
     WHERE source.relnamespace = 'public'::regnamespace
       AND contype = 'f'
     ORDER BY 1, 2
"""


def _foreign_key_reasons(foreign_keys: Iterable[ForeignKey], tenant: set[str]) -> Iterator[str]:
    """Yield foreign keys that could point into another practice; row-level security does not check them."""
    for key in foreign_keys:
        pairs = dict(zip(key.columns, key.target_columns, strict=True))
        same_practice = PRACTICE in pairs and (key.target not in tenant or pairs[PRACTICE] == PRACTICE)
        if key.table in tenant and not same_practice:
            yield (
                f"The foreign key {key.name} of {key.table} lacks {PRACTICE}, so it could point into another "
                f"practice: refer from ({PRACTICE}, …) to ({PRACTICE}, …)."
            )


POLICIES = """
    SELECT tablename AS table,
           policyname AS name,
           permissive = 'PERMISSIVE' AS permissive,
           array_remove(ARRAY[qual, with_check], NULL) AS conditions
      FROM pg_policies
     WHERE schemaname = 'public'
     ORDER BY 1, 2
"""


def _policy_reasons(policies: Iterable[Policy], tenant: set[str]) -> Iterator[str]:
    for name in sorted(tenant - {policy.table for policy in policies}):
        yield f"The table {name} has no policy: CREATE POLICY … ON {name} USING (practice_id = …)."
    for policy in policies:
        for condition in policy.conditions:
            yield from _condition_reasons(policy, condition, tenant)


def _condition_reasons(policy: Policy, condition: str, tenant: set[str]) -> Iterator[str]:
    if re.search(r"\bSELECT\b", condition):
        yield (
            f"The policy {policy.name} on {policy.table} has a subquery, which distributed tables refuse: "
            "compare columns with settings only."
        )
    bound = condition == OWN_PRACTICE or condition.startswith(f"({OWN_PRACTICE} AND ")
    if policy.table in tenant and policy.permissive and not bound:
        yield (
            f"The policy {policy.name} on {policy.table} shows rows of other practices: begin "
            "it with practice_id = nullif(current_setting('app.practice', true), '')::uuid, then AND."
        )


BYPASSES = """
    SELECT format('The view %s reads with the rights of its owner, so policies do not apply: '
                  'ALTER VIEW %1$s SET (security_invoker = true)', relname) AS said
      FROM pg_class
     WHERE relnamespace = 'public'::regnamespace
       AND relkind = 'v'
       AND NOT coalesce((SELECT option_value::boolean
                           FROM pg_options_to_table(reloptions)
                          WHERE option_name = 'security_invoker'), false)
       AND NOT EXISTS (SELECT FROM pg_depend
                        WHERE classid = 'pg_class'::regclass
                          AND objid = pg_class.oid
                          AND deptype = 'e')
     UNION ALL
    SELECT format('The materialised view %s keeps rows to which no policy applies: drop it', relname)
      FROM pg_class
     WHERE relnamespace = 'public'::regnamespace
       AND relkind = 'm'
     UNION ALL
    SELECT format('The function %s runs with the rights of its owner, so policies do not apply: '
                  'ALTER FUNCTION %1$s SECURITY INVOKER', pg_proc.oid::regprocedure)
      FROM pg_proc
     WHERE pronamespace = 'public'::regnamespace
       AND prosecdef
       AND NOT EXISTS (SELECT FROM pg_depend
                        WHERE classid = 'pg_proc'::regclass
                          AND objid = pg_proc.oid
                          AND deptype = 'e')
     UNION ALL
    SELECT format('Every role of the server may call the function %s: '
                  'REVOKE EXECUTE ON FUNCTION %1$s FROM PUBLIC', pg_proc.oid::regprocedure)
      FROM pg_proc
     WHERE pronamespace = 'public'::regnamespace
       AND has_function_privilege('public', oid, 'EXECUTE')
       AND NOT EXISTS (SELECT FROM pg_depend
                        WHERE classid = 'pg_proc'::regclass
                          AND objid = pg_proc.oid
                          AND deptype = 'e')
     ORDER BY said
"""
