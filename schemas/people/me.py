"""One's own account on the wire: who is signed in, password and email address."""

from uuid import UUID

from schemas.base import Input, Output
from schemas.people.practices import PracticeOut
from schemas.people.sign_ins import Password
from schemas.people.therapists import Email, TherapistOut
from service.people.change_email import EmailChange
from service.people.change_password import PasswordChange


class MeOut(Output):
    """The therapist of this sign-in, their practice, and the device."""

    therapist: TherapistOut
    practice: PracticeOut
    device_id: UUID


class PasswordIn(Input):
    """The password until now, and from now on."""

    current: Password
    new: Password

    def to_change(self) -> PasswordChange:
        """Return the change."""
        return PasswordChange(self.current, self.new)


class EmailIn(Input):
    """The address from now on, and your password."""

    email: Email
    password: Password

    def to_change(self) -> EmailChange:
        """Return the change."""
        return EmailChange(self.email, self.password)
