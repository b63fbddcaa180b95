"""Clients: a stage and agreements stored in the open, a label and a record sealed under the client's key."""

import enum
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec

from service.clients.needs import Need, Trigger
from service.clients.usual_sessions import UsualSession, refuse_unusable_usual
from service.foundation.pages import BadCursor
from service.foundation.retry_safe import Unusable
from service.geo.pace import Pace
from service.people.practices import Practice

EARLIEST_BIRTH: Final = date(1900, 1, 1)


class Stage(enum.StrEnum):
    """How far the work together has come."""

    ENQUIRY = "enquiry"
    INITIAL_CONSULTATION = "initial_consultation"
    IN_THERAPY = "in_therapy"
    ENDED = "ended"


class Ending(enum.StrEnum):
    """How the work together ended."""

    PLANNED = "planned"
    CLIENTS_CHOICE = "clients_choice"
    NOT_THE_RIGHT_FIT = "not_the_right_fit"
    REFERRED = "referred"
    DID_NOT_RETURN = "did_not_return"


class Agreement(msgspec.Struct, frozen=True):
    """A client's yes or no, and the date from which it holds."""

    agreed: bool
    on: datetime


class PlainClient(msgspec.Struct, frozen=True, kw_only=True):
    """A person, a couple or a family: the part that can be read without their key."""

    id: UUID
    stage: Stage = Stage.ENQUIRY
    ending: Ending | None = None
    flat_pace_mps: float | None = None
    """None where the practice's applies; the same for `rests_s`."""
    rests_s: int | None = None
    outdoor_agreed: bool | None = None
    """None until the client was asked; the same for `location_agreed`."""
    outdoor_agreed_at: datetime | None = None
    location_agreed: bool | None = None
    location_agreed_at: datetime | None = None
    archived_at: datetime | None = None
    created_at: datetime
    updated_at: datetime
    revision: int = 0

    @property
    def outdoor_agreement(self) -> Agreement | None:
        """Return whether the client agreed to meet outdoors."""
        return _agreement(self.outdoor_agreed, self.outdoor_agreed_at)

    @property
    def location_permission(self) -> Agreement | None:
        """Return whether the client agreed that tracks are kept."""
        return _agreement(self.location_agreed, self.location_agreed_at)


UNREADABLE: Final = "(unreadable)"
"""The label that is shown where the stored one does not open."""


class Client(PlainClient, frozen=True, kw_only=True):
    """A client with the label, which is what the therapist calls the record; not a name."""

    label: str
    unreadable: bool = False
    """The stored label does not open: its key was destroyed, or it is damaged."""


def _agreement(agreed: bool | None, on: datetime | None) -> Agreement | None:  # noqa: FBT001  the client's answer
    return None if agreed is None or on is None else Agreement(agreed, on)


class Identity(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who the client is."""

    given_name: str | None = None
    family_name: str | None = None
    pronouns: str | None = None
    date_of_birth: date | None = None
    others: str | None = None
    """The other people of a couple or a family."""


class Contact(msgspec.Struct, frozen=True, omit_defaults=True):
    """How to reach the client."""

    email: str | None = None
    phone_number: str | None = None
    address: str | None = None
    wishes: str | None = None
    """How they want to be reached: "text only", "no messages on the machine"."""


class EmergencyContact(msgspec.Struct, frozen=True, omit_defaults=True):
    """Whom to call when something happens to the client."""

    name: str | None = None
    relationship: str | None = None
    phone_number: str | None = None


class Gp(msgspec.Struct, frozen=True, omit_defaults=True):
    """The client's general practitioner."""

    name: str | None = None
    practice: str | None = None
    phone_number: str | None = None


class ClientRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is sealed under the client's key; every part is optional."""

    identity: Identity | None = None
    contact: Contact | None = None
    emergency_contact: EmergencyContact | None = None
    gp: Gp | None = None
    crisis_plan: str | None = None
    encounter_wording: str | None = None
    """What is said when somebody is met on a walk, as agreed."""
    needs: tuple[Need, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    other_triggers: tuple[str, ...] = ()
    """In the therapist's words; features are searched for them."""
    usual_session: UsualSession | None = None


class ClientFile(msgspec.Struct, frozen=True):
    """A client, the opened record, and the practice, whose pace and rests are the defaults."""

    client: Client
    record: ClientRecord
    practice: Practice
    unreadable: bool = False
    """Label or record do not open: the key was destroyed, or what is stored is damaged."""

    @property
    def shown_revision(self) -> int:
        """Return the revision of what is shown, which includes the practice's pace and rests."""
        return max(self.client.revision, self.practice.revision)


class ClientChanges(msgspec.Struct, frozen=True):
    """Changes to a client: the members of Client by name, and a merge patch (RFC 7396) to the record."""

    members: Mapping[str, Any]
    record: Mapping[str, Any]


class ClientFilter(msgspec.Struct, frozen=True):
    """Which clients a list shows."""

    archived: bool = False
    stage: Stage | None = None
    label: str | None = None
    """A part of the label, in capital or small letters."""

    def includes(self, client: Client) -> bool:
        """Return whether a client is to be shown as far as stage and archive tell."""
        return (client.archived_at is not None) == self.archived and self.stage in (None, client.stage)


def sort_key(label: str) -> str:
    """Return the text that labels are ordered by, and searched in: without a difference of case."""
    return unicodedata.normalize("NFC", label.casefold())


def select_page(
    clients: Iterable[Client], wanted: ClientFilter, *, after: UUID | None, limit: int
) -> list[Client]:
    """Return up to `limit` of the wanted clients by label, from the one after `after`.

    Raises BadCursor where no client has the id `after`.
    """
    ordered = sorted(((sort_key(each.label), each.id), each) for each in clients)
    start = next((place for place, each in ordered if each.id == after), None)
    if after is not None and start is None:
        raise BadCursor("not a cursor of this list")
    part = sort_key(wanted.label or "")
    return [
        each
        for place, each in ordered
        if (start is None or place > start) and wanted.includes(each) and part in place[0]
    ][:limit]


def pace_of(client: PlainClient, practice: Practice) -> Pace:
    """Return the client's own pace and rests; where one is missing, the practice's."""
    flat_mps = practice.flat_pace_mps if client.flat_pace_mps is None else client.flat_pace_mps
    rests_s = practice.rests_s if client.rests_s is None else client.rests_s
    return Pace(flat_mps, rests_s)


def changed_client(client: Client, changes: Mapping[str, Any], now: datetime) -> Client:
    """Return the client with the changes made. A stage other than ended clears the ending."""
    if changes.get("stage", Stage.ENDED) is not Stage.ENDED:
        changes = {"ending": None, **changes}
    if "label" in changes:
        changes = {"unreadable": False, **changes}
    return msgspec.structs.replace(client, updated_at=now, **changes)


def merged_record(record: ClientRecord, patch: Mapping[str, Any]) -> ClientRecord:
    """Return the record with a merge patch applied. A part that has no members left is removed."""
    return msgspec.convert(_merged(msgspec.to_builtins(record), patch), ClientRecord)


def _merged(target: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(target)
    for name, value in patch.items():
        merged[name] = _merged(merged.get(name, {}), value) if isinstance(value, Mapping) else value
    return {name: value for name, value in merged.items() if value is not None and value != {}}


def refuse_unusable_client(client: PlainClient, record: ClientRecord, now: datetime) -> None:
    """Raise Unusable for what contradicts itself, or a date of birth that cannot be true."""
    if client.stage is Stage.ENDED and client.ending is None:
        raise Unusable("/ending", f"say how it ended: {', '.join(Ending)}")
    if client.stage is not Stage.ENDED and client.ending is not None:
        raise Unusable("/ending", "only a client at stage ended has an ending")
    if record.usual_session is not None:
        refuse_unusable_usual(record.usual_session)
    born = record.identity.date_of_birth if record.identity else None
    latest = now.date() + timedelta(days=1)  # east of here it may be tomorrow already
    if born is not None and not EARLIEST_BIRTH <= born <= latest:
        raise Unusable("/identity/date_of_birth", f"lies before {EARLIEST_BIRTH.year} or in the future")
