"""On a standby reads work, and a write is refused as an outage."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from uuid import uuid4

import asyncpg
import pytest

from service.foundation.database.connection import Begin, open_pool
from service.foundation.database.embedded import start_embedded
from service.foundation.database.embedded.accounts import choose_account, run_program
from service.foundation.database.embedded.attach import attach_embedded
from service.foundation.database.embedded.cluster import clear_traces
from service.foundation.database.embedded.copies import binaries_for
from service.foundation.database.embedded.folder import DataFolder
from service.foundation.database.embedded.locks import lock_for_server
from service.foundation.database.embedded.process import Postmaster
from service.foundation.database.embedded.settings import as_arguments
from service.foundation.database.embedded.sockets import clear_link, socket_folder
from service.foundation.database.outages import DatabaseAway
from service.foundation.tenant import Tenant


@contextmanager
def running_as_standby(data: Path) -> Iterator[str]:
    """Start a stopped embedded server as a standby; yield its superuser's URL."""
    folder = DataFolder(data.resolve())
    account = choose_account(folder.home)
    run_program(["touch", "cluster/standby.signal"], account, cwd=folder.home)
    with TemporaryFile() as complaints:
        command: list[str | Path] = [binaries_for(account, print) / "postgres", *as_arguments()]
        postmaster = Postmaster(command, folder, account, complaints)
        with lock_for_server(folder, account, print) as lock:
            clear_traces(folder, account)
            postmaster.launch(lock)
        try:
            socket_folder(folder)
            yield attach_embedded(data).admin_dsn
        finally:
            postmaster.end()
            clear_link(folder)


async def answering(dsn: str) -> None:
    """Return when a server takes connections."""
    async with asyncio.timeout(20):
        while True:
            try:
                connection = await asyncpg.connect(dsn)
            except (OSError, asyncpg.CannotConnectNowError):
                await asyncio.sleep(0.05)
            else:
                return await connection.close()


@pytest.mark.anyio
async def test_a_write_is_refused_as_an_outage_and_a_read_is_answered(tmp_path: Path) -> None:
    start_embedded(tmp_path / "data").stop()
    with running_as_standby(tmp_path / "data") as dsn:
        await answering(dsn)
        async with await open_pool(dsn, size=1) as pool:
            begin = Begin(pool, Tenant(uuid4(), uuid4()))
            async with begin.read() as connection:
                assert await connection.fetchval("SELECT pg_is_in_recovery()")
            with pytest.raises(DatabaseAway, match="standby"):
                async with begin.unstamped():
                    pass
            async with begin.read() as connection:
                assert await connection.fetchval("SHOW transaction_isolation") == "repeatable read"
