"""Pieces of content and their way to publication.

Assets have no room of their own: the publisher says where they go, typically `user:{userId}`.
"""

from typing import Annotated, Literal

from msgspec import Meta

from longwire.schema import Event, Record, Timestamp
from longwire.types import Latest

ContentStatus = Annotated[
    Literal["draft", "review", "approved", "published", "archived"],
    Meta(title="ContentStatus", description="Where a piece of content stands."),
]

AssetType = Annotated[
    Literal["blog", "email", "social", "landing_page"],
    Meta(title="AssetType", description="What a piece of content is for."),
]


class ContentAsset(Record):
    """A piece of content.

    Attributes:
        id: the asset.
        title: what to call it.
        type: what it is for.
        status: where it stands.
        created_at: milliseconds since the Unix epoch.
        updated_at: milliseconds since the Unix epoch.
    """

    id: str
    title: str
    type: AssetType
    status: ContentStatus
    created_at: Timestamp
    updated_at: Timestamp


class AssetStatusChanged(Event, name="asset:status", conflate=Latest(key="asset_id")):
    """A piece of content changed its status.

    Attributes:
        asset_id: the asset.
        status: the status from now on.
        previous_status: the status before.
    """

    asset_id: str
    status: ContentStatus
    previous_status: ContentStatus


class AssetCreated(Event, name="asset:created"):
    """A piece of content came into being.

    Attributes:
        asset: the new asset.
    """

    asset: ContentAsset
