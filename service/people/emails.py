"""Email addresses as they are stored and compared."""

from typing import Final

from service.foundation.characters import fault_in_address
from service.foundation.retry_safe import Unusable

LONGEST_EMAIL: Final = 254


def normal_email(email: str) -> str:
    """Return an email without spaces around it and in lower case.

    Raises Unusable for a character that is not visible, and where lower case makes the email too long: some
    capitals become two letters.
    """
    if fault := fault_in_address(email):
        raise Unusable("/email", fault)
    normal = email.strip(" ").lower()
    if len(normal) > LONGEST_EMAIL:
        raise Unusable("/email", f"an address has at most {LONGEST_EMAIL} characters")
    return normal
