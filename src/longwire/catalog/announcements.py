"""Announcements to all signed-in users."""

from typing import Annotated, Literal

from msgspec import Meta

from longwire.schema import Event

AnnouncementLevel = Annotated[
    Literal["info", "warning", "error"],
    Meta(title="AnnouncementLevel", description="The severity of an announcement."),
]


class Announcement(Event, name="announcement", room="global"):
    """A message to all signed-in users.

    Attributes:
        message: the text to show.
        level: the severity.
    """

    message: str
    level: AnnouncementLevel = "info"
