"""Health checks: whether the process is alive, and whether it can serve requests."""

import sys
from importlib.resources import files

import pytest

from service.foundation.database.sql_files import read_sql_files
from tests.http.look import Look
from tests.http.world import World


def test_a_service_on_its_own_schema_is_ready(world: World) -> None:
    assert world.nobody.get("/health/live").json() == {"status": "alive"}
    assert world.nobody.get("/health/ready").json() == {"status": "ready"}


def test_being_ready_is_answered_without_reading_the_sql_files_again(world: World) -> None:
    read: list[str] = []
    listening = True

    def listen(event: str, arguments: tuple[object, ...]) -> None:
        if listening and event == "open" and str(arguments[0]).endswith(".sql"):
            read.append(str(arguments[0]))

    sys.addaudithook(listen)  # stays for good, so it is told to stop
    read_sql_files(files("migrations"))
    assert read
    read.clear()
    assert world.nobody.get("/health/ready").status_code == 200
    assert read == []
    listening = False


NEWER = """
    INSERT INTO migration_ledger (number, name, sha256, applied_at)
    SELECT 9999, '9999_later.sql', sha256, now()
      FROM migration_ledger
     WHERE number = 1
"""
NO_LONGER_NEWER = "DELETE FROM migration_ledger WHERE number = 9999"
EDITED = "UPDATE migration_ledger SET sha256 = reverse(sha256) WHERE number = 1"


@pytest.mark.parametrize(
    ("change", "undo"), [(NEWER, NO_LONGER_NEWER), (EDITED, EDITED)], ids=["newer", "edited"]
)
def test_a_service_on_another_schema_is_alive_and_not_ready(
    world: World, look: Look, change: str, undo: str
) -> None:
    look.rows(change)
    try:
        answer = world.nobody.get("/health/ready")
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:towpath:problem:unavailable")
        assert int(answer.headers["retry-after"]) > 0
        assert world.nobody.get("/health/live").status_code == 200
    finally:
        look.rows(undo)
