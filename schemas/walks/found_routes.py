"""Routes that were found near a place, on the wire."""

from typing import Annotated, Self
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from schemas.base import Output, present
from schemas.walks.routes import RouteSummaryOut
from service.clients.needs import Need
from service.walks.found_routes import FoundRoute, FoundRoutes, NearWhat


class FoundRouteOut(Output):
    """A route that fits, and how far away it is."""

    route: RouteSummaryOut
    away_m: Annotated[float, Meta(description="From the place to what was to be near it, as the crow flies.")]
    unknown: Annotated[
        list[Need], Meta(description="Needs of which nobody has said enough: they may not be met.")
    ]
    feature_id: Annotated[
        UUID | UnsetType, Meta(description="The bus stop or car park, where one was asked for.")
    ] = UNSET

    @classmethod
    def from_found(cls, found: FoundRoute) -> Self:
        """Return a route as it was found."""
        route = RouteSummaryOut.from_summary(found.route)
        return cls(route, round(found.away_m, 1), list(found.unknown), present(found.feature_id))


class FacetsOut(Output):
    """How many of all routes found are loops, have a kind of feature, or a tag; the most frequent first."""

    loops: int
    features: dict[str, int]
    tags: dict[str, int]


class FoundRoutesOut(Output):
    """Routes that fit, nearest first; of those equally near to 50 m, the longest first."""

    near: Annotated[NearWhat, Meta(description="What of a route is near the place.")]
    items: list[FoundRouteOut]
    found: Annotated[int, Meta(description="All that fit, of which `items` are the first.")]
    more: Annotated[
        bool,
        Meta(description="Only the nearest hundred were looked at: look less far, or for a shorter time."),
    ]
    facets: FacetsOut

    @classmethod
    def from_found(cls, found: FoundRoutes) -> Self:
        """Return what was found."""
        facets = found.facets
        return cls(
            near=found.near,
            items=[FoundRouteOut.from_found(each) for each in found.routes],
            found=found.found,
            more=found.more,
            facets=FacetsOut(
                loops=facets.loops,
                features=dict(facets.features),
                tags=dict(facets.tags),
            ),
        )
