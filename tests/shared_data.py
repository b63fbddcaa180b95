"""Real recordings, which are not in the repository; a test that needs one skips where it is absent."""

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("TOWPATH_SHARED_DATA", Path(__file__).parents[2] / "shared" / "data"))


def shared_file(name: str) -> Path:
    """Return the path of a file below the shared data folder; skip the test where it is absent."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"shared data absent: {name}")
    return path
