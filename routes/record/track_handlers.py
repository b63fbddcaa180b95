"""Tracks: what was walked in a session."""

import asyncio
from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from litestar import Request, Response, delete, get, patch, put
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from routes.http.answers import answer, created, file_answer, takes_gzip
from routes.http.dependencies import Services, Writing
from routes.http.errors import BadParameter
from routes.http.uploads import Upload
from schemas.record.track_edits import TrackEditsIn
from schemas.record.tracks import RecordingPatch, TrackOut, TrackPatch
from service.foundation.crypto.sealing import PracticeKey
from service.foundation.database.connection import Begin
from service.foundation.retry_safe import Expected
from service.foundation.threads import off_loop
from service.geo.fit import MOST_BYTES, MOST_MESSAGES
from service.geo.gpx.model import DEFAULT_LIMITS
from service.people.sign_in_queries import TokenReader
from service.record.change_track import edit_track, remove_recording, shift_recording, shift_track
from service.record.clock_shift import MOST_SHIFT_S
from service.record.read_track import (
    read_geojson_by_token,
    read_left_out_by_token,
    read_original,
    read_track,
    read_track_gpx,
    unpacked,
)
from service.record.receive_track import MOST_RECORDINGS, UploadedTrack, receive_track, remove_track

GEOJSON_TYPE: Final = "application/geo+json"
GPX_TYPE: Final = "application/gpx+xml"
FIT_TYPE: Final = "application/vnd.ant.fit"
RECORDED: Final = Upload(
    GPX_TYPE,
    FIT_TYPE,
    "application/xml",
    "text/xml",
    "application/octet-stream",
    description=f"A GPX file, 1.0 or 1.1, of at most {DEFAULT_LIMITS.points:,} points, or a FIT file of at "
    f"most {MOST_MESSAGES:,} messages: {DEFAULT_LIMITS.file_bytes:,} bytes, of FIT {MOST_BYTES:,}. It may be "
    "inside gzip, or alone inside a zip.",
    unpacks=True,
)


ADD: Final = (
    f"Join it with the session's other recordings, at most {MOST_RECORDINGS}, in order of time. Where two "
    "ran at the same time, the better one counts."
)
LEFT_OUT: Final = "Also show what is left out: a MultiPoint for each `reason`."
UNTIMED: Final = "Take a file without any times whole: all of it was walked in the session."
SHIFT: Final = (
    "Seconds to add to every time of the file, because the recorder's clock was wrong. More than a day is "
    "taken only where the session's start and end are known."
)


@put(
    "/sessions/{session_id:uuid}/track",
    operation_id="put_track",
    summary="Send a session's track",
    tags=["tracks"],
    status_code=201,
    operation_class=RECORDED.operation,
    request_max_body_size=DEFAULT_LIMITS.file_bytes,
)
async def put_track(
    session_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    begin: NamedDependency[Begin],
    keys: NamedDependency[PracticeKey],
    writing: NamedDependency[Writing],
    expected_if_sent: NamedDependency[Expected],
    now: NamedDependency[datetime],
    replace: Annotated[bool, QueryParameter(description="Keep this file alone, in place of others.")] = False,  # noqa: FBT002  a query parameter
    add: Annotated[bool, QueryParameter(description=ADD)] = False,  # noqa: FBT002  a query parameter
    untimed: Annotated[bool, QueryParameter(description=UNTIMED)] = False,  # noqa: FBT002  a query parameter
    shift_s: Annotated[
        float | None, QueryParameter(ge=-MOST_SHIFT_S, le=MOST_SHIFT_S, description=SHIFT)
    ] = None,
) -> Response[TrackOut]:
    """Keep what was recorded in a session, cut to its actual times; moments and notes find their places.

    The same file again changes nothing, unless the track says `upload_again` or `shift_s` is another. It is
    kept only where the client has agreed, and only once the start of the session is reported.
    """
    if add and replace:
        raise BadParameter("add", "a file joins the others or takes their place: send add or replace")
    shift_ms = None if shift_s is None else round(shift_s * 1_000)
    async with RECORDED.received(request) as content:
        # Not in the practice's own thread: waiting there would show a colleague that an upload is prepared.
        fingerprint = await asyncio.to_thread(keys.fingerprint, content)
        uploaded = UploadedTrack(session_id, content, fingerprint, replace, add, shift_ms, untimed)
        once = writing.once(fingerprint + f"{replace} {add} {shift_ms} {untimed}".encode())
        track, is_first = await receive_track(begin, keys, once, uploaded, expected_if_sent, now)
    location = f"/v1/sessions/{session_id}/track"
    return created(TrackOut.from_track(track), track.revision, location, replayed=not is_first)


@get(
    "/sessions/{session_id:uuid}/track",
    operation_id="read_track",
    summary="Read a session's track",
    tags=["tracks"],
)
async def get_track(
    session_id: FromPath[UUID],
    begin: NamedDependency[Begin],
    keys: NamedDependency[PracticeKey],
) -> Response[TrackOut]:
    """Read what is known of a track: length, halts, how it kept to the planned line."""
    track = await read_track(begin, keys, session_id)
    return answer(TrackOut.from_track(track), track.revision)


@get(
    "/sessions/{session_id:uuid}/track/geojson",
    operation_id="read_track_geojson",
    summary="Read a track as GeoJSON",
    tags=["tracks"],
    media_type=GEOJSON_TYPE,
    opt={"exclude_from_compression": True, "verifies_token": True},
)
async def get_track_geojson(
    session_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    services: NamedDependency[Services],
    by_token: NamedDependency[TokenReader],
    left_out: Annotated[bool, QueryParameter(description=LEFT_OUT)] = False,  # noqa: FBT002  a query parameter
) -> Response[bytes]:
    """Send the track for a map: a Feature, as it was encoded and compressed when it arrived.

    With `left_out` a FeatureCollection, made on request: the track, then what is left out of it as
    `repeated`, `implausible` or `edited`.
    """
    gzipped = takes_gzip(request.headers)
    if left_out:
        content, revision = await read_left_out_by_token(
            by_token, services.pool, services.keyring, session_id, gzipped=gzipped
        )
        return file_answer(content, GEOJSON_TYPE, revision, gzipped=gzipped)
    content, revision = await read_geojson_by_token(by_token, services.keyring, session_id)
    sent = content if gzipped else await off_loop(unpacked, content)
    return file_answer(sent, GEOJSON_TYPE, revision, gzipped=gzipped)


@get(
    "/sessions/{session_id:uuid}/track/gpx",
    operation_id="read_track_gpx",
    summary="Read a track as GPX",
    tags=["tracks"],
    media_type=GPX_TYPE,
    opt={"exclude_from_compression": True},
)
async def get_track_gpx(
    session_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    begin: NamedDependency[Begin],
    keys: NamedDependency[PracticeKey],
) -> Response[bytes]:
    """Send the track as GPX 1.1, cut to the session; it is written when asked for."""
    gzipped = takes_gzip(request.headers)
    content, revision = await read_track_gpx(begin, keys, session_id, gzipped=gzipped)
    return file_answer(content, GPX_TYPE, revision, gzipped=gzipped)


@get(
    "/sessions/{session_id:uuid}/track/original",
    operation_id="read_track_original",
    summary="Read what was recorded",
    tags=["tracks"],
    media_type=GPX_TYPE,
    opt={"exclude_from_compression": True},
)
async def get_track_original(
    session_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    begin: NamedDependency[Begin],
    keys: NamedDependency[PracticeKey],
) -> Response[bytes]:
    """Send what was recorded within the session's times, before anything is cleaned or left out.

    It is written as GPX 1.1: positions, heights and times. What the file said of its owner is not kept.
    """
    gzipped = takes_gzip(request.headers)
    content, revision = await read_original(begin, keys, session_id, gzipped=gzipped)
    return file_answer(content, GPX_TYPE, revision, gzipped=gzipped)


@delete(
    "/sessions/{session_id:uuid}/track",
    operation_id="delete_track",
    summary="Delete a session's track",
    tags=["tracks"],
)
async def delete_track(
    session_id: FromPath[UUID],
    begin: NamedDependency[Begin],
    writing: NamedDependency[Writing],
    expected_if_sent: NamedDependency[Expected],
    now: NamedDependency[datetime],
) -> None:
    """Delete the track, all that was recorded too. Notes stay, at their instants, without a place."""
    await remove_track(begin, writing.once(), session_id, expected_if_sent, now)


@patch(
    "/sessions/{session_id:uuid}/track/recordings/{recording_id:uuid}",
    operation_id="change_recording",
    summary="Shift a recorder's clock",
    tags=["tracks"],
)
async def patch_recording(
    session_id: FromPath[UUID],
    recording_id: FromPath[UUID],
    data: JSONBody[RecordingPatch],
    begin: NamedDependency[Begin],
    keys: NamedDependency[PracticeKey],
    writing: NamedDependency[Writing],
    expected: NamedDependency[Expected],
    now: NamedDependency[datetime],
) -> Response[TrackOut]:
    """Correct the clock of one of a track's recordings. What is cut then and where notes lie follows."""
    once = writing.once(data)
    track = await shift_recording(
        begin, keys, once, session_id, recording_id, round(data.shift_s * 1_000), expected, now
    )
    return answer(TrackOut.from_track(track), track.revision)


@patch(
    "/sessions/{session_id:uuid}/track",
    operation_id="shift_track",
    summary="Shift the clock of a track",
    tags=["tracks"],
)
async def patch_track(
    session_id: FromPath[UUID],
    data: JSONBody[TrackPatch],
    begin: NamedDependency[Begin],
    keys: NamedDependency[PracticeKey],
    writing: NamedDependency[Writing],
    expected: NamedDependency[Expected],
    now: NamedDependency[datetime],
) -> Response[TrackOut]:
    """Add seconds to the times of all its recordings, as the `reconciling_shift_s` of an anchor says.

    What is cut and where notes lie follows. Where the cut needs what was destroyed, `upload_again` says so.
    """
    by_ms = round(data.shift_by_s * 1_000)
    track = await shift_track(begin, keys, writing.once(data), session_id, by_ms, expected, now)
    return answer(TrackOut.from_track(track), track.revision)


@delete(
    "/sessions/{session_id:uuid}/track/recordings/{recording_id:uuid}",
    operation_id="delete_recording",
    summary="Take a recording out of a track",
    tags=["tracks"],
)
async def delete_recording(
    session_id: FromPath[UUID],
    recording_id: FromPath[UUID],
    begin: NamedDependency[Begin],
    keys: NamedDependency[PracticeKey],
    writing: NamedDependency[Writing],
    expected_if_sent: NamedDependency[Expected],
    now: NamedDependency[datetime],
) -> None:
    """Delete one of a track's recordings; the track is made anew from the others. With the last it goes."""
    await remove_recording(begin, keys, writing.once(), session_id, recording_id, expected_if_sent, now)


@put(
    "/sessions/{session_id:uuid}/track/edits",
    operation_id="edit_track",
    summary="Trim a track, leave bad points out",
    tags=["tracks"],
)
async def put_track_edits(
    session_id: FromPath[UUID],
    data: JSONBody[TrackEditsIn],
    begin: NamedDependency[Begin],
    keys: NamedDependency[PracticeKey],
    writing: NamedDependency[Writing],
    expected: NamedDependency[Expected],
    now: NamedDependency[datetime],
) -> Response[TrackOut]:
    """Say all that is to be left out of the track: its ends, and points on the way. Send less to undo it.

    Figures, halts, the map and where notes lie follow. A single point is passed straight by; where more are
    left out, the line has a gap.
    """
    edits = data.to_picked()
    track = await edit_track(begin, keys, writing.once(data), session_id, edits, expected, now)
    return answer(TrackOut.from_track(track), track.revision)


HANDLERS = [
    put_track,
    get_track,
    get_track_geojson,
    get_track_gpx,
    get_track_original,
    delete_track,
    patch_recording,
    patch_track,
    delete_recording,
    put_track_edits,
]
