"""Long computations away from the event loop, two at a time, with few waiting.

Two, for the interpreter runs one of them at a time anyway.
"""

from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

from service.foundation.threads import Threads

Asked = ParamSpec("Asked")
Answer = TypeVar("Answer")

THREADS: Final = 2
PLACES: Final = 32
"""Computations running or waiting; the next one is refused rather than kept waiting with its upload."""

_computing: Final = Threads(
    "computing",
    threads=THREADS,
    at_most=PLACES,
    refusal="too many files are being read at the moment; try again",
)


async def off_loop(function: Callable[Asked, Answer], *args: Asked.args, **kwargs: Asked.kwargs) -> Answer:
    """Return what `function` returns, computed in another thread. Raises Overloaded, and what it raises."""
    return await _computing.run(function, *args, **kwargs)
