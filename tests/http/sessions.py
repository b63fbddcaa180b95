"""A walk for tests: a client who agreed, a session that was held, a recording of it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import numpy as np

from service.geo.fixes import Fixes
from service.geo.gpx.writer import write_gpx
from tests.http.world import Phone

HALF_PAST_TWO = datetime(2026, 5, 4, 14, 30, tzinfo=UTC)
GPX = {"Content-Type": "application/gpx+xml"}
PACE_MPS = 1.0


def a_client(phone: Phone, *, located: bool = True) -> str:
    """Add a client who agreed to walk outdoors and, unless told otherwise, to be located."""
    agreed = {"agreed": True, "on": "2026-05-01T09:00:00Z"}
    client = {"id": str(uuid4()), "label": "A. 17", "stage": "in_therapy", "outdoor_agreement": agreed}
    if located:
        client["location_permission"] = agreed
    assert phone.post("/v1/clients", client).status_code == 201
    return str(client["id"])


def a_session(phone: Phone, client_id: str | None = None, **members: Any) -> str:
    """Plan a walk at half past two."""
    session = {
        "id": str(uuid4()),
        "client_id": client_id or a_client(phone),
        "modality": "walk",
        "planned_start": HALF_PAST_TWO.isoformat(),
        **members,
    }
    answer = phone.post("/v1/sessions", session)
    assert answer.status_code == 201, answer.text
    return f"/v1/sessions/{session['id']}"


def held(phone: Phone, session: str, *, minutes: int = 40) -> None:
    """Report that the session started on time and ended."""
    assert phone.post(f"{session}/start", {"at": at(0)}).status_code == 200
    assert phone.post(f"{session}/end", {"at": at(minutes * 60)}).status_code == 200


def at(seconds: float) -> str:
    """Return an instant of the walk as a phone writes it."""
    return (HALF_PAST_TWO + timedelta(seconds=seconds)).isoformat()


def a_recording(*, out_s: int = 1_200, from_s: int = 0, then_s: int = 0) -> bytes:
    """Return the GPX of a walk east and back, one fix a second, and `then_s` more seconds."""
    seconds = np.arange(from_s, 2 * out_s + then_s + 1)
    east_m = np.where(seconds <= out_s, seconds, 2 * out_s - seconds) * PACE_MPS
    first_ms = round(HALF_PAST_TWO.timestamp() * 1_000)
    line = Fixes(
        lon=east_m / 111_320.0,
        lat=np.zeros(len(seconds)),
        ele_m=np.full(len(seconds), 10.0),
        time_ms=(first_ms + seconds * 1_000).astype(np.int64),
        starts=np.zeros(1, dtype=np.int64),
    )
    return write_gpx(line, name="Walk", description=None, waypoints=(), created_at=HALF_PAST_TWO)


def send_track(phone: Phone, session: str, content: bytes, **params: str) -> Any:
    """Send a recording as the session's track; the start is reported first where it is not known."""
    if phone.get(session).json().get("status") == "planned":
        assert phone.post(f"{session}/start", {"at": at(0)}).is_success
    return phone.put(f"{session}/track", content=content, headers=GPX, params=params)


def a_note(phone: Phone, session: str, **members: Any) -> dict[str, Any]:
    """Write a note and return it as answered."""
    note = {
        "id": str(uuid4()),
        "written_at": at(10_000),
        "text": "Stopped and spoke of her father.",
        **members,
    }
    answer = phone.post(f"{session}/notes", note)
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body
