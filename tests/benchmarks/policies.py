"""What row-level security costs: reads as the application, compared with reads that no policy binds.

    python -m tests.benchmarks.policies

The most frequent reads are one SQL function that verifies the token and reads. The limit is the same function
called by a superuser. All other reads open a transaction for a practice and a therapist. Their limit is the
query alone as a superuser, on an ordinary asyncpg pool, which sends a reset whenever a connection comes back.
Towpath's pool sends none, so a second limit leaves the reset out as well.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import asyncpg
import msgspec
import uvloop

from service.foundation.crypto.tokens import parse_token
from service.foundation.database.connection import Begin, Connection, Pool, open_pool
from service.foundation.tenant import Tenant
from service.people.sign_in_queries import TokenReader
from service.record.note_queries import list_note_sizes
from service.record.track_queries import find_geojson_of_token
from service.sessions.session_queries import find_session, find_session_of_token
from service.walks.route_queries import RouteSearch, find_route, find_route_of_token, list_routes
from tests.benchmarks.rounds import compare
from tests.benchmarks.served import Served, a_route, served
from tests.http.sessions import a_note, a_recording, a_session, at, send_track
from tests.http.world import Phone

SECONDS: Final = 1.0
CONNECTIONS: Final = 16
NOTES: Final = 10
HOT_TARGET: Final = 0.85
TARGET: Final = 0.60

Read = Callable[[Connection], Awaitable[object]]


class OwnRows(msgspec.Struct, frozen=True):
    """A therapist's own rows, and the access token that opens them."""

    tenant: Tenant
    digest: bytes
    route_id: UUID
    session_id: UUID

    def by_token(self, pool: Pool) -> TokenReader:
        """Return the token, to be verified on a connection of `pool`."""
        return TokenReader(pool, self.tenant.practice_id, self.digest, datetime.now(UTC))


def main() -> None:
    """Measure every read and print its line."""
    with served() as service:
        measure_policies(service)


def measure_policies(service: Served) -> None:
    """Print each read's rate with row-level security, the rate without, and their ratio."""
    own = a_practice_of(service.phones[3])
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        app = runner.run(open_pool(service.app_dsn, size=CONNECTIONS))
        superuser = runner.run(open_pool(service.admin_dsn, size=CONNECTIONS))
        as_it_comes = runner.run(ordinary_pool(service.admin_dsn))
        for name, hot in hot_reads(own).items():
            compare(
                f"{name}: one function under row-level security, compared with the same without",
                "/s",
                lambda hot=hot: runner.run(rate(lambda: hot(own.by_token(app)))),  # type: ignore[misc]
                lambda hot=hot: runner.run(rate(lambda: hot(own.by_token(superuser)))),  # type: ignore[misc]
                target=HOT_TARGET,
            )
        for name, read in reads(own).items():
            for beside, pool, target in (
                ("", as_it_comes, TARGET),
                (" and no reset", superuser.connections, None),
            ):
                compare(
                    f"{name}: row-level security, compared with a plain WHERE{beside}",
                    "/s",
                    lambda read=read: runner.run(rate(lambda: guarded(Begin(app, own.tenant), read))),  # type: ignore[misc]
                    lambda read=read, pool=pool: runner.run(rate(lambda: plain(pool, read))),  # type: ignore[misc]
                    target=target,
                )
        for each in (app.connections, superuser.connections, as_it_comes):
            runner.run(each.close())


async def ordinary_pool(dsn: str) -> asyncpg.Pool:
    return await asyncpg.create_pool(dsn, min_size=CONNECTIONS, max_size=CONNECTIONS)


def a_practice_of(phone: Phone) -> OwnRows:
    """Draw twenty routes, hold a session on one and write notes about it."""
    routes = [a_route(phone, f"Route {number:02}") for number in range(20)]
    session = a_session(phone, route_id=routes[0])
    for minute in range(NOTES):
        a_note(phone, session, about="instant", about_at=at(60 * minute))
    assert send_track(phone, session, a_recording()).status_code == 201
    token = parse_token(phone.tokens["access_token"], "access")
    assert token is not None
    tenant = Tenant(token.practice_id, phone.therapist_id)
    return OwnRows(tenant, token.digest, UUID(routes[0]), UUID(session.rpartition("/")[2]))


def hot_reads(own: OwnRows) -> dict[str, Callable[[TokenReader], Awaitable[object]]]:
    """Return the reads that are one SQL function."""
    return {
        "route by id": lambda by_token: find_route_of_token(by_token, own.route_id),
        "session by id": lambda by_token: find_session_of_token(by_token, own.session_id),
        "track GeoJSON": lambda by_token: find_geojson_of_token(by_token, own.session_id),
    }


def reads(own: OwnRows) -> dict[str, Read]:
    """Return the reads that open a transaction, of one row and of several."""
    practice_id, session_id = own.tenant.practice_id, own.session_id
    return {
        "session by id, in a transaction": lambda connection: find_session(
            connection, practice_id, session_id
        ),
        "route by id": lambda connection: find_route(connection, practice_id, own.route_id),
        f"{NOTES} notes of a session": lambda connection: list_note_sizes(
            connection, practice_id, session_id, after=None, limit=NOTES
        ),
        "20 routes": lambda connection: list_routes(
            connection, practice_id, RouteSearch(), after=None, limit=20
        ),
    }


async def guarded(begin: Begin, read: Read) -> object:
    """Read in a transaction, as most handlers do."""
    async with begin.read() as connection:
        return await read(connection)


async def plain(pool: asyncpg.Pool, read: Read) -> object:
    """Read as a superuser, outside a transaction."""
    async with pool.acquire() as connection:
        return await read(connection)


async def rate(read: Callable[[], Awaitable[object]]) -> float:
    """Return reads a second over sixteen connections. Raises LookupError where one finds nothing."""
    until = time.perf_counter() + SECONDS

    async def reading() -> int:
        count = 0
        while time.perf_counter() < until:
            if not await read():
                raise LookupError("a read found nothing")
            count += 1
        return count

    began = time.perf_counter()
    counts = await asyncio.gather(*(reading() for _ in range(CONNECTIONS)))
    return sum(counts) / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
