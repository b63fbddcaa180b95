"""Progress notes."""

from datetime import datetime
from typing import Any
from uuid import UUID

from litestar import Request, Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from routes.http.answers import answer, created, large_answer
from routes.http.dependencies import DEFAULT_LIMIT, Creating, CursorText, Limit, Writing, after
from schemas.record.notes import NoteIn, NoteOut, NotePage, NotePatch
from service.foundation.crypto.sealing import PracticeKey
from service.foundation.database.connection import Begin
from service.foundation.retry_safe import Expected
from service.record.write_note import (
    NewNote,
    edit_note,
    page_of_notes,
    read_note,
    remove_note,
    write_note,
)


@post("/sessions/{session_id:uuid}/notes", operation_id="write_note", summary="Write a note", tags=["notes"])
async def post_note(
    session_id: FromPath[UUID],
    data: JSONBody[NoteIn],
    begin: NamedDependency[Begin],
    keys: NamedDependency[PracticeKey],
    creating: NamedDependency[Creating],
    now: NamedDependency[datetime],
) -> Response[NoteOut]:
    """Attach a note to a session, to an instant of it, or to a moment; one sentence is enough."""
    new = NewNote(data.id, session_id, data.written_at, data.to_changes(now))
    note, replayed = await write_note(begin, keys, creating.once(data.id, data), new, now)
    return created(NoteOut.from_note(note), note.revision, f"/v1/notes/{note.id}", replayed=replayed)


@get(
    "/sessions/{session_id:uuid}/notes",
    operation_id="list_notes",
    summary="List a session's notes",
    tags=["notes"],
    opt={"exclude_from_compression": True},
)
async def get_notes(
    session_id: FromPath[UUID],
    request: Request[Any, Any, Any],
    begin: NamedDependency[Begin],
    keys: NamedDependency[PracticeKey],
    cursor: CursorText = None,
    limit: Limit = DEFAULT_LIMIT,
) -> Response[NotePage]:
    """List a session's notes in walking order, those about the whole session last."""
    page = await page_of_notes(begin, keys, session_id, after=after(cursor), limit=limit)
    size_bytes = sum(each.content.size_bytes for each in page.items)
    return await large_answer(
        request.headers, size_bytes, lambda: NotePage.from_page(page, NoteOut.from_note)
    )


@get("/notes/{note_id:uuid}", operation_id="read_note", summary="Read a note", tags=["notes"])
async def get_note(
    note_id: FromPath[UUID],
    begin: NamedDependency[Begin],
    keys: NamedDependency[PracticeKey],
) -> Response[NoteOut]:
    """Read a note and where on the walk it belongs."""
    note = await read_note(begin, keys, note_id)
    return answer(NoteOut.from_note(note), note.revision)


@patch("/notes/{note_id:uuid}", operation_id="edit_note", summary="Edit a note", tags=["notes"])
async def patch_note(
    note_id: FromPath[UUID],
    data: JSONBody[NotePatch],
    begin: NamedDependency[Begin],
    keys: NamedDependency[PracticeKey],
    writing: NamedDependency[Writing],
    expected: NamedDependency[Expected],
    now: NamedDependency[datetime],
) -> Response[NoteOut]:
    """Edit a draft."""
    note = await edit_note(begin, keys, writing.once(data), note_id, data.to_changes(now), expected, now)
    return answer(NoteOut.from_note(note), note.revision)


@delete("/notes/{note_id:uuid}", operation_id="delete_note", summary="Delete a note", tags=["notes"])
async def delete_note(
    note_id: FromPath[UUID],
    begin: NamedDependency[Begin],
    keys: NamedDependency[PracticeKey],
    writing: NamedDependency[Writing],
    expected_if_sent: NamedDependency[Expected],
    now: NamedDependency[datetime],
) -> None:
    """Delete a draft."""
    await remove_note(begin, keys, writing.once(), note_id, expected_if_sent, now)


HANDLERS = [post_note, get_notes, get_note, patch_note, delete_note]
