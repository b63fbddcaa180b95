"""Every operation of the application's route table, as the tests that are made from it need it."""

import re
from typing import Any, Final

import msgspec
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from service.app import Composition, create_app
from service.foundation.crypto.key_file import KeyFile

WRITES: Final = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class Operation(msgspec.Struct, frozen=True):
    """One method of one path."""

    id: str
    method: str
    path: str
    """With `{names}` of what it takes."""
    handler: HTTPRouteHandler

    @property
    def names(self) -> list[str]:
        """Return what its path names."""
        return re.findall(r"\{(\w+)\}", self.path)

    @property
    def writes(self) -> bool:
        return self.method in WRITES

    @property
    def ledger(self) -> str | None:
        """Return how a second sending is recognised: "creating", by its id, or "writing", by its key."""
        asked = self.handler.parsed_fn_signature.parameters.keys() & {"creating", "writing"}
        return asked.pop() if asked else None

    @property
    def takes_version(self) -> bool:
        """Return whether it reads If-Match."""
        return bool(self.handler.parsed_fn_signature.parameters.keys() & {"expected", "expected_if_sent"})

    @property
    def body(self) -> Any:
        """Return the wire type its JSON body is read as; None where it takes none."""
        data = self.handler.parsed_fn_signature.parameters.get("data")
        return data.annotation if data else None

    @property
    def parameters(self) -> dict[str, tuple[Any, QueryParameter]]:
        """Return its query parameters by name: their type and their limits."""
        fields = self.handler.parsed_fn_signature.parameters.items()
        return {
            field.kwarg_definition.name or name: (field.annotation, field.kwarg_definition)
            for name, field in fields
            if isinstance(field.kwarg_definition, QueryParameter)
        }


def route_table() -> dict[str, Operation]:
    """Return every operation by its id; pages about the service itself have none."""
    app = create_app(Composition(dsn="", keys=KeyFile.new(), address=""))
    found = [
        Operation(str(handler.operation_id), method, route.path_format, handler)
        for route in app.routes
        for handler in getattr(route, "route_handlers", ())
        for method in handler.http_methods
        if method not in {"OPTIONS", "HEAD"} and handler.resolve_include_in_schema()
    ]
    table = {each.id: each for each in found}
    assert len(table) == len(found), "two operations share an id"
    return table


OPERATIONS: Final = route_table()
