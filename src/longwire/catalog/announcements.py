"""Words to everyone who is signed in."""

from typing import Annotated, Literal

from msgspec import Meta

from longwire.schema import Event

AnnouncementLevel = Annotated[
    Literal["info", "warning", "error"],
    Meta(title="AnnouncementLevel", description="How serious an announcement is."),
]


class Announcement(Event, name="announcement", room="global"):
    """A message to everyone.

    Attributes:
        message: the text, for a person.
        level: how serious it is.
    """

    message: str
    level: AnnouncementLevel = "info"
