"""Runs the service in a process of its own, and beside it a bare application without sign-in and policies."""

import asyncio
import multiprocessing
import tempfile
from collections.abc import Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import asyncpg
import httpx
import msgspec
import uvicorn
import uvloop
from litestar import Litestar, Response, get
from litestar.params import FromPath

from routes.http.answers import answer
from routes.http.connections import PhoneConnection
from schemas.walks.routes import RouteOut
from service.app import Composition, create_app
from service.commands.installation import steps_of
from service.foundation.crypto.key_file import KeyFile
from service.foundation.database.embedded import EmbeddedServer, start_embedded
from service.foundation.database.migrate import migrate
from service.foundation.database.roles import ensure_roles
from service.logs import configure_logs
from service.people.keep_practice import NewPractice, create_practice
from service.walks.route_queries import find_full_route
from tests.http.running import listen
from tests.http.world import PASSWORD, Phone, a_device

PEOPLE = 8


class Served(msgspec.Struct, frozen=True):
    """Both running applications, and phones that are signed in, each to a practice of its own."""

    port: int
    bare_port: int
    phones: list[Phone]
    app_dsn: str
    admin_dsn: str
    pid: int


@contextmanager
def served() -> Iterator[Served]:
    """Run both until the block ends."""
    with tempfile.TemporaryDirectory() as folder, start_embedded(Path(folder) / "data") as server:
        name, password = f"bench_{token_hex(3)}", token_hex(16)
        admin_dsn = asyncio.run(_prepare(server, name, password))
        ports = multiprocessing.get_context("spawn").Queue()
        app_dsn = server.dsn("bench", password, name)
        arguments = (app_dsn, admin_dsn, ports)
        process = multiprocessing.get_context("spawn").Process(target=_serve, args=arguments)
        process.start()
        try:
            port, bare_port, emails = ports.get(timeout=60)
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as http:
                phones = [_signed_in(http, email) for email in emails]
                yield Served(port, bare_port, phones, app_dsn, admin_dsn, process.pid or 0)
        finally:
            process.terminate()
            process.join(20)


async def _prepare(server: EmbeddedServer, name: str, password: str) -> str:
    admin = await asyncpg.connect(server.admin_dsn)
    await admin.execute(f"CREATE DATABASE {name}")
    await admin.close()
    migrator = await asyncpg.connect(server.admin_dsn, database=name)
    await ensure_roles(migrator, login="bench", password=password)
    await migrate(migrator, steps=steps_of(Path("none")), progress=lambda _: None)
    await migrator.close()
    return urlsplit(server.admin_dsn)._replace(path=f"/{name}").geturl()


def _signed_in(http: httpx.Client, email: str) -> Phone:
    phone = Phone(http)
    body = {"email": email, "password": PASSWORD, "device": a_device()}
    return Phone(http, phone.post("/v1/sign-in", body).json())


def a_route(phone: Phone, name: str = "Willow towpath") -> str:
    """Draw a route with a few points, and return its id."""
    line = {"type": "LineString", "coordinates": [[0.001 * at, 51.5] for at in range(50)]}
    route = {"id": str(uuid4()), "name": name, "geojson": line}
    assert phone.post("/v1/routes", route).status_code == 201
    return str(route["id"])


def _serve(dsn: str, admin_dsn: str, ports: Any) -> None:
    uvloop.run(_serve_both(dsn, admin_dsn, ports))


async def _serve_both(dsn: str, admin_dsn: str, ports: Any) -> None:
    """Serve the service and the bare application, which reads as a superuser."""
    configure_logs(level="info", machine=True)
    app = create_app(Composition(dsn=dsn, keys=KeyFile.new(), address=""))
    bare = _bare(admin_dsn)
    async with app.lifespan(), bare.lifespan():
        services = app.state.services
        emails = [f"{token_hex(4)}@example.org" for _ in range(PEOPLE)]
        for email in emails:
            new = NewPractice("Bench", "UTC", email, "Ada Lock", PASSWORD)
            await create_practice(services.pool, services.keyring, services.hasher, new, services.clock())
        listeners = [listen() for _ in range(2)]
        ports.put((listeners[0].getsockname()[1], listeners[1].getsockname()[1], emails))
        await asyncio.gather(_uvicorn(app).serve([listeners[0]]), _uvicorn(bare).serve([listeners[1]]))


def _uvicorn(app: Litestar) -> uvicorn.Server:
    config = uvicorn.Config(app, lifespan="off", log_config=None, access_log=False, http=PhoneConnection)
    return uvicorn.Server(config)


def _bare(admin_dsn: str) -> Litestar:
    """Return the bare application: the same read without sign-in, row-level security and middleware."""

    @get("/empty")
    async def empty() -> dict[str, str]:
        return {}

    @get("/practices/{practice_id:uuid}/routes/{route_id:uuid}")
    async def read(practice_id: FromPath[UUID], route_id: FromPath[UUID]) -> Response[RouteOut]:
        async with app.state.pool.acquire() as connection:
            full = await find_full_route(connection, practice_id, route_id)
        assert full is not None
        return answer(RouteOut.from_full(full), full.route.shown_revision)

    @asynccontextmanager
    async def pooled(app: Litestar) -> Any:
        async with await asyncpg.create_pool(admin_dsn, min_size=1, max_size=10) as pool:
            app.state.pool = pool
            yield

    app = Litestar([empty, read], lifespan=[pooled], logging_config=None, openapi_config=None)
    return app
