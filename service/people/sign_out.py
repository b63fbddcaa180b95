"""Sign out."""

from datetime import datetime

from service.foundation.database.connection import Begin
from service.people.sign_in_queries import revoke_sign_ins
from service.people.sign_ins import SignIn


async def sign_out(begin: Begin, sign_in: SignIn, now: datetime) -> None:
    """End a sign-in; its tokens are refused from now on."""
    async with begin.unstamped() as connection:
        await revoke_sign_ins(connection, sign_in.practice_id, now, "signed_out", sign_in_id=sign_in.id)
