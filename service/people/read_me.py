"""Read one's own account."""

import msgspec

from service.foundation.database.connection import Begin
from service.foundation.retry_safe import found
from service.people.practice_queries import find_practice
from service.people.practices import Practice
from service.people.therapist_queries import find_therapist
from service.people.therapists import Therapist


class OwnAccount(msgspec.Struct, frozen=True):
    """A therapist and the practice they work in."""

    therapist: Therapist
    practice: Practice


async def read_me(begin: Begin) -> OwnAccount:
    """Return the therapist who asks, and their practice."""
    tenant = begin.tenant
    async with begin.read() as connection:
        therapist = await find_therapist(connection, tenant.practice_id, tenant.therapist_id)
        practice = await find_practice(connection, tenant.practice_id)
    return OwnAccount(found(therapist), found(practice))
