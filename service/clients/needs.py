"""What a client needs of a walk, and what may distress them there. Fit names what on a route meets them."""

import enum
from typing import Final

from service.foundation.described_enum import DescribedEnum

MOST_OTHER_TRIGGERS: Final = 10
LONGEST_TRIGGER: Final = 60


class Need(DescribedEnum):
    """What a client needs of a walk."""

    STEP_FREE = "step_free", "No steps, and no stile."
    GENTLE_SLOPES = "gentle_slopes", "Nothing as steep as a ramp: 1 in 20."
    FIRM_GROUND = "firm_ground", "No grass, mud, sand, rock or steps underfoot."
    SEATS = "seats", "Somewhere to sit."
    TOILET = "toilet", "A toilet on the way."
    SHELTER = "shelter", "Shelter from rain."
    PRIVACY = "privacy", "Not to be overheard."
    LIGHT = "light", "Lamps after dark."
    PHONE_SIGNAL = "phone_signal", "A phone that is connected."
    PARKING = "parking", "Somewhere to park."
    BUS_STOP = "bus_stop", "A bus stop."
    EXITS = "exits", "Ways out on the way."


class Trigger(enum.StrEnum):
    """What may distress a client on a walk."""

    DOGS = "dogs"
    BEES = "bees"
    WATER = "water"
    CROWDS = "crowds"
    HEIGHTS = "heights"
    DARK = "dark"
