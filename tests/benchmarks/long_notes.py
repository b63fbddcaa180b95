"""Memory of a session with many long notes: `python -m tests.benchmarks.long_notes`.

Writes 250 notes of almost the greatest length, reads them back, and prints the service's peak memory.
"""

import re
from pathlib import Path
from typing import Final
from uuid import uuid4

from tests.benchmarks.served import served
from tests.http.sessions import a_session, at, held
from tests.http.world import Phone

NOTES: Final = 250
FIELDS: Final = ("subjective", "objective", "assessment", "plan")
TEXT: Final = "\N{ROWBOAT}" * 48_000
"""Four bytes a character; a note with four fields and a text has 960,000 bytes."""
LIMIT_MB: Final = 300


def main() -> None:
    """Print the peak after writing and after reading, beside the limit."""
    with served() as service:
        phone = service.phones[0]
        session = a_session(phone)
        held(phone, session)
        before_mb = peak_mb(service.pid)
        for _ in range(NOTES):
            write(phone, session)
        written_mb = peak_mb(service.pid)
        assert count(phone, session) == NOTES
        read_mb = peak_mb(service.pid)
        met = "met" if read_mb < LIMIT_MB else "MISSED"
        print(
            f"long notes: {NOTES} of {len(TEXT.encode()) * 5:,} bytes, peak {before_mb:.0f} MB before, "
            f"{written_mb:.0f} MB written, {read_mb:.0f} MB read, "
            f"ratio {read_mb / LIMIT_MB:.2f} of {LIMIT_MB} MB: {met}"
        )


def write(phone: Phone, session: str) -> None:
    """Write one note about the whole session."""
    fields = dict.fromkeys(FIELDS, TEXT)
    note = {"id": str(uuid4()), "written_at": at(10_000), "text": TEXT, "about": "session"}
    answer = phone.post(f"{session}/notes", note | {"format": "soap", "fields": fields})
    assert answer.status_code == 201, answer.text[:300]


def count(phone: Phone, session: str) -> int:
    """Read every page of the notes and return how many there are."""
    seen, page = 0, {"next_cursor": ""}
    while (cursor := page.get("next_cursor")) is not None:
        page = phone.get(f"{session}/notes?limit=100" + (f"&cursor={cursor}" if cursor else "")).json()
        seen += len(page["items"])
    return seen


def peak_mb(pid: int) -> float:
    """Return the greatest memory a process had so far."""
    found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) / 1024


if __name__ == "__main__":
    main()
