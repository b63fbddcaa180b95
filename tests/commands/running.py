"""The `towpath` command as a process of its own, with settings in its environment."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-W", "error", "-m", "service"]
PATIENCE_S = 60


def environment(**settings: str | Path) -> dict[str, str]:
    """Return the environment of a process with only these settings: `data=…` for TOWPATH_DATA."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TOWPATH_")}
    return {**kept, **{f"TOWPATH_{name.upper()}": str(value) for name, value in settings.items()}}


def towpath(*arguments: str | Path, **settings: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        cwd=ROOT,
        env=environment(**settings),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def succeeding(*arguments: str | Path, **settings: str | Path) -> str:
    """Run a command that succeeds, and return its output."""
    done = towpath(*arguments, **settings)
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(*arguments: str | Path, **settings: str | Path) -> str:
    """Run a command that fails with a sentence and no traceback, and return the sentence."""
    done = towpath(*arguments, **settings)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


class Service(msgspec.Struct, frozen=True):
    """A running `towpath serve`."""

    address: str
    process: subprocess.Popen[str]

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(how)
        return self.process.wait(PATIENCE_S)


@contextmanager
def serving(**settings: str | Path) -> Iterator[Service]:
    """Run `towpath serve` on a free port; yield when it says where."""
    with subprocess.Popen(
        [*COMMAND, "serve"],
        cwd=ROOT,
        env=environment(**{"port": "0", **settings}),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            said = process.stdout.readline()
            found = re.search(r"http://\S+", said)
            assert found, f"it did not start: {said}"
            yield Service(found[0], process)
        finally:
            process.terminate()
            process.wait(PATIENCE_S)
