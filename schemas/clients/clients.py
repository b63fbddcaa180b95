"""Clients on the wire."""

from datetime import date, datetime
from typing import Annotated, Any, Final, TypeVar
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from schemas.base import (
    ADDRESS,
    ONE_LINE,
    FlatPace,
    Input,
    Instant,
    Name,
    Output,
    Page,
    Rests,
    changes_of,
    present,
    shown,
)
from service.clients.clients import (
    Client,
    ClientChanges,
    ClientFile,
    ClientRecord,
    Ending,
    Stage,
    merged_record,
    pace_of,
)
from service.clients.modality import Modality
from service.clients.needs import LONGEST_TRIGGER, MOST_OTHER_TRIGGERS, Need, Trigger
from service.clients.usual_sessions import UsualSession, Weekday
from service.people.practices import Practice

Part = TypeVar("Part", bound=Output)

Label = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=100,
        pattern=r"\S",
        description="What you call the record, such as initials or a number.",
        extra=ONE_LINE,
    ),
]
Pronouns = Annotated[str, Meta(min_length=1, max_length=60, extra=ONE_LINE)]
EmailAddress = Annotated[str, Meta(max_length=254, pattern=r"^[^@\s]+@[^@\s]+$(?!\n)", extra=ADDRESS)]
Telephone = Annotated[
    str, Meta(min_length=1, max_length=60, description="As you dial it, extension and all.")
]
Line = Annotated[str, Meta(min_length=1, max_length=200, extra=ONE_LINE)]
Lines = Annotated[str, Meta(min_length=1, max_length=1_000)]
CrisisPlan = Annotated[str, Meta(min_length=1, max_length=10_000)]
EncounterWording = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=1_000,
        description="What is said when somebody is met on a walk, as agreed with the client.",
    ),
]
Needs = Annotated[
    list[Need],
    Meta(max_length=len(Need), description="What the client needs of a walk; a fit says what meets it."),
]
Triggers = Annotated[
    list[Trigger],
    Meta(max_length=len(Trigger), description="What may distress the client; a fit says where it is met."),
]
OtherTriggers = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=LONGEST_TRIGGER, pattern=r"\w")]],
    Meta(
        max_length=MOST_OTHER_TRIGGERS,
        description="Others in your words, such as horses: what features are called is searched for them.",
    ),
]
OTHERS: Final = Meta(description="The other people of a couple or a family.")
WISHES: Final = Meta(description='How they want to be reached: "text only", "no messages on the machine".')
OWN: Final = Meta(description="The client's own; absent where the practice's applies.")
LISTS: Final = ("needs", "triggers", "other_triggers")
AGREEMENTS: Final = {"outdoor_agreement": "outdoor_agreed", "location_permission": "location_agreed"}


LocalTime = Annotated[
    str,
    Meta(
        pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$(?!\n)",
        max_length=5,
        description="By the clocks of the practice's zone, all year round.",
        examples=["14:30"],
    ),
]
LengthMin = Annotated[
    int, Meta(ge=5, le=480, description="Left out, as long as the practice's sessions last.")
]
EveryWeeks = Annotated[int, Meta(ge=1, le=12, description="2 for every other week.")]
FROM_DATE: Final = Meta(description="A day of the first week. With `every_weeks`, others count from there.")
INSTEAD: Final = Meta(description="What to do instead. Left out, the route says so.")


class UsualSettingIn(Input):
    """How and where you usually meet, or what you do instead."""

    modality: Modality
    route_id: UUID | None = None
    place_id: UUID | None = None


class UsualSessionIn(UsualSettingIn, kw_only=True):
    """When, how and where you usually meet; replaced as a whole."""

    weekday: Weekday
    local_time: LocalTime
    length_min: LengthMin | None = None
    every_weeks: EveryWeeks = 1
    from_date: Annotated[date | None, FROM_DATE] = None
    alternative: Annotated[UsualSettingIn | None, INSTEAD] = None


class AgreementIn(Input):
    """The client's answer, and when it was given. It can be changed at any time."""

    agreed: bool
    on: Instant


class IdentityPatch(Input):
    """Who the client is; in a change null clears a member, an absent one stays."""

    given_name: Name | UnsetType | None = UNSET
    family_name: Name | UnsetType | None = UNSET
    pronouns: Pronouns | UnsetType | None = UNSET
    date_of_birth: date | UnsetType | None = UNSET
    others: Annotated[Lines | UnsetType | None, OTHERS] = UNSET


class ContactPatch(Input):
    """How to reach the client; in a change null clears a member, an absent one stays."""

    email: EmailAddress | UnsetType | None = UNSET
    phone_number: Telephone | UnsetType | None = UNSET
    address: Lines | UnsetType | None = UNSET
    wishes: Annotated[Lines | UnsetType | None, WISHES] = UNSET


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


class ClientMembers(Input):
    """The optional members of a client, in a create and in a change."""

    stage: Stage | UnsetType = UNSET
    ending: Annotated[
        Ending | UnsetType | None,
        Meta(description="With stage ended, and only then; another stage clears it."),
    ] = UNSET
    flat_pace_mps: FlatPace | UnsetType | None = UNSET
    rests_s: Rests | UnsetType | None = UNSET
    outdoor_agreement: AgreementIn | UnsetType | None = UNSET
    location_permission: Annotated[
        AgreementIn | UnsetType | None, Meta(description="Tracks and positions are kept only with it.")
    ] = UNSET
    identity: IdentityPatch | UnsetType | None = UNSET
    contact: ContactPatch | UnsetType | None = UNSET
    emergency_contact: EmergencyContactPatch | UnsetType | None = UNSET
    gp: GpPatch | UnsetType | None = UNSET
    crisis_plan: CrisisPlan | UnsetType | None = UNSET
    encounter_wording: EncounterWording | UnsetType | None = UNSET
    needs: Needs | UnsetType | None = UNSET
    triggers: Triggers | UnsetType | None = UNSET
    other_triggers: OtherTriggers | UnsetType | None = UNSET
    usual_session: Annotated[
        UsualSessionIn | UnsetType | None, Meta(description="What planning a week plans.")
    ] = UNSET


class ClientIn(ClientMembers, kw_only=True):
    """A client to add: a label is enough. What identifies the person is encrypted under a key of their own.

    Without a stage it is an enquiry.
    """

    id: UUID
    label: Label

    def to_client(self, now: datetime) -> tuple[Client, ClientRecord]:
        """Return the client this describes, and the record to seal."""
        given = _to_changes(self, now)
        client = Client(created_at=now, updated_at=now, **given.members)
        return client, merged_record(ClientRecord(), given.record)


class ClientPatch(ClientMembers):
    """What to change, as a merge patch (RFC 7396): null clears a member, an absent one stays.

    The same holds inside `identity`, `contact`, `emergency_contact` and `gp`. Each of the two agreements,
    each list and the usual session is replaced as a whole. Withdrawing an agreement is always possible; null
    means the client was never asked.
    """

    label: Label | UnsetType = UNSET
    archived: bool | UnsetType = UNSET

    def to_changes(self, now: datetime) -> ClientChanges:
        """Return the changes in the words of the domain."""
        return _to_changes(self, now)


def _to_changes(sent: ClientMembers, now: datetime) -> ClientChanges:
    """Return what was sent: the members stored in the open, and those that are sealed."""
    given = changes_of(sent, now)
    given |= {name: list(dict.fromkeys(given[name])) for name in LISTS if given.get(name)}
    if given.get("usual_session"):
        given["usual_session"] = _in_full(given["usual_session"])
    sealed = {name: given.pop(name) for name in ClientRecord.__struct_fields__ if name in given}
    for member, column in AGREEMENTS.items():
        if member in given:
            agreement = given.pop(member)
            given[column] = agreement.agreed if agreement else None
            given[f"{column}_at"] = agreement.on if agreement else None
    return ClientChanges(given, msgspec.to_builtins(sealed))


def _in_full(usual: UsualSessionIn) -> dict[str, Any]:
    """Return a usual session with null for what it leaves out, so that it replaces all of another one."""
    instead = usual.alternative
    named = None if instead is None else msgspec.structs.asdict(instead)
    return msgspec.structs.asdict(usual) | {"alternative": named}


class AgreementOut(Output):
    """The client's answer, and when it was given."""

    agreed: bool
    on: Instant


class WalksOut(Output):
    """The pace and rests that walks are planned with: the client's own; where missing, the practice's."""

    flat_pace_mps: float
    rests_s: int


class ClientSummaryOut(Output):
    """A client as a list shows them: without the encrypted record."""

    id: UUID
    label: str
    stage: Stage
    walks: WalksOut
    created_at: Instant
    updated_at: Instant
    revision: int
    ending: Ending | UnsetType = UNSET
    flat_pace_mps: Annotated[float | UnsetType, OWN] = UNSET
    rests_s: Annotated[int | UnsetType, OWN] = UNSET
    outdoor_agreement: Annotated[
        AgreementOut | UnsetType, Meta(description="Absent until the client was asked.")
    ] = UNSET
    location_permission: Annotated[
        AgreementOut | UnsetType,
        Meta(description="Absent until the client was asked; tracks are kept only with it."),
    ] = UNSET
    archived_at: Instant | UnsetType = UNSET
    unreadable: Annotated[
        bool,
        Meta(
            description="What is stored encrypted does not open, since it is damaged or its key is missing: "
            "only what is plain is shown."
        ),
    ] = False

    @classmethod
    def from_client(cls, client: Client, practice: Practice) -> "ClientSummaryOut":
        """Return the client as a list shows them."""
        return cls(**_summary(client, practice))


def _summary(client: Client, practice: Practice) -> dict[str, Any]:
    """Return the members of a ClientSummaryOut."""
    pace = pace_of(client, practice)
    return shown(client, ClientSummaryOut) | {
        "walks": WalksOut(pace.flat_mps, round(pace.rests_s)),
        "outdoor_agreement": _part(client.outdoor_agreement, AgreementOut),
        "location_permission": _part(client.location_permission, AgreementOut),
    }


def _part(part: object | None, wire: type[Part]) -> Part | UnsetType:
    return UNSET if part is None else wire.of(part)


class IdentityOut(Output):
    """Who the client is."""

    given_name: str | UnsetType = UNSET
    family_name: str | UnsetType = UNSET
    pronouns: str | UnsetType = UNSET
    date_of_birth: date | UnsetType = UNSET
    others: Annotated[str | UnsetType, OTHERS] = UNSET


class ContactOut(Output):
    """How to reach the client."""

    email: str | UnsetType = UNSET
    phone_number: str | UnsetType = UNSET
    address: str | UnsetType = UNSET
    wishes: Annotated[str | UnsetType, WISHES] = UNSET


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


class UsualSettingOut(Output):
    """How and where you usually meet, or what you do instead."""

    modality: Modality
    route_id: UUID | UnsetType = UNSET
    place_id: UUID | UnsetType = UNSET


class UsualSessionOut(UsualSettingOut, kw_only=True):
    """When, how and where you usually meet."""

    weekday: Weekday
    local_time: str
    every_weeks: int
    length_min: int | UnsetType = UNSET
    from_date: date | UnsetType = UNSET
    alternative: UsualSettingOut | UnsetType = UNSET

    @classmethod
    def from_usual(cls, usual: UsualSession) -> "UsualSessionOut":
        """Return a usual session."""
        return cls(**shown(usual, cls) | {"alternative": _part(usual.alternative, UsualSettingOut)})


class ClientOut(ClientSummaryOut):
    """A client with the encrypted record."""

    identity: IdentityOut | UnsetType = UNSET
    contact: ContactOut | UnsetType = UNSET
    emergency_contact: EmergencyContactOut | UnsetType = UNSET
    gp: GpOut | UnsetType = UNSET
    crisis_plan: str | UnsetType = UNSET
    encounter_wording: str | UnsetType = UNSET
    needs: list[Need] | UnsetType = UNSET
    triggers: list[Trigger] | UnsetType = UNSET
    other_triggers: list[str] | UnsetType = UNSET
    usual_session: UsualSessionOut | UnsetType = UNSET

    @classmethod
    def from_file(cls, file: ClientFile) -> "ClientOut":
        """Return the client as a phone gets them."""
        record = file.record
        return cls(
            **(_summary(file.client, file.practice) | {"unreadable": file.unreadable}),
            identity=_part(record.identity, IdentityOut),
            contact=_part(record.contact, ContactOut),
            emergency_contact=_part(record.emergency_contact, EmergencyContactOut),
            gp=_part(record.gp, GpOut),
            crisis_plan=present(record.crisis_plan),
            encounter_wording=present(record.encounter_wording),
            needs=list(record.needs) or UNSET,
            triggers=list(record.triggers) or UNSET,
            other_triggers=list(record.other_triggers) or UNSET,
            usual_session=(
                UNSET if record.usual_session is None else UsualSessionOut.from_usual(record.usual_session)
            ),
        )


class ClientPage(Page[ClientSummaryOut]):
    """Clients by label."""
