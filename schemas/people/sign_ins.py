"""Sign-ins on the wire."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta

from schemas.base import Input, Instant, Output, shown
from schemas.people.devices import DeviceIn
from schemas.people.therapists import Email
from service.people.sign_ins import RefreshRequest, SignInRequest, SignInTokens

Password = Annotated[str, Meta(min_length=1, max_length=256)]
TokenText = Annotated[str, Meta(min_length=1, max_length=200)]
PracticeId = Annotated[
    UUID,
    Meta(
        description="Needed only where the same email and password open several practices. A phone that has "
        "signed in before should always send it: then nobody who uses the same email in another practice can "
        "slow it down."
    ),
]


class SignInIn(Input):
    """Email, password and the phone."""

    email: Email
    password: Password
    device: DeviceIn
    practice_id: PracticeId | None = None

    def to_request(self, network: str) -> SignInRequest:
        """Return the request, which comes from `network`."""
        return SignInRequest(
            email=self.email,
            password=self.password,
            practice_id=self.practice_id,
            device=self.device.to_device(),
            network=network,
        )


class RefreshIn(Input):
    """A refresh token, good for one exchange, and the device it was given to."""

    refresh_token: TokenText
    device_id: Annotated[UUID, Meta(description="The id the phone sent when it signed in.")]

    def to_request(self) -> RefreshRequest:
        """Return the request."""
        return RefreshRequest(self.refresh_token, self.device_id)


class SignInOut(Output):
    """A sign-in's tokens: the access token goes with every request, the refresh token only to refresh."""

    sign_in_id: UUID
    practice_id: UUID
    therapist_id: UUID
    access_token: str
    access_expires_at: Instant
    refresh_token: str
    refresh_expires_at: Instant

    @classmethod
    def from_tokens(cls, tokens: SignInTokens) -> "SignInOut":
        """Return the tokens as a phone gets them."""
        return cls(**shown(tokens, cls))
