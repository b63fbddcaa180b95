"""Listing and searching clients, whose labels are sealed: `python -m tests.benchmarks.labels`.

A list opens every label of the therapist, to order and search them. The limit is the list of a therapist with
as many clients as one page shows.
"""

import statistics
import time
from typing import Final
from uuid import uuid4

from tests.benchmarks.served import served
from tests.http.world import Phone

PAGE: Final = 20
CLIENTS: Final = 1_000
ROUNDS: Final = 50
FILE_ROWS: Final = 500


def main() -> None:
    """Print the time of a list and of a search, with few and with many clients."""
    with served() as service:
        few, many = service.phones[:2]
        add_clients(few, PAGE)
        add_clients(many, CLIENTS)
        limit_ms = median_ms(few, "")
        for what, query in (("listing", ""), ("searching", "&label=w-99")):
            took_ms = median_ms(many, query)
            print(
                f"labels: {what} {CLIENTS} clients {took_ms:.1f} ms, "
                f"listing {PAGE} {limit_ms:.1f} ms, ratio {took_ms / limit_ms:.1f}"
            )


def add_clients(phone: Phone, count: int) -> None:
    """Import clients, in files of at most FILE_ROWS."""
    for first in range(0, count, FILE_ROWS):
        rows = "\n".join(f"W-{number}" for number in range(first, min(first + FILE_ROWS, count)))
        headers = {"Content-Type": "text/csv", "Idempotency-Key": uuid4().hex}
        answer = phone.post("/v1/clients/import", content=f"label\n{rows}\n".encode(), headers=headers)
        assert answer.is_success, answer.text


def median_ms(phone: Phone, query: str) -> float:
    """Return how long a page takes, in milliseconds."""
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        assert phone.get(f"/v1/clients?limit={PAGE}{query}").is_success
        took.append((time.perf_counter() - began) * 1_000)
    return statistics.median(took)


if __name__ == "__main__":
    main()
