"""Content assets and their publication status.

Their events declare no room: the publisher names it, typically `user:{userId}`.
"""

from typing import Annotated, Literal

from msgspec import Meta

from longwire.schema import Event, Record, Timestamp
from longwire.types import Latest

ContentStatus = Annotated[
    Literal["draft", "review", "approved", "published", "archived"],
    Meta(title="ContentStatus", description="The publication status of a content asset."),
]

AssetType = Annotated[
    Literal["blog", "email", "social", "landing_page"],
    Meta(title="AssetType", description="The kind of a content asset."),
]


class ContentAsset(Record):
    """A content asset.

    Attributes:
        id: the asset's id.
        title: the title.
        type: the kind of content.
        status: the publication status.
        created_at: when it was created, in milliseconds since the Unix epoch.
        updated_at: when it was last changed, in milliseconds since the Unix epoch.
    """

    id: str
    title: str
    type: AssetType
    status: ContentStatus
    created_at: Timestamp
    updated_at: Timestamp


class AssetStatusChanged(Event, name="asset:status", conflate=Latest(key="asset_id")):
    """The status of a content asset has changed.

    Attributes:
        asset_id: the asset's id.
        status: the new status.
        previous_status: the previous status.
    """

    asset_id: str
    status: ContentStatus
    previous_status: ContentStatus


class AssetCreated(Event, name="asset:created"):
    """A content asset was created.

    Attributes:
        asset: the new asset.
    """

    asset: ContentAsset
