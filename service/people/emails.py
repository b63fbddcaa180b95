"""Email addresses as they are stored and compared."""

from typing import Final

from service.foundation.retry_safe import Unusable

LONGEST_EMAIL: Final = 254


def normal_email(email: str) -> str:
    """Return an email without spaces around it and in lower case.

    Raises Unusable where that is too long for an address: some capitals become two letters in lower case.
    """
    normal = email.strip().lower()
    if len(normal) > LONGEST_EMAIL:
        raise Unusable("/email", f"an address has at most {LONGEST_EMAIL} characters")
    return normal
