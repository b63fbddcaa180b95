"""One's own account on the wire: who is signed in, and the email address to change."""

from uuid import UUID

from schemas.base import Input, Output
from schemas.people.practices import PracticeOut
from schemas.people.sign_ins import Password
from schemas.people.therapists import Email, TherapistOut
from service.people.change_email import EmailChange


class MeOut(Output):
    """The therapist of this sign-in, their practice, and the device."""

    therapist: TherapistOut
    practice: PracticeOut
    device_id: UUID


class EmailIn(Input):
    """The address from now on, and your password."""

    email: Email
    password: Password

    def to_change(self) -> EmailChange:
        """Return the change."""
        return EmailChange(self.email, self.password)
