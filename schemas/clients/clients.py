"""Clients on the wire."""

from datetime import date, datetime
from typing import Annotated, Any, Final, TypeVar
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from schemas.base import (
    FlatPace,
    Input,
    Instant,
    Name,
    NextCursor,
    Output,
    Rests,
    changes_of,
    present,
    shown,
)
from service.clients.clients import (
    Agreement,
    Client,
    ClientChanges,
    ClientFile,
    ClientRecord,
    Ending,
    Stage,
    merged_record,
    pace_of,
)
from service.foundation.pages import PageOf
from service.people.practices import Practice

Part = TypeVar("Part", bound=Output)

Label = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=100,
        pattern=r"\S",
        description="What you call the record, such as initials or a number. It is not encrypted.",
    ),
]
Pronouns = Annotated[str, Meta(min_length=1, max_length=60)]
EmailAddress = Annotated[str, Meta(max_length=254, pattern=r"^[^@\s]+@[^@\s]+$(?!\n)")]
Telephone = Annotated[
    str, Meta(min_length=1, max_length=60, description="As you dial it, extension and all.")
]
Line = Annotated[str, Meta(min_length=1, max_length=200)]
Lines = Annotated[str, Meta(min_length=1, max_length=1_000)]
CrisisPlan = Annotated[str, Meta(min_length=1, max_length=10_000)]
AGREEMENTS: Final = {"outdoor_agreement": "outdoor_agreed", "location_permission": "location_agreed"}


class AgreementIn(Input):
    """What the client said, and when. It may change as often as the client's mind does."""

    agreed: bool
    on: Instant


class IdentityPatch(Input):
    """Who the client is; in a change null clears a member, an absent one stays."""

    given_name: Name | UnsetType | None = UNSET
    family_name: Name | UnsetType | None = UNSET
    pronouns: Pronouns | UnsetType | None = UNSET
    date_of_birth: date | UnsetType | None = UNSET
    others: Lines | UnsetType | None = UNSET
    """The other people of a couple or a family."""


class ContactPatch(Input):
    """How to reach the client; in a change null clears a member, an absent one stays."""

    email: EmailAddress | UnsetType | None = UNSET
    phone_number: Telephone | UnsetType | None = UNSET
    address: Lines | UnsetType | None = UNSET
    wishes: Lines | UnsetType | None = UNSET
    """How they want to be reached: "text only", "no messages on the machine"."""


class EmergencyContactPatch(Input):
    """Whom to call; in a change null clears a member, an absent one stays."""

    name: Name | UnsetType | None = UNSET
    relationship: Line | UnsetType | None = UNSET
    phone_number: Telephone | UnsetType | None = UNSET


class GpPatch(Input):
    """The client's general practitioner; in a change null clears a member, an absent one stays."""

    name: Name | UnsetType | None = UNSET
    practice: Line | UnsetType | None = UNSET
    phone_number: Telephone | UnsetType | None = UNSET


class ClientIn(Input):
    """A client to add: a label is enough. What is about the person is encrypted under a key of theirs."""

    id: UUID
    label: Label
    stage: Stage = Stage.ENQUIRY
    ending: Ending | None = None
    """With stage ended, and only then."""
    flat_pace_ms: FlatPace | None = None
    rests_s: Rests | None = None
    outdoor_agreement: AgreementIn | None = None
    location_permission: AgreementIn | None = None
    """Tracks are kept only with it."""
    identity: IdentityPatch | None = None
    contact: ContactPatch | None = None
    emergency_contact: EmergencyContactPatch | None = None
    gp: GpPatch | None = None
    crisis_plan: CrisisPlan | None = None

    def to_client(self, now: datetime) -> tuple[Client, ClientRecord]:
        """Return the client this describes, and what is to be sealed."""
        given = _parted(changes_of(self, now))
        client = Client(created_at=now, updated_at=now, **given.members)
        return client, merged_record(ClientRecord(), given.record)


class ClientPatch(Input):
    """What to change, as a merge patch (RFC 7396): null clears a member, an absent one stays.

    So it goes inside `identity`, `contact`, `emergency_contact` and `gp`. The two agreements are replaced
    whole, each on its own; withdrawing one is always possible, and null means the client was never asked.
    """

    label: Label | UnsetType = UNSET
    stage: Stage | UnsetType = UNSET
    ending: Ending | UnsetType | None = UNSET
    """Needed when the stage becomes ended; forgotten when it becomes another."""
    flat_pace_ms: FlatPace | UnsetType | None = UNSET
    rests_s: Rests | UnsetType | None = UNSET
    outdoor_agreement: AgreementIn | UnsetType | None = UNSET
    location_permission: AgreementIn | UnsetType | None = UNSET
    identity: IdentityPatch | UnsetType | None = UNSET
    contact: ContactPatch | UnsetType | None = UNSET
    emergency_contact: EmergencyContactPatch | UnsetType | None = UNSET
    gp: GpPatch | UnsetType | None = UNSET
    crisis_plan: CrisisPlan | UnsetType | None = UNSET
    archived: bool | UnsetType = UNSET

    def to_changes(self, now: datetime) -> ClientChanges:
        """Return the changes in the words of the domain."""
        return _parted(changes_of(self, now))


def _parted(given: dict[str, Any]) -> ClientChanges:
    """Return what was given, parted into what is kept in the open and what is sealed."""
    sealed = {name: given.pop(name) for name in ClientRecord.__struct_fields__ if name in given}
    for member, column in (
        ("outdoor_agreement", "outdoor_agreed"),
        ("location_permission", "location_agreed"),
    ):
        if member in given:
            agreement = given.pop(member)
            given[column] = agreement.agreed if agreement else None
            given[f"{column}_at"] = agreement.on if agreement else None
    return ClientChanges(given, msgspec.to_builtins(sealed))


class AgreementOut(Output):
    """What the client said, and when."""

    agreed: bool
    on: Instant


class WalksOut(Output):
    """The pace and the rests walks are planned with: the client's own, or else the practice's."""

    flat_pace_ms: float
    rests_s: int


class ClientSummary(Output):
    """A client as a list shows them: nothing that is encrypted."""

    id: UUID
    label: str
    stage: Stage
    walks: WalksOut
    created_at: Instant
    updated_at: Instant
    revision: int
    ending: Ending | UnsetType = UNSET
    flat_pace_ms: float | UnsetType = UNSET
    """The client's own; absent where the practice's applies."""
    rests_s: int | UnsetType = UNSET
    """The client's own; absent where the practice's applies."""
    outdoor_agreement: AgreementOut | UnsetType = UNSET
    """Absent until the client was asked."""
    location_permission: AgreementOut | UnsetType = UNSET
    """Absent until the client was asked; tracks are kept only with it."""
    archived_at: Instant | UnsetType = UNSET

    @classmethod
    def from_client(cls, client: Client, practice: Practice) -> "ClientSummary":
        """Return the client as a list shows them."""
        return cls(**_summary(client, practice))


def _summary(client: Client, practice: Practice) -> dict[str, Any]:
    """Return the members of a ClientSummary."""
    pace = pace_of(client, practice)
    return shown(client, ClientSummary) | {
        "walks": WalksOut(pace.flat_mps, round(pace.rests_s)),
        "outdoor_agreement": _said(client.outdoor_agreement),
        "location_permission": _said(client.location_permission),
    }


def _said(agreement: Agreement | None) -> AgreementOut | UnsetType:
    return AgreementOut(agreement.agreed, agreement.on) if agreement else UNSET


class IdentityOut(Output):
    """Who the client is."""

    given_name: str | UnsetType = UNSET
    family_name: str | UnsetType = UNSET
    pronouns: str | UnsetType = UNSET
    date_of_birth: date | UnsetType = UNSET
    others: str | UnsetType = UNSET
    """The other people of a couple or a family."""


class ContactOut(Output):
    """How to reach the client."""

    email: str | UnsetType = UNSET
    phone_number: str | UnsetType = UNSET
    address: str | UnsetType = UNSET
    wishes: str | UnsetType = UNSET
    """How they want to be reached."""


class EmergencyContactOut(Output):
    """Whom to call when something happens to the client."""

    name: str | UnsetType = UNSET
    relationship: str | UnsetType = UNSET
    phone_number: str | UnsetType = UNSET


class GpOut(Output):
    """The client's general practitioner."""

    name: str | UnsetType = UNSET
    practice: str | UnsetType = UNSET
    phone_number: str | UnsetType = UNSET


class ClientOut(ClientSummary):
    """A client and all that is known about them."""

    identity: IdentityOut | UnsetType = UNSET
    contact: ContactOut | UnsetType = UNSET
    emergency_contact: EmergencyContactOut | UnsetType = UNSET
    gp: GpOut | UnsetType = UNSET
    crisis_plan: str | UnsetType = UNSET

    @classmethod
    def from_file(cls, file: ClientFile) -> "ClientOut":
        """Return the client as a phone gets them."""
        record = file.record
        return cls(
            **_summary(file.client, file.practice),
            identity=_part(record.identity, IdentityOut),
            contact=_part(record.contact, ContactOut),
            emergency_contact=_part(record.emergency_contact, EmergencyContactOut),
            gp=_part(record.gp, GpOut),
            crisis_plan=present(record.crisis_plan),
        )


def _part(part: object | None, wire: type[Part]) -> Part | UnsetType:
    return UNSET if part is None else wire(**shown(part, wire))


class ClientPage(Output):
    """Clients by label."""

    items: list[ClientSummary]
    next_cursor: NextCursor | UnsetType = UNSET

    @classmethod
    def from_page(cls, page: PageOf[Client], practice: Practice) -> "ClientPage":
        """Return the page as a phone gets it."""
        items = [ClientSummary.from_client(each, practice) for each in page.items]
        return cls(items=items, next_cursor=page.next.to_text() if page.next else UNSET)
