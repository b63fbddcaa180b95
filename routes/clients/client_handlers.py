"""The clients a therapist holds, and importing them from a file."""

from datetime import datetime
from functools import partial
from typing import Annotated, Any, Final
from uuid import UUID

from litestar import Request, Response, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from routes.http.answers import answer, created
from routes.http.dependencies import (
    DEFAULT_LIMIT,
    LOGGED_BY_PROXIES,
    Archived,
    Creating,
    CursorText,
    Limit,
    Writing,
    after,
)
from routes.http.uploads import Upload
from schemas.clients.client_imports import (
    FILE_DESCRIPTION,
    FILE_EXAMPLE,
    ClientImportReport,
    read_client_rows,
)
from schemas.clients.clients import ClientIn, ClientOut, ClientPage, ClientPatch, ClientSummaryOut
from service.clients.clients import ClientFilter, Stage
from service.clients.import_clients import derived_client_id, foresee_import, import_clients
from service.clients.keep_clients import add_client, change_client, page_of_clients, read_client
from service.foundation.crypto.sealing import PracticeKey
from service.foundation.database.connection import Begin
from service.foundation.retry_safe import Expected
from service.foundation.threads import off_loop
from service.people.sign_ins import SignIn
from service.sessions.name_usual_session import refuse_foreign_usual_session

CSV: Final = Upload(
    "text/csv", "application/octet-stream", description=FILE_DESCRIPTION, example=FILE_EXAMPLE
)
MOST_BYTES: Final = 1_000_000


@post("/clients", operation_id="create_client", summary="Add a client", tags=["clients"])
async def post_client(
    data: JSONBody[ClientIn],
    begin: NamedDependency[Begin],
    keys: NamedDependency[PracticeKey],
    creating: NamedDependency[Creating],
    now: NamedDependency[datetime],
) -> Response[ClientOut]:
    """Add a client: a person, a couple or a family. Colleagues see nothing of them."""
    once = creating.once(data.id, data)
    client, record = data.to_client(now)
    file, replayed = await add_client(begin, keys, once, client, record, refuse_foreign_usual_session)
    location = f"/v1/clients/{data.id}"
    return created(ClientOut.from_file(file), file.shown_revision, location, replayed=replayed)


@get("/clients", operation_id="list_clients", summary="List clients", tags=["clients"])
async def get_clients(
    begin: NamedDependency[Begin],
    keys: NamedDependency[PracticeKey],
    cursor: CursorText = None,
    limit: Limit = DEFAULT_LIMIT,
    archived: Archived = False,  # noqa: FBT002  a query parameter
    stage: Annotated[Stage | None, QueryParameter(description="Only those at this stage.")] = None,
    label: Annotated[
        str | None,
        QueryParameter(
            min_length=1,
            max_length=100,
            description=f"A part of the label, in capital or small letters. {LOGGED_BY_PROXIES}",
        ),
    ] = None,
) -> ClientPage:
    """List your clients by label, without their encrypted records."""
    wanted = ClientFilter(archived, stage, label)
    page, practice = await page_of_clients(begin, keys, wanted, after=after(cursor), limit=limit)
    return ClientPage.from_page(page, partial(ClientSummaryOut.from_client, practice=practice))


@get("/clients/{client_id:uuid}", operation_id="read_client", summary="Read a client", tags=["clients"])
async def get_client(
    client_id: FromPath[UUID], begin: NamedDependency[Begin], keys: NamedDependency[PracticeKey]
) -> Response[ClientOut]:
    """Read a client with the encrypted record, archived or not."""
    file = await read_client(begin, keys, client_id)
    return answer(ClientOut.from_file(file), file.shown_revision)


@patch("/clients/{client_id:uuid}", operation_id="change_client", summary="Change a client", tags=["clients"])
async def patch_client(
    client_id: FromPath[UUID],
    data: JSONBody[ClientPatch],
    begin: NamedDependency[Begin],
    keys: NamedDependency[PracticeKey],
    writing: NamedDependency[Writing],
    expected: NamedDependency[Expected],
    now: NamedDependency[datetime],
) -> Response[ClientOut]:
    """Change what is named, inside the parts of the record too; archive or restore."""
    once, changes = writing.once(data), data.to_changes(now)
    file = await change_client(
        begin,
        keys,
        once,
        client_id,
        changes,
        expected=expected,
        now=now,
        check=refuse_foreign_usual_session,
    )
    return answer(ClientOut.from_file(file), file.shown_revision)


@post(
    "/clients/import",
    operation_id="import_clients",
    summary="Import clients",
    tags=["clients"],
    status_code=200,
    operation_class=CSV.operation,
    request_max_body_size=MOST_BYTES,
)
async def post_client_file(
    request: Request[Any, Any, Any],
    begin: NamedDependency[Begin],
    sign_in: NamedDependency[SignIn],
    keys: NamedDependency[PracticeKey],
    writing: NamedDependency[Writing],
    now: NamedDependency[datetime],
    dry_run: Annotated[bool, QueryParameter(description="Report what it would do; store nothing.")] = False,  # noqa: FBT002  a query parameter
) -> ClientImportReport:
    """Add a client for each usable row of a CSV file, and say of each other row why it was refused.

    Correct the refused rows and send the whole file again: a row that became a client before is reported as
    already there, and that client stays as it is now.
    """
    new_id = partial(derived_client_id, keys, sign_in.therapist_id)
    async with CSV.received(request) as content:
        rows = await off_loop(read_client_rows, content, new_id, now)
        once = writing.once(content)
    if dry_run:
        reports = await foresee_import(begin, rows)
    else:
        reports = await import_clients(begin, keys, once, rows)
    return ClientImportReport.from_rows(reports, dry_run=dry_run)


HANDLERS = [post_client, post_client_file, get_clients, get_client, patch_client]
