"""Checks before the first request: the key file, and whether it is safe to serve on the database."""

from datetime import datetime
from pathlib import Path

from service.foundation.crypto.key_file import KeyFile, KeyFileUnreadable, create_key_file, load_key_file
from service.foundation.crypto.sealing import Keyring, key_id_of
from service.foundation.database.checks import refuse_unsafe
from service.foundation.database.connection import Pool, a_connection, system_write
from service.foundation.database.installations import find_key_check, keep_key_check
from service.foundation.database.migrate import pending
from service.foundation.database.tables import SYSTEM_TABLES, TENANT_TABLES


class MigrationsPending(Exception):
    """The database lacks SQL files of this program."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(
            f"This database lacks {len(names)} of this program's SQL files; the first is {names[0]}."
            " Run `towpath migrate` with TOWPATH_MIGRATOR_URL, a login that may create roles and tables."
        )
        self.names = names


async def refuse_unready(pool: Pool, keyring: Keyring, now: datetime) -> None:
    """Return when this database may be served on with these keys. A new database stores their check value.

    Raises MigrationsPending, MigrationRefused, UnsafeDatabase or WrongKeyFile.
    """
    async with a_connection(pool) as connection:
        if behind := await pending(connection):
            raise MigrationsPending(behind)
        await refuse_unsafe(connection, tenant_tables=TENANT_TABLES, system_tables=SYSTEM_TABLES)
    async with system_write(pool) as connection:
        await keep_key_check(connection, keyring.check_value(), now)
        known = await find_key_check(connection)
    if known is not None:
        keyring.refuse_other(known)


def open_keys(path: Path, key_check: bytes | None) -> KeyFile:
    """Return the keys in `path`. A database without a check value has sealed nothing, so keys are created.

    `key_check` is the check value in the database. Raises KeyFileError before anything is written.
    """
    if key_check is None and not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return create_key_file(path)
    if key_check is None and path.is_file() and path.stat().st_size == 0:
        raise KeyFileUnreadable(
            f"{path} is empty. This installation is new, so nothing is lost: remove the file, and the next"
            " start makes one; or fill it with `towpath key create`."
        )
    keys = load_key_file(path, None if key_check is None else key_id_of(key_check))
    if key_check is not None:
        Keyring(keys).refuse_other(key_check)
    return keys
