"""Finding routes as they become many, and a walk pack beside the read of one route.

    python -m tests.benchmarks.planning

Finding stays flat to 1.3 times from 100 routes to 100,000 over 1,000 practices, and to 2 times from 100 to
10,000 within one, all of them at one place. A walk pack takes at most 3 times the read of its route.
"""

import asyncio
import statistics
import time
from collections.abc import Callable
from typing import Final
from uuid import UUID

import asyncpg

from tests.benchmarks.rounds import compare
from tests.benchmarks.served import Served, a_route, served
from tests.http.sessions import a_session
from tests.http.world import Phone

ROUTES: Final = 100
WITHIN_ONE: Final = 10_000
PRACTICES: Final = 1_000
ASKED: Final = 10
FLAT: Final = 1.3
NEAR: Final = {"lon": 0.0, "lat": 51.5, "minutes": 120, "needs": "step_free,light"}


def main() -> None:
    """Print how finding grows, and what a walk pack takes."""
    with served() as service:
        few, many, walker = service.phones[:3]
        fill(service, few, ROUTES)
        fill(service, many, WITHIN_ONE)
        compare(
            f"finding among {WITHIN_ONE:,} routes of one practice, beside {ROUTES}",
            "ms",
            lambda: finding_ms(many),
            lambda: finding_ms(few),
            target=2.0,
            smaller=True,
        )
        before, calibrated = statistics.median(finding_ms(few) for _ in range(7)), calibration_ms()
        others(service, few)
        after, calibrated_after = statistics.median(finding_ms(few) for _ in range(7)), calibration_ms()
        ratio = after / before * calibrated / calibrated_after
        print(
            f"finding among {ROUTES} of {ROUTES * PRACTICES:,} routes of {PRACTICES:,} practices:"
            f" {after:.1f} ms, alone {before:.1f}, calibrated ratio {ratio:.2f}, wanted ≤ {FLAT}:"
            f" {'met' if ratio <= FLAT else 'MISSED'}"
        )
        walk_pack(walker)


def walk_pack(phone: Phone) -> None:
    """Read a walk pack; the limit is the read of its route."""
    route_id = a_route(phone)
    session = a_session(phone, route_id=route_id)
    compare(
        "walk pack, beside its route",
        "ms",
        lambda: reading_ms(phone, f"{session}/walk-pack"),
        lambda: reading_ms(phone, f"/v1/routes/{route_id}"),
        target=3.0,
        smaller=True,
    )


def timed_ms(work: Callable[[], object]) -> float:
    """Return the median of several calls."""
    times = []
    for _ in range(ASKED):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times) * 1_000


def reading_ms(phone: Phone, path: str) -> float:
    """Return the milliseconds of one read."""

    def read() -> None:
        answer = phone.get(path)
        assert answer.status_code == 200, answer.text

    return timed_ms(read)


def finding_ms(phone: Phone) -> float:
    """Return the milliseconds of one search."""

    def find() -> None:
        answer = phone.get("/v1/routes/near", params=NEAR)
        assert answer.json()["found"] == ROUTES, answer.text

    return timed_ms(find)


def calibration_ms() -> float:
    """Return the milliseconds of a fixed loop: the machine's own speed."""
    return timed_ms(lambda: sum(number * number for number in range(200_000)))


def fill(service: Served, phone: Phone, routes: int) -> None:
    """Give a practice so many routes, copies of one."""
    route_id = a_route(phone)
    practice_id = UUID(phone.tokens["practice_id"])
    copies = f"generate_series(1, {routes - 1}) AS copy"
    new_id = "md5(copy::text || original.practice_id)::uuid"
    asyncio.run(copy_rows(service, "route", copies, practice_id, {"id": new_id}))
    line = {"route_id": new_id}
    asyncio.run(
        copy_rows(service, "route_version", copies, practice_id, line, only=f"route_id = '{route_id}'")
    )


def others(service: Served, phone: Phone) -> None:
    """Copy a practice's routes to so many others."""
    practice_id = UUID(phone.tokens["practice_id"])
    copies = f"generate_series(1, {PRACTICES - 1}) AS copy"
    for table in ("practice_directory", "practice", "route", "route_version"):
        new_id = {"practice_id": "md5(copy::text)::uuid"}
        asyncio.run(copy_rows(service, table, copies, practice_id, new_id))


async def copy_rows(
    service: Served, table: str, copies: str, practice_id: UUID, new: dict[str, str], only: str = "true"
) -> None:
    """Copy a practice's rows of a table, with some columns anew."""
    connection = await asyncpg.connect(service.admin_dsn)
    try:
        found = await connection.fetch(
            "SELECT column_name FROM information_schema.columns"
            " WHERE table_name = $1 AND is_generated = 'NEVER'",
            table,
        )
        names = [row["column_name"] for row in found]
        values = [new.get(each, f"original.{each}") for each in names]
        await connection.execute(
            f"INSERT INTO {table} ({', '.join(names)}) SELECT {', '.join(values)}"
            f" FROM {table} AS original, {copies} WHERE original.practice_id = $1 AND {only}",
            practice_id,
            timeout=300,
        )
        await connection.execute(f"ANALYZE {table}")
    finally:
        await connection.close()


if __name__ == "__main__":
    main()
