"""One spelling for each payload, so that a retry is recognised however the phone writes it."""

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
AS_THEY_ARE: Final = (datetime, msgspec.Raw)
"""Types that `_respelt` gets as values, not as text."""


def canonical(payload: msgspec.Struct | bytes) -> bytes:
    """Return the bytes that stand for `payload`; equal payloads give equal bytes.

    A decoded request is encoded again as JSON: structs in field order, mappings and sets sorted, instants as
    the time since 1970, -0.0 as 0.0. So white space, the order of keys and the offset of an instant do not
    matter. A `msgspec.Raw` member and the bytes of a file stay as the phone sent them. A request Struct with
    `omit_defaults` keeps its spelling when a later release adds a field.
    """
    if isinstance(payload, bytes):
        return payload
    members = msgspec.to_builtins(payload, builtin_types=AS_THEY_ARE, order="deterministic")
    return msgspec.json.encode(_respelt(members))


def _respelt(value: Any) -> Any:  # noqa: ANN401  any JSON value
    """Return `value` with one spelling for equal instants and equal numbers, at any depth."""
    match value:
        case dict():
            return {name: _respelt(each) for name, each in value.items()}
        case list() | tuple():
            return [_respelt(each) for each in value]
        case datetime() if value.tzinfo is not None:
            return value - EPOCH
        case float():
            return value + 0.0
    return value
