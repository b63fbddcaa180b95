"""What can be wrong with a request before any rule of the field applies; problems.py answers each."""


class RequestRefused(Exception):
    """The request cannot be used as it is."""


class NotJson(RequestRefused):
    """The body is not JSON that this service accepts."""


class NamedTwice(NotJson):
    """An object of the body has two members of one name; `pointer` (RFC 6901) says which."""

    def __init__(self, pointer: str) -> None:
        super().__init__("two members of one object have this name; send one of them")
        self.pointer = pointer


class InvalidBody(RequestRefused):
    """The body is JSON, but not what the endpoint expects; `pointer` (RFC 6901) says where."""

    def __init__(self, detail: str, pointer: str) -> None:
        super().__init__(detail)
        self.pointer = pointer


class TooLarge(RequestRefused):
    """The body has more bytes than the endpoint reads."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"this endpoint reads at most {limit:,} bytes")
        self.limit = limit


class CutOff(RequestRefused):
    """The phone closed the connection before it had sent the whole body."""


class UnsupportedContent(RequestRefused):
    """The endpoint does not read this content type or encoding."""


class UnknownHost(RequestRefused):
    """The request names a host that this service does not serve."""


class BadParameter(RequestRefused):
    """A query parameter cannot be used; `name` says which."""

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(detail)
        self.name = name


class MissingHeader(RequestRefused):
    """A header the endpoint needs is missing or malformed; `name` says which."""

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(detail)
        self.name = name


class NoPrecondition(MissingHeader):
    """A change does not say which version it is based on."""


class OwnerOnly(RequestRefused):
    """Only an owner of the practice may send this request."""
