"""An application's own contract, for type checkers; tests/codegen generates its TypeScript."""

from typing import Annotated, Any, Literal, assert_type

from msgspec import UNSET, UnsetType

from longwire import (
    CATALOG,
    Concat,
    Contract,
    Event,
    Latest,
    Merge,
    Meta,
    Record,
    Server,
    WebSocketClient,
)
from longwire.client import EventStream, Listener
from longwire.server import Socket, anonymous
from longwire.sync import WebSocketClient as SyncClient
from longwire.types import Position

Unit = Annotated[Literal["piece", "kilogram"], Meta(title="Unit", description="A unit of stock.")]


class Reserved(Record):
    """The answer to a reservation."""

    left: int


class StockChanged(Event, name="stock:changed", room="shop:{shop}", conflate=Latest("product_id")):
    """How many pieces of a product are left."""

    shop: str
    product_id: str
    count: int
    unit: Unit = "piece"


class ShopOpened(Event, name="shop:opened", room="shop:{shop}", conflate=Latest()):
    """A shop has opened or closed."""

    shop: str
    is_open: bool


class ShelfDescribed(Event, name="shelf:described", room="shop:{shop}", conflate=Merge("shelf")):
    """The description of a shelf has changed."""

    shop: str
    shelf: str
    label: str | UnsetType = UNSET
    note: str | UnsetType | None = UNSET


class CallTranscript(Event, name="call:transcript", room="shop:{shop}", conflate=Concat("text")):
    """A piece of what was said on the phone."""

    shop: str
    text: str


class Reservation(Event, name="stock:reserve", origin="client", ack=Reserved):
    """Reserves pieces of a product."""

    product_id: str
    count: int = 1


contract = CATALOG | Contract(
    [StockChanged, ShopOpened, ShelfDescribed, CallTranscript, Reservation]
)


async def use(client: WebSocketClient) -> None:
    listener: Listener = client.on(StockChanged, lambda event: event.count + 1)
    client.on((StockChanged, ShopOpened), lambda event: event.shop.upper())
    client.on(StockChanged, lambda event: event.amount)  # type: ignore[attr-defined]  # pyright: ignore
    assert_type(listener, Listener)
    assert_type(client.events(StockChanged, room="shop:1"), EventStream[StockChanged])
    async for event in client.events(StockChanged, ShopOpened):
        assert_type(event, StockChanged | ShopOpened)
    change = StockChanged(shop="1", product_id="tea", count=4)
    assert_type(change.unit, Literal["piece", "kilogram"])
    assert_type(await client.publish(change), Position)
    assert_type(await client.call(Reservation(product_id="tea")), Any)
    StockChanged(shop="1", product="tea", count=4)  # type: ignore[call-arg]  # pyright: ignore
    StockChanged(shop="1", product_id="tea", count=4, unit="box")  # type: ignore[arg-type]  # pyright: ignore


def use_without_await(client: SyncClient) -> None:
    for event in client.events(StockChanged):
        assert_type(event, StockChanged)


def serve() -> Server:
    server = Server(contract=contract, authenticate=anonymous)

    @server.on(Reservation)
    async def reserve(event: Reservation, socket: Socket) -> Reserved:
        await server.publish(StockChanged(shop="1", product_id=event.product_id, count=0))
        return Reserved(left=assert_type(event.count, int))

    server.on(StockChanged)(reserve)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    return server
