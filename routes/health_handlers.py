"""Health checks: whether the process is alive, and whether it can serve requests."""

from litestar import get
from litestar.di import NamedDependency

from routes.http.dependencies import Services
from schemas.health import Health
from service.foundation.database.connection import a_connection
from service.foundation.database.migrate import pending
from service.foundation.database.sql_files import MigrationRefused

PUBLIC = {"open": True}


@get("/health/live", operation_id="health_live", summary="Is the process alive", tags=["health"], opt=PUBLIC)
async def get_live() -> Health:
    """Answer 200 as long as the process runs. This says nothing about the database."""
    return Health("alive")


@get("/health/ready", operation_id="health_ready", summary="Can it serve", tags=["health"], opt=PUBLIC)
async def get_ready(services: NamedDependency[Services]) -> Health:
    """Answer 200 if the database answers and has this program's schema; otherwise a 503 problem."""
    async with a_connection(services.pool) as connection:
        behind = await pending(connection)
    if behind:
        raise MigrationRefused("the database lacks SQL files of this program")
    return Health("ready")


HANDLERS = [get_live, get_ready]
