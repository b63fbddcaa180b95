"""What row-level security costs: reads as the application, beside the same without policies.

    python -m tests.benchmarks.policies

The reads made most verify their token and read in one round trip; beside them stands the same function called
by a superuser, whom no policy binds. All others open a transaction that says whose it is; beside them stands
the query alone, with nothing but its own WHERE, on asyncpg's pool as it comes, which sends a reset when it is
given a connection back. What is saved by doing without that is left out of a second figure.
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


class Known(msgspec.Struct, frozen=True):
    """A therapist's own rows, and the access token that opens them."""

    tenant: Tenant
    digest: bytes
    route_id: UUID
    session_id: UUID

    def by_token(self, pool: Pool) -> TokenReader:
        """Return the token, to be verified on a connection of `pool`."""
        return TokenReader(pool, self.tenant.practice_id, self.digest, datetime.now(UTC))


def main() -> None:
    """Measure every read and print it."""
    with served() as service:
        measure_policies(service)


def measure_policies(service: Served) -> None:
    """Print each read's rate under row-level security, the rate without, and their ratio."""
    known = a_practice_of(service.phones[3])
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        app = runner.run(open_pool(service.app_dsn, size=CONNECTIONS))
        superuser = runner.run(open_pool(service.admin_dsn, size=CONNECTIONS))
        as_it_comes = runner.run(ordinary_pool(service.admin_dsn))
        for name, hot in hot_reads(known).items():
            compare(
                f"{name}: one function under row-level security, beside the same without",
                "/s",
                lambda hot=hot: runner.run(rate(lambda: hot(known.by_token(app)))),  # type: ignore[misc]
                lambda hot=hot: runner.run(rate(lambda: hot(known.by_token(superuser)))),  # type: ignore[misc]
                target=HOT_TARGET,
            )
        for name, read in reads(known).items():
            for beside, pool, target in (
                ("", as_it_comes, TARGET),
                (" and no reset", superuser.connections, None),
            ):
                compare(
                    f"{name}: row-level security, beside a plain WHERE{beside}",
                    "/s",
                    lambda read=read: runner.run(rate(lambda: guarded(Begin(app, known.tenant), read))),  # type: ignore[misc]
                    lambda read=read, pool=pool: runner.run(rate(lambda: plain(pool, read))),  # type: ignore[misc]
                    target=target,
                )
        for each in (app.connections, superuser.connections, as_it_comes):
            runner.run(each.close())


async def ordinary_pool(dsn: str) -> asyncpg.Pool:
    return await asyncpg.create_pool(dsn, min_size=CONNECTIONS, max_size=CONNECTIONS)


def a_practice_of(phone: Phone) -> Known:
    """Let a therapist draw twenty routes, walk one and write a few notes."""
    routes = [a_route(phone, f"Route {number:02}") for number in range(20)]
    session = a_session(phone, route_id=routes[0])
    for minute in range(NOTES):
        a_note(phone, session, about="instant", about_at=at(60 * minute))
    assert send_track(phone, session, a_recording()).status_code == 201
    token = parse_token(phone.tokens["access_token"], "access")
    assert token is not None
    tenant = Tenant(token.practice_id, phone.therapist_id)
    return Known(tenant, token.digest, UUID(routes[0]), UUID(session.rpartition("/")[2]))


def hot_reads(known: Known) -> dict[str, Callable[[TokenReader], Awaitable[object]]]:
    """Return the reads that are one function."""
    return {
        "route by id": lambda by_token: find_route_of_token(by_token, known.route_id),
        "session by id": lambda by_token: find_session_of_token(by_token, known.session_id),
        "track GeoJSON": lambda by_token: find_geojson_of_token(by_token, known.session_id),
    }


def reads(known: Known) -> dict[str, Read]:
    """Return ordinary reads, of one row and of several."""
    practice_id, session_id = known.tenant.practice_id, known.session_id
    return {
        "session by id, in a transaction": lambda connection: find_session(
            connection, practice_id, session_id
        ),
        "route by id": lambda connection: find_route(connection, practice_id, known.route_id),
        f"{NOTES} notes of a session": lambda connection: list_note_sizes(
            connection, practice_id, session_id, after=None, limit=NOTES
        ),
        "20 routes": lambda connection: list_routes(
            connection, practice_id, RouteSearch(), after=None, limit=20
        ),
    }


async def guarded(begin: Begin, read: Read) -> object:
    """Read as every ordinary handler does."""
    async with begin.read() as connection:
        return await read(connection)


async def plain(pool: asyncpg.Pool, read: Read) -> object:
    """Read as a superuser, outside a transaction."""
    async with pool.acquire() as connection:
        return await read(connection)


async def rate(read: Callable[[], Awaitable[object]]) -> float:
    """Return reads a second over sixteen connections at once. Raises where one finds nothing."""
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
