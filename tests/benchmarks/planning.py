"""Finding routes as they become many, and a walk pack beside the read of one route.

    python -m tests.benchmarks.planning

Finding stays flat to 1.3 times from 100 routes to 100,000 over 1,000 practices, and to 2 times from 100 to
10,000 within one, all of them at one place. A walk pack takes at most 3 times the read of its route. A
picture of a route of 10,000 points takes at most 15 ms and 40 KB.
"""

import asyncio
import statistics
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Final
from uuid import UUID

import asyncpg
import numpy as np

from service.geo.fixes import NO_TIME, Fixes
from service.geo.geodesy import length_m
from service.walks.outline_picture import ColourBy, draw_outline
from service.walks.profile_picture import draw_profile
from service.walks.stretches import Ground, Stretch, Surface, whole_line
from tests.benchmarks.rounds import compare
from tests.benchmarks.served import Served, a_route, served
from tests.http.sessions import a_session
from tests.http.world import Phone
from tests.made_up_walks import on_the_ground

ROUTES: Final = 100
WITHIN_ONE: Final = 10_000
PRACTICES: Final = 1_000
ASKED: Final = 10
FLAT: Final = 1.3
POINTS: Final = 10_000
PICTURE_MS: Final = 15
PICTURE_KB: Final = 40
NEAR: Final = {"lon": 0.0, "lat": 51.5, "minutes": 120, "needs": "step_free,light"}


def main() -> None:
    """Print what pictures take, how finding grows, and what a walk pack takes."""
    pictures()
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


def pictures() -> None:
    """Draw a route of 10,000 points, with 300 stretches and without, and its profile."""
    noise = np.random.default_rng(1)
    turn = np.linspace(0, 2 * np.pi, POINTS)
    wander_m = [np.cumsum(noise.normal(0, 3, POINTS)) for _ in range(2)]
    lon, lat = on_the_ground(2_000 * np.cos(turn) + wander_m[0], 1_500 * np.sin(turn) + wander_m[1])
    line = Fixes(
        lon, lat, np.cumsum(noise.normal(0, 0.5, POINTS)), np.full(POINTS, NO_TIME), np.zeros(1, np.int64)
    )
    ends_m, surfaces = np.linspace(0, length_m(line), 301).tolist(), list(Surface)
    many = [
        Stretch(*ends, Ground(surface=surfaces[number % len(surfaces)]))
        for number, ends in enumerate(pairwise(ends_m))
    ]
    one = whole_line((), length_m(line))
    drawn: dict[str, Callable[[], bytes]] = {
        "outline": lambda: draw_outline("Weir", line, one, (), None),
        "outline of 300 stretches": lambda: draw_outline("Weir", line, many, (), ColourBy.SURFACE),
        "profile": lambda: draw_profile("Weir", line, (), None),
    }
    for name, draw in drawn.items():
        took_ms, kilobytes = timed_ms(draw), len(draw()) / 1_000
        met = "met" if took_ms <= PICTURE_MS and kilobytes <= PICTURE_KB else "MISSED"
        print(
            f"{name} of {POINTS:,} points: {took_ms:.1f} ms, wanted ≤ {PICTURE_MS}; {kilobytes:.0f} KB,"
            f" wanted ≤ {PICTURE_KB}: {met}; a fixed loop takes {calibration_ms():.1f} ms"
        )


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
