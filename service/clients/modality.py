"""How a client and a therapist meet."""

import enum


class Modality(enum.StrEnum):
    """How a session is held."""

    WALK = "walk"
    ROOM = "room"
    ONLINE = "online"
    PHONE = "phone"
