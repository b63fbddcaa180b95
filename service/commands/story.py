"""The story of the demonstration: what a phone does from planning a walk to reading its notes."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from service.commands.phone import Phone, PhoneRefused
from service.commands.samples import (
    BENCH_AT_M,
    sample_route,
    sample_track,
    seconds_to,
    walk_duration,
)

WALK_AGO: Final = timedelta(hours=3)
SPOKEN_AT_M: Final = 400.0
NOTES: Final = (
    ("out", "Said she had nearly not come. Walked faster than usual."),
    ("bench", "Sat down of her own accord; spoke of her father for the first time."),
    ("back", "The same gate as on the way out, and another mood: plans for the weekend."),
)


class Story:
    """A walk and talk session, from its plan to its record."""

    def __init__(self, phone: Phone, say: Callable[[str], None], walked_at: datetime) -> None:
        self._phone = phone
        self._say = say
        self._walked_at = walked_at

    def tell(self, email: str, password: str) -> None:
        """Play the session and print each step. Raises PhoneRefused where an answer is unexpected."""
        self._say("\nA therapist's afternoon, as the phone sends it over HTTP\n")
        self._phone.sign_in(email, password)
        self._say("Signed in: an access token for ten minutes, and one to refresh it")
        route_id = self._plan_route()
        room_id = self._plan_alternatives(route_id)
        client_id = self._add_client()
        session = self._plan_session(client_id, route_id)
        self._walk(session)
        self._send_track(session)
        self._read_notes(session)
        self._take_out(session)
        self._switch(client_id, route_id, room_id)
        self._say("\nAll went well.")

    def _plan_route(self) -> str:
        """Import the planned walk and read it."""
        route_id = str(uuid4())
        content = sample_route(self._walked_at)
        self._phone.upload("POST", "/v1/routes/import", content, id=route_id)
        route = self._phone.get(f"/v1/routes/{route_id}")
        features = ", ".join(each.get("name", each["kind"]) for each in route["features"])
        self._say(f"Imported a GPX route: “{route['name']}”, {route['length_m'] / 1_000:.2f} km")
        self._say(f"  on it: {features}")
        return route_id

    def _plan_alternatives(self, route_id: str) -> str:
        """Say what is known of the ground and what to do instead, ask whether it fits, return the room."""
        route = f"/v1/routes/{route_id}"
        stretches = [{"from_m": 0, "to_m": SPOKEN_AT_M, "surface": "gravel", "canopy": "scattered"}]
        versioned = {"headers": {"If-Match": "*"}}
        self._phone.send("PUT", f"{route}/stretches", json={"stretches": stretches}, **versioned)
        room_id = self._phone.create("/v1/places", kind="room", name="Lock House, first floor")
        instead = [
            {"kind": "room", "place_id": room_id, "good_for": ["thunder", "rain"], "travel_min": 6},
            {"kind": "phone"},
        ]
        self._phone.send("PUT", f"{route}/alternatives", json={"alternatives": instead}, **versioned)
        fit = self._phone.get(f"{route}/fit?minutes=50")
        arrival = fit["arrival"]
        self._say(
            f"Fits 50 minutes: {'yes' if fit['fits'] else 'no'}; {arrival['expected_s'] / 60:.0f} min, "
            f"{arrival['earliest_s'] / 60:.0f} to {arrival['latest_s'] / 60:.0f}"
        )
        self._say("Named what to do instead: the room six minutes away, then the phone")
        return room_id

    def _add_client(self) -> str:
        """Add a client who agreed to walking and to location."""
        agreed = {"agreed": True, "on": (self._walked_at - timedelta(days=7)).isoformat()}
        client_id = self._phone.create(
            "/v1/clients",
            label="A. 17",
            stage="in_therapy",
            identity={"given_name": "Ash"},
            outdoor_agreement=agreed,
            location_permission=agreed,
            needs=["seats"],
        )
        self._say("Added a client by label alone; the identity is sealed under the client's own key")
        return client_id

    def _plan_session(self, client_id: str, route_id: str) -> str:
        """Plan a session on the route."""
        session_id = self._phone.create(
            "/v1/sessions",
            client_id=client_id,
            modality="walk",
            route_id=route_id,
            planned_start=self._walked_at.isoformat(),
        )
        fit = self._phone.get(f"/v1/sessions/{session_id}/fit")["fit"]
        turn_at = datetime.fromisoformat(fit["turn_back_at"])
        seat = next(each for each in fit["reasons"] if each["bearing"] == "meets")
        self._say(f"Planned a walk on that route for {self._walked_at:%H:%M} UTC, to turn by {turn_at:%H:%M}")
        self._say(f"  the client needs seats: {seat['name']} at {seat['from_m']:.0f} m")
        return f"/v1/sessions/{session_id}"

    def _walk(self, session: str) -> None:
        """Report the walk as a phone without signal may: taps and notes first, then start and end."""
        moments = self._mark_moments(session)
        for name, text in NOTES:
            self._phone.create(
                f"{session}/notes",
                about="moment",
                moment_id=moments[name],
                text=text,
                written_at=(self._walked_at + timedelta(hours=2)).isoformat(),
            )
        self._phone.create(
            f"{session}/notes",
            text="Lighter at the end than at the beginning. Same path next week.",
            written_at=(self._walked_at + timedelta(hours=2, minutes=5)).isoformat(),
        )
        self._say("Wrote four notes in the evening: three about moments, one about the whole session")
        self._phone.report(f"{session}/start", at=self._walked_at.isoformat())
        ended_at = self._walked_at + walk_duration()
        held = self._phone.report(f"{session}/end", at=ended_at.isoformat())
        self._say(f"Start and end arrived hours late, and were kept: {held['status']}")

    def _mark_moments(self, session: str) -> dict[str, str]:
        """Tap three times on the walk. The first tap is sent twice, as if its answer was lost."""
        seconds = {
            "out": seconds_to(SPOKEN_AT_M, returning=False),
            "bench": seconds_to(BENCH_AT_M, returning=False) + 60,
            "back": seconds_to(SPOKEN_AT_M, returning=True),
        }
        moments = {}
        for name, after_s in seconds.items():
            tap = {"id": str(uuid4()), "at": (self._walked_at + timedelta(seconds=after_s)).isoformat()}
            self._phone.send("POST", f"{session}/moments", json=tap)
            moments[name] = tap["id"]
            if name == "out":
                self._require(self._phone.send("POST", f"{session}/moments", json=tap).status_code == 200)
        self._require(len(self._phone.get(f"{session}/moments")["items"]) == len(moments))
        self._say("Marked three moments with one tap each; one was sent twice, and is there once")
        return moments

    def _send_track(self, session: str) -> None:
        """Send the watch's recording, which includes the drive home."""
        track = self._phone.upload("PUT", f"{session}/track", sample_track(self._walked_at))
        halts = track["halts"]
        self._require(track["dropped"] > 0 and len(halts) == 1)
        share = track["deviation"]["share_walked"]
        self._say(
            f"The watch's GPX arrived: {track['length_m'] / 1_000:.2f} km, {track['dropped']} fixes of the "
            "drive home dropped"
        )
        self._say(f"  {share:.0%} of the planned line walked; stood still for {halts[0]['duration_s']:.0f} s")

    def _read_notes(self, session: str) -> None:
        """Read the notes in walking order, each with its place."""
        notes: list[dict[str, Any]] = self._phone.get(f"{session}/notes")["items"]
        self._say("Every note where it was said, in walking order:")
        for note in notes:
            self._say(f"  {_place_of(note)}  {note['text']}")
        out, _, back, whole = notes
        self._require("anchor" not in whole)
        apart_m = abs(back["anchor"]["distance_m"] - out["anchor"]["distance_m"])
        self._require(apart_m > SPOKEN_AT_M)
        self._say(f"  (the first and the third at the same gate, {apart_m:.0f} m of walking apart)")

    def _take_out(self, session: str) -> None:
        """Export the track as GPX and as GeoJSON."""
        gpx = self._phone.send("GET", f"{session}/track/gpx").text
        geojson = self._phone.get(f"{session}/track/geojson")
        self._require("<trkpt" in gpx and geojson["type"] == "Feature")
        self._say("Took the track out as GPX and GeoJSON, cut to the session")

    def _switch(self, client_id: str, route_id: str, room_id: str) -> None:
        """Plan the next walk, then take its first alternative: one request, and no reason is needed."""
        next_week = self._walked_at + timedelta(days=7)
        session = self._phone.create(
            "/v1/sessions",
            client_id=client_id,
            modality="walk",
            route_id=route_id,
            planned_start=next_week.isoformat(),
        )
        measured = self._phone.get(f"/v1/sessions/{session}/fit")["fit"]["measured_pace"]
        self._say(f"Measured pace, to plan with: {measured['flat_pace_mps']} m/s on {measured['n']} walk")
        first = self._phone.get(f"/v1/sessions/{session}/alternatives")["alternatives"][0]
        self._require(first["place_id"] == room_id)
        switched = self._phone.report(
            f"/v1/sessions/{session}/alternatives/switch",
            alternative=first["number"],
            at=(next_week - timedelta(hours=1)).isoformat(),
            asked_by="client",
        )
        self._require([each["modality"] for each in switched["spans"]] == ["room"])
        self._say(f"Next week's walk, at the client's wish an hour before: in {first['name']} instead")

    def _require(self, kept: object) -> None:
        if not kept:
            raise PhoneRefused("an answer is not what the story expects")


def _place_of(note: dict[str, Any]) -> str:
    """Return the time and place of a note as text of a fixed width."""
    anchor = note.get("anchor")
    if anchor is None:
        return f"{'whole session':>22}"
    minutes, seconds = divmod(round(anchor["elapsed_s"]), 60)
    return f"{minutes:>6}:{seconds:02} min, {anchor['distance_m']:>5.0f} m"
