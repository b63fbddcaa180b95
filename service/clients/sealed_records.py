"""A client's label and record, sealed under the client's key and bound to the time of the last change."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from service.clients.clients import UNREADABLE, Client, ClientRecord, PlainClient
from service.clients.queries import ClientRow, LabelRow
from service.foundation.crypto.sealed_values import log_broken, open_value, seal_value
from service.foundation.crypto.sealing import Cell, ClientKey, PracticeKey, SealBroken

EMPTY: Final = ClientRecord()


class StoredLabel(msgspec.Struct, frozen=True):
    """What is sealed as a client's label."""

    label: str


class NewClient(msgspec.Struct, frozen=True):
    """The rows of a new client: the client, and the key, wrapped by the practice's key."""

    row: ClientRow
    wrapped_key: bytes


class OpenedClient(msgspec.Struct, frozen=True):
    """A client as stored, opened as far as it opens. `key` is None where it was destroyed or is damaged."""

    client: Client
    record: ClientRecord
    key: ClientKey | None
    record_unreadable: bool = False


def seal_new_client(keys: PracticeKey, therapist_id: UUID, client: Client, record: ClientRecord) -> NewClient:
    """Make a client's key and seal label and record with it."""
    wrapped_key = keys.new_client_key(client.id)
    key = keys.client(client.id, wrapped_key)
    row = ClientRow(
        **_plain_members(client),
        therapist_id=therapist_id,
        viewers=[],
        sealed_label=seal_label(key, client, client.label),
        sealed=seal_record(key, client, record),
    )
    return NewClient(row, wrapped_key)


def seal_changed_client(
    before: ClientRow, opened: OpenedClient, client: Client, record: ClientRecord
) -> ClientRow:
    """Return the row of a changed client. A part that does not open stays as it is stored."""
    changed = msgspec.structs.replace(before, **_plain_members(client))
    if opened.key is None:
        return changed
    label = before.sealed_label if client.unreadable else seal_label(opened.key, client, client.label)
    sealed = before.sealed if opened.record_unreadable else seal_record(opened.key, client, record)
    return msgspec.structs.replace(changed, sealed_label=label, sealed=sealed)


def seal_label(key: ClientKey, client: PlainClient, label: str) -> bytes:
    """Return the label sealed."""
    return seal_value(key, _cell("sealed_label", client), StoredLabel(label))


def seal_record(key: ClientKey, client: PlainClient, record: ClientRecord) -> bytes | None:
    """Return the record sealed; None for an empty one."""
    return None if record == EMPTY else seal_value(key, _cell("sealed", client), record)


def open_client(keys: PracticeKey, row: ClientRow, wrapped_key: bytes | None) -> OpenedClient:
    """Return a client with label and record, as far as they open."""
    return open_with(open_key(keys, row.id, wrapped_key), row)


def open_with(key: ClientKey | None, row: ClientRow) -> OpenedClient:
    """Return a client opened with the key; None where it was destroyed or is damaged."""
    client = with_label(row, key, row.sealed_label)
    if row.sealed is None:
        return OpenedClient(client, EMPTY, key)
    if key is None:
        return OpenedClient(client, EMPTY, key, record_unreadable=True)
    try:
        return OpenedClient(client, open_value(key, _cell("sealed", row), row.sealed, ClientRecord), key)
    except SealBroken as broken:
        log_broken(broken)
        return OpenedClient(client, EMPTY, key, record_unreadable=True)


def open_labels(keys: PracticeKey, rows: list[LabelRow]) -> list[Client]:
    """Return clients with their labels. 1,000 take about 15 ms."""
    return [with_label(row, open_key(keys, row.id, row.wrapped_key), row.sealed_label) for row in rows]


def open_key(keys: PracticeKey, client_id: UUID, wrapped_key: bytes | None) -> ClientKey | None:
    """Return a client's key; None where it was destroyed or does not open."""
    if wrapped_key is None:
        return None
    try:
        return keys.client(client_id, wrapped_key)
    except SealBroken as broken:
        log_broken(broken)
        return None


def with_label(row: PlainClient, key: ClientKey | None, sealed_label: bytes | None) -> Client:
    """Return a stored client with the label; UNREADABLE in its place where it does not open."""
    members = _plain_members(row)
    if key is None or sealed_label is None:
        return Client(**members, label=UNREADABLE, unreadable=True)
    try:
        stored = open_value(key, _cell("sealed_label", row), sealed_label, StoredLabel)
    except SealBroken as broken:
        log_broken(broken)
        return Client(**members, label=UNREADABLE, unreadable=True)
    return Client(**members, label=stored.label)


def _plain_members(client: PlainClient) -> dict[str, Any]:
    return {name: getattr(client, name) for name in PlainClient.__struct_fields__}


def _cell(column: str, client: PlainClient) -> Cell:
    return client_cell(column, client.id, client.updated_at)


def client_cell(column: str, client_id: UUID, updated_at: datetime) -> Cell:
    """Return where a sealed value of a client is stored, bound to the time of the last change."""
    return Cell("client", column, client_id, (updated_at,))
