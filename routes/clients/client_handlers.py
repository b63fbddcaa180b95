"""Clients: who comes to therapy, and what they agreed to."""

from datetime import datetime
from typing import Annotated, Any, Final
from uuid import UUID

from litestar import Request, Response, get, patch, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody, QueryParameter

from routes.http.answers import answer, created
from routes.http.dependencies import DEFAULT_LIMIT, Creating, CursorText, Limit, Writing, after
from routes.http.uploads import Upload
from schemas.clients.client_imports import (
    FILE_DESCRIPTION,
    FILE_EXAMPLE,
    ClientImportReport,
    read_client_rows,
)
from schemas.clients.clients import ClientIn, ClientOut, ClientPage, ClientPatch
from service.clients.clients import ClientFilter, Stage
from service.clients.import_clients import foresee_import, import_clients
from service.clients.keep_clients import (
    add_client,
    change_client,
    page_of_clients,
    prepare_client,
    read_client,
)
from service.foundation.crypto.sealing import PracticeKey
from service.foundation.database.connection import Begin
from service.foundation.off_loop import off_loop
from service.foundation.retry_safe import Expected
from service.people.sign_ins import SignIn

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
    new = prepare_client(keys, *data.to_client(now))
    async with begin.write(creating.once(data.id, data)) as transaction:
        file = await add_client(transaction, keys, new)
    location = f"/v1/clients/{data.id}"
    return created(ClientOut.from_file(file), file.version, location, replayed=transaction.replays)


@get("/clients", operation_id="list_clients", summary="List clients", tags=["clients"])
async def get_clients(
    begin: NamedDependency[Begin],
    sign_in: NamedDependency[SignIn],
    cursor: CursorText = None,
    limit: Limit = DEFAULT_LIMIT,
    archived: Annotated[bool, QueryParameter(description="List the archived ones instead.")] = False,  # noqa: FBT002  a query parameter
    stage: Annotated[Stage | None, QueryParameter(description="Only those at this stage.")] = None,
    label: Annotated[
        str | None,
        QueryParameter(min_length=1, max_length=100, description="A part of the label, in any case."),
    ] = None,
) -> ClientPage:
    """List your clients by label, without what is encrypted."""
    start, wanted = after(cursor), ClientFilter(archived, stage, label)
    async with begin.read() as connection:
        page, practice = await page_of_clients(
            connection, sign_in.practice_id, wanted, after=start, limit=limit
        )
    return ClientPage.from_page(page, practice)


@get("/clients/{client_id:uuid}", operation_id="read_client", summary="Read a client", tags=["clients"])
async def get_client(
    client_id: FromPath[UUID],
    begin: NamedDependency[Begin],
    sign_in: NamedDependency[SignIn],
    keys: NamedDependency[PracticeKey],
) -> Response[ClientOut]:
    """Read a client and all that is known about them, archived or not."""
    async with begin.read() as connection:
        file = await read_client(connection, keys, sign_in.practice_id, client_id)
    return answer(ClientOut.from_file(file), file.version)


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
    changes = data.to_changes(now)
    async with begin.write(writing.once(data)) as transaction:
        file = await change_client(transaction, keys, client_id, changes, expected=expected, now=now)
    return answer(ClientOut.from_file(file), file.version)


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
    dry_run: Annotated[bool, QueryParameter(description="Say what it would do, and do nothing.")] = False,  # noqa: FBT002  a query parameter
) -> ClientImportReport:
    """Add a client for each row of a CSV file that can be read, and say of each other row why not.

    Mend the refused rows and send the whole file again: a row that became a client before is there already.
    Such a client is left as it is now, whatever the row says.
    """
    async with CSV.received(request) as content:
        rows = await off_loop(read_client_rows, content, keys, sign_in.therapist_id, now)
        once = writing.once(content)
    if dry_run:
        async with begin.read() as connection:
            reports = await foresee_import(connection, sign_in.practice_id, rows)
    else:
        async with begin.write(once) as transaction:
            reports = await import_clients(transaction, rows)
    return ClientImportReport.from_rows(reports, dry_run=dry_run)


HANDLERS = [post_client, post_client_file, get_clients, get_client, patch_client]
