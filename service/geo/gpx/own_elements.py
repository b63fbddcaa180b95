"""Collect the elements of OWN_NAMESPACE inside one `extensions` element, within limits."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final

from service.geo.gpx.columns import SkipLog
from service.geo.gpx.model import OWN_NAMESPACE, GpxLimits, OwnElement

_XMLNS: Final = "xmlns"


def declared(attributes: Mapping[str, str]) -> dict[str, str]:
    """Return the namespaces that an element declares, by the attribute that declares each."""
    return {name: uri for name, uri in attributes.items() if name.startswith(_XMLNS)}


class OwnElements:
    """Gathers the elements of our namespace that lie directly inside `extensions`.

    Any prefix may stand for a namespace, and each element may declare it anew: `_scopes` holds what each of
    the open elements declares, the innermost last. The reader limits how deep they lie.
    """

    def __init__(self, limits: GpxLimits, skips: SkipLog) -> None:
        self._limits = limits
        self._skips = skips
        self._count = 0
        self._scopes: list[Mapping[str, str]] = []
        self._outermost = 0
        self._found: list[OwnElement] = []

    def enter(self, found: list[OwnElement], *scopes: Mapping[str, str]) -> None:
        """Begin an `extensions` element inside elements with these attributes; gather into `found`."""
        self._scopes = [declared(each) for each in scopes]
        self._outermost = len(scopes)
        self._found = found

    def start(self, tag: str, attributes: Mapping[str, str], offset: int) -> None:
        """Open an element inside; keep it if it is ours."""
        self._scopes.append(declared(attributes) if attributes else attributes)
        prefix, _, name = tag.rpartition(":")
        if self._namespace(prefix) != OWN_NAMESPACE:
            return
        name = name[: self._limits.own_chars]
        if len(self._scopes) > self._outermost + 1:
            self._skips.add(offset, name, "does not belong inside another element")
        elif self._is_full():
            self._skips.add(offset, name, f"more than {self._most} in one place, or {self._all} in the file")
        else:
            self._count += 1
            self._found.append(OwnElement(name, dict(self._kept(attributes)), offset))
            if len(attributes) > self._limits.own_attributes:
                self._skips.add(offset, name, f"has more than {self._limits.own_attributes} attributes")

    def end(self) -> bool:
        """Close an element; return whether it is the `extensions` element itself."""
        self._scopes.pop()
        return len(self._scopes) < self._outermost

    @property
    def _most(self) -> int:
        return self._limits.own_elements_in_one

    @property
    def _all(self) -> int:
        return self._limits.own_elements

    def _is_full(self) -> bool:
        return len(self._found) >= self._most or self._count >= self._all

    def _namespace(self, prefix: str) -> str | None:
        name = f"{_XMLNS}:{prefix}" if prefix else _XMLNS
        return next((each[name] for each in reversed(self._scopes) if name in each), None)

    def _kept(self, attributes: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        """Yield the first attributes; the mark on one that is cut keeps it from passing for a whole one."""
        longest = self._limits.own_chars
        for name, value in islice(attributes.items(), self._limits.own_attributes):
            if not name.startswith(_XMLNS):
                yield name[:longest], value if len(value) <= longest else f"{value[:longest]}…"
