"""One spelling for a payload, so that a retry can be told from another request."""

import msgspec


def canonical(payload: msgspec.Struct | bytes) -> bytes:
    """Return the bytes that stand for `payload`; equal payloads give equal bytes.

    A decoded request is encoded anew as JSON, structs in field order, mappings and sets sorted, so that
    white space and the order of keys in what the phone sent do not matter. A file's bytes stand as they
    are. A request Struct with `omit_defaults` keeps its spelling when a later release adds a field.
    """
    if isinstance(payload, bytes):
        return payload
    return msgspec.json.encode(payload, order="deterministic")
