"""Logs say what happened and where in the program, never what a client said."""

import json
import subprocess
import sys

import pytest

from tests.commands.running import ROOT

CANARY = "she said it by the old lock"

SETUP = """
import asyncio, logging, structlog
from service.logs import configure_logs
configure_logs(machine=True)
"""
OWN = "structlog.get_logger().error('note lost', exc_info=ValueError(CANARY))"
LIBRARY = (
    "logging.getLogger('uvicorn.error').error('Exception in ASGI application', exc_info=ValueError(CANARY))"
)
FILLED_IN = "logging.getLogger('some').warning('cannot read %s', CANARY)"
FORMATTED = "logging.getLogger('some').warning(f'cannot read: {CANARY}')"
FORGOTTEN = """
async def fail():
    raise ValueError(CANARY)
async def main():
    asyncio.get_running_loop().call_soon(asyncio.create_task, fail())
    await asyncio.sleep(0.05)
asyncio.run(main())
"""


def logged(statement: str) -> str:
    """Return what a process that runs `statement` logs."""
    script = f"CANARY = {CANARY!r}\n{SETUP}\n{statement}"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stderr


@pytest.mark.parametrize("statement", [OWN, LIBRARY, FILLED_IN, FORMATTED, FORGOTTEN])
def test_no_words_of_an_error_reach_the_log(statement: str) -> None:
    said = logged(statement)
    assert json.loads(said)["event"]
    assert CANARY not in said


@pytest.mark.parametrize("statement", [OWN, LIBRARY, FORGOTTEN])
def test_the_kind_of_error_does(statement: str) -> None:
    assert json.loads(logged(statement))["error"] == "ValueError"


def test_what_libraries_tell_without_need_is_left_out() -> None:
    assert logged("logging.getLogger('uvicorn.error').info('Started server process')") == ""
