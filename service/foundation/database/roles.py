"""The three roles of a Towpath database: the owner of the tables, the application, and the service's login.

Roles belong to the whole server, which may hold several Towpath databases. Grants belong to one database.
"""

import asyncio
import base64
import hashlib
import hmac
import random
import secrets
from typing import Final

import asyncpg

OWNER: Final = "towpath_owner"
APP: Final = "towpath_app"

LOCK_KEY: Final = int.from_bytes(b"roles")
EXPLICIT: Final = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED READ WRITE"
"""The first statement in every transaction of the migrator: the server may have other defaults."""

ATTEMPTS: Final = 10
ATTEMPT_PAUSE_S: Final = 0.2
SCRAM_ITERATIONS: Final = 4096
"""PostgreSQL's default. More would slow down every connection, and the passwords are long and random."""
IDENTIFIER_BYTES: Final = 63


class RolesRefused(Exception):
    """The roles cannot be created, or must not be; the message says what to do."""


async def ensure_roles(admin: asyncpg.Connection, *, login: str, password: str) -> None:
    """Create the roles and grants that are missing, and set the password of `login`.

    `admin` is the migrator: a superuser, or a role with CREATEROLE that owns the database. Raises
    RolesRefused.
    """
    verifier = scram_verifier(password)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            async with admin.transaction():
                await _ensure(admin, login, verifier)
        except asyncpg.InsufficientPrivilegeError as error:
            raise RolesRefused(await _lacking(admin, error)) from error
        except (asyncpg.UniqueViolationError, asyncpg.DuplicateObjectError, asyncpg.InternalServerError):
            # The migrator of another database changed the same role at this moment.
            if attempt == ATTEMPTS:
                raise
            await asyncio.sleep(random.uniform(0, ATTEMPT_PAUSE_S))  # noqa: S311  nothing secret
        else:
            return


ROLES = """
    SELECT rolname, rolsuper OR rolbypassrls OR rolcreaterole OR rolreplication AS strong
      FROM pg_roles
     WHERE rolname = ANY ($1::text[])
"""

DEFAULT_PRIVILEGES = f"""
    ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON TABLES FROM {APP};
    ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {APP};
    ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE ON SEQUENCES TO {APP};
    ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT EXECUTE ON FUNCTIONS TO {APP};
    ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC
"""


async def _ensure(admin: asyncpg.Connection, login: str, verifier: str) -> None:
    await admin.execute(EXPLICIT)
    await admin.execute("SELECT pg_advisory_xact_lock($1)", LOCK_KEY)
    existing = {row["rolname"]: row["strong"] for row in await admin.fetch(ROLES, [OWNER, APP, login])}
    _refuse_login(login, await admin.fetchval("SELECT session_user"))
    for role in (role for role, strong in existing.items() if strong):
        raise RolesRefused(f"the role {role} exists and may do more than a role of Towpath: use another")
    # Always in this order: two migrators at once would otherwise wait for each other.
    for role in (each for each in (OWNER, APP) if each not in existing):
        await admin.execute(f"CREATE ROLE {role} NOLOGIN")
    verb = "ALTER" if login in existing else "CREATE"
    await admin.execute(f"{verb} ROLE {identifier(login)} LOGIN INHERIT PASSWORD '{verifier}'")
    await _mark_login(admin, login)
    await _ensure_memberships(admin, login)
    await _ensure_schema(admin)
    await _ensure_closed(admin, login)
    await admin.execute(f"SET LOCAL ROLE {OWNER}; {DEFAULT_PRIVILEGES}; RESET ROLE")


def _refuse_login(login: str, migrator: str) -> None:
    if login == migrator:
        raise RolesRefused(f"the service must not sign in as the migrator {login}: give it its own role")
    if login in (OWNER, APP):
        raise RolesRefused(f"{login} is a role without login: give the service its own role")


MARK: Final = "Towpath: signs in to database "

OTHER_DATABASE = f"""
    SELECT other.datname
      FROM pg_roles AS login
      JOIN pg_database AS other
        ON other.oid::text = substring(shobj_description(login.oid, 'pg_authid') FROM '^{MARK}([0-9]+)$')
     WHERE login.rolname = $1
       AND other.datname <> current_database()
"""

OWN_NUMBER = """
    SELECT oid::text
      FROM pg_database
     WHERE datname = current_database()
"""


async def _mark_login(admin: asyncpg.Connection, login: str) -> None:
    """Mark the login as this database's, after ALTER ROLE has locked it. Raises RolesRefused for another's.

    The mark is the database's number on this server, which a backup does not carry along: restored beside the
    original, an installation must not take its login either.
    """
    name = identifier(login)
    other = await admin.fetchval(OTHER_DATABASE, login)
    if other is not None:
        raise RolesRefused(
            f"the login {login} belongs to the Towpath database {other} on this server, and migrating would"
            " change its password: name another login in TOWPATH_DATABASE_URL, or, if that database is no"
            f" longer Towpath's, run as a superuser: COMMENT ON ROLE {name} IS NULL"
        )
    number = await admin.fetchval(OWN_NUMBER)
    await admin.execute(f"COMMENT ON ROLE {name} IS '{MARK}{number}'")


HAS_ROLE = """
    SELECT bool_and(pg_has_role($1::name, wanted))
      FROM unnest($2::text[]) AS wanted
"""


async def _ensure_memberships(admin: asyncpg.Connection, login: str) -> None:
    """Make `login` a member of the application role, and the migrator a member of the owner role."""
    with_set = admin.get_server_version().major >= 16  # before, every member could SET ROLE
    if not await admin.fetchval("SELECT pg_has_role($1, $2, 'USAGE')", login, APP):
        options = " WITH INHERIT TRUE, SET FALSE" if with_set else ""
        await admin.execute(f"GRANT {APP} TO {identifier(login)}{options}")
    wanted = ["USAGE", "SET"] if with_set else ["USAGE"]
    if not await admin.fetchval(HAS_ROLE, OWNER, wanted):
        options = " WITH INHERIT TRUE, SET TRUE" if with_set else ""
        await admin.execute(f"GRANT {OWNER} TO CURRENT_USER{options}")


SCHEMA_IS_RIGHT = """
    SELECT has_schema_privilege($1, 'public', 'CREATE')
       AND has_schema_privilege($1, 'public', 'USAGE')
       AND has_schema_privilege($2, 'public', 'USAGE')
       AND NOT has_schema_privilege('public', 'public', 'CREATE')
"""

SCHEMA_GRANTS = f"""
    REVOKE CREATE ON SCHEMA public FROM PUBLIC;
    GRANT CREATE, USAGE ON SCHEMA public TO {OWNER};
    GRANT USAGE ON SCHEMA public TO {APP};
"""


async def _ensure_schema(admin: asyncpg.Connection) -> None:
    """Let only the owner create in the schema. A GRANT that is not allowed only warns, so look again."""
    if await admin.fetchval(SCHEMA_IS_RIGHT, OWNER, APP):
        return
    await admin.execute(SCHEMA_GRANTS)
    if not await admin.fetchval(SCHEMA_IS_RIGHT, OWNER, APP):
        raise RolesRefused(
            "this role may not grant on the schema public: let it own the database "
            "(ALTER DATABASE … OWNER TO …), or run this once as the owner:" + SCHEMA_GRANTS
        )


DATABASE_IS_CLOSED = """
    SELECT NOT has_database_privilege('public', current_database(), 'CONNECT')
       AND NOT has_database_privilege('public', current_database(), 'TEMPORARY')
       AND has_database_privilege($1, current_database(), 'CONNECT')
       AND has_database_privilege($2, current_database(), 'CONNECT')
"""


async def _ensure_closed(admin: asyncpg.Connection, login: str) -> None:
    """Let only `login` and the migrators connect to this database; the logins of other databases cannot.

    `login` is granted it by name: the group towpath_app has the logins of every Towpath database.
    """
    if await admin.fetchval(DATABASE_IS_CLOSED, login, OWNER):
        return
    database = identifier(await admin.fetchval("SELECT current_database()"))
    grants = (
        f"REVOKE CONNECT, TEMPORARY ON DATABASE {database} FROM PUBLIC; "
        f"GRANT CONNECT ON DATABASE {database} TO {OWNER}, {identifier(login)};"
    )
    await admin.execute(grants)
    if not await admin.fetchval(DATABASE_IS_CLOSED, login, OWNER):
        raise RolesRefused(
            "this role may not say who connects to the database: let it own the database "
            f"(ALTER DATABASE … OWNER TO …), or run this once as the owner: {grants}"
        )


async def _lacking(admin: asyncpg.Connection, error: asyncpg.PostgresError) -> str:
    migrator = identifier(await admin.fetchval("SELECT session_user"))
    return (
        f"the role {migrator} may not create Towpath's roles ({error.args[0]}). As a superuser, run: "
        f"ALTER ROLE {migrator} CREATEROLE BYPASSRLS; let it own the database; and where the roles exist "
        f"already, GRANT {OWNER}, {APP} TO {migrator} WITH ADMIN OPTION"
    )


def identifier(name: str) -> str:
    """Return `name` as a quoted SQL identifier. Raises RolesRefused where the server would shorten it."""
    if not name or "\0" in name or len(name.encode()) > IDENTIFIER_BYTES:
        raise RolesRefused(f"the name of a role must have 1 to {IDENTIFIER_BYTES} bytes")
    return '"' + name.replace('"', '""') + '"'


def scram_verifier(password: str) -> str:
    """Return what PostgreSQL stores of a password (RFC 5803), so that the password itself is never sent.

    Raises RolesRefused unless the password is printable ASCII: clients treat others differently.
    """
    if not (password and password.isascii() and password.isprintable()):
        raise RolesRefused("the password of a database role must be printable ASCII")
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, SCRAM_ITERATIONS)
    stored_key = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    parts = [base64.b64encode(part).decode() for part in (salt, stored_key, server_key)]
    return f"SCRAM-SHA-256${SCRAM_ITERATIONS}:{parts[0]}${parts[1]}:{parts[2]}"
