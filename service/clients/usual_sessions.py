"""A client's usual session: on which day of the week and at what time, for how long, how and where."""

import enum
from datetime import date, timedelta
from typing import Final
from uuid import UUID

import msgspec

from service.clients.modality import Modality
from service.foundation.retry_safe import Unusable

A_WEEK: Final = timedelta(weeks=1)


class Weekday(enum.StrEnum):
    """A day of the week, in the order of ISO 8601."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


class UsualSetting(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """How and where a client and a therapist usually meet."""

    modality: Modality
    route_id: UUID | None = None
    place_id: UUID | None = None


class UsualSession(UsualSetting, frozen=True, omit_defaults=True, kw_only=True):
    """When, how and where a client and a therapist usually meet.

    `local_time` is "14:30" by the clocks of the practice's zone, all year round. Without `length_min` a
    session lasts as long as the practice's do.
    """

    weekday: Weekday
    local_time: str
    length_min: int | None = None
    every_weeks: int = 1
    from_date: date | None = None
    """A day of the first week; other weeks are counted from there."""
    alternative: UsualSetting | None = None
    """What to do instead; None where the route says so."""

    def day_in(self, monday: date) -> date | None:
        """Return the day of the session in the week that begins on a Monday; None in weeks without one."""
        if self.from_date is not None:
            weeks = (monday - monday_of(self.from_date)) // A_WEEK
            if weeks < 0 or weeks % self.every_weeks:
                return None
        return monday + timedelta(days=list(Weekday).index(self.weekday))


def monday_of(day: date) -> date:
    """Return the Monday of the week that a day belongs to."""
    return day - timedelta(days=day.weekday())


def refuse_unusable_usual(usual: UsualSession) -> None:
    """Raise Unusable where it cannot be told in which weeks the session is."""
    if usual.every_weeks > 1 and usual.from_date is None:
        raise Unusable("/usual_session/from_date", "name a day of the first of these weeks")
