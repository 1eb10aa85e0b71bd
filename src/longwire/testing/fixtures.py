"""Fixtures for pytest: a server, clients and a clock in memory.

    async def test_a_drop(longwire_client, longwire_link, longwire_clock):
        longwire_link.cut()
        await longwire_clock.advance(1)
        assert longwire_client.is_connected

A project that has a server of its own overrides `longwire_server`. Asynchronous tests are run by
pytest-asyncio, in either mode, or by anyio's plugin, on asyncio.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from longwire import Server, WebSocketClient
    from longwire.testing import History, Link, ManualClock

try:
    from pytest_asyncio import fixture as asyncio_fixture
except ImportError:
    asyncio_fixture = None  # type: ignore[assignment]

# Longwire itself is imported by the fixtures that are used.


@pytest.fixture
def longwire_server() -> Server:
    """The server: override it to return your own.

    Unless you do, it has the contract of the catalogue, and every name is a token: see
    `authenticate_by_name`.
    """
    from longwire import Server
    from longwire.testing import authenticate_by_name

    return Server(authenticate=authenticate_by_name)


@pytest.fixture
def longwire_token() -> str:
    """What `longwire_client` signs in with: override it if your server wants another token."""
    return "ada"


@pytest.fixture
def longwire_link(request: pytest.FixtureRequest) -> Link:
    """A `Link` to `longwire_server`, which is closed at the end."""
    return cast("Link", _resolve(request, "link"))


@pytest.fixture
def longwire_client(request: pytest.FixtureRequest) -> WebSocketClient:
    """A client that has signed in with `longwire_token`."""
    return cast("WebSocketClient", _resolve(request, "client"))


@pytest.fixture
def longwire_clock(request: pytest.FixtureRequest) -> ManualClock:
    """Time that stands still until the test moves it: `await longwire_clock.advance(30)`."""
    return cast("ManualClock", _resolve(request, "clock"))


@pytest.fixture
def longwire_history(longwire_server: Server) -> Iterator[History]:
    """A `History` that is checked at the end: nothing was lost, doubled or out of order."""
    from longwire.testing import History

    history = History(longwire_server.contract)
    yield history
    history.check()


# Each of the asynchronous ones exists twice, for those who run asynchronous fixtures.


def _resolve(request: pytest.FixtureRequest, name: str) -> Any:
    if "anyio_backend" in request.fixturenames:
        if request.getfixturevalue("anyio_backend_name") != "asyncio":
            pytest.fail(
                "Longwire runs on asyncio: let the fixture `anyio_backend` return 'asyncio'",
                pytrace=False,
            )
        return request.getfixturevalue(f"_longwire_{name}_anyio")
    if request.config.pluginmanager.hasplugin("asyncio"):
        return request.getfixturevalue(f"_longwire_{name}_asyncio")
    return pytest.fail(
        f"longwire_{name} needs pytest-asyncio, or anyio and the mark `anyio`", pytrace=False
    )


def _link() -> Callable[..., AsyncIterator[Link]]:
    async def link(longwire_server: Server) -> AsyncIterator[Link]:
        from longwire.testing import Link

        async with Link(longwire_server) as link:
            yield link

    return link


def _client() -> Callable[..., AsyncIterator[WebSocketClient]]:
    async def client(longwire_link: Link, longwire_token: str) -> AsyncIterator[WebSocketClient]:
        yield await longwire_link.connect(longwire_token)

    return client


def _clock() -> Callable[..., AsyncIterator[ManualClock]]:
    async def clock() -> AsyncIterator[ManualClock]:
        from longwire.testing import ManualClock

        with ManualClock() as clock:
            yield clock

    return clock


_anyio_link = pytest.fixture(name="_longwire_link_anyio")(_link())
_anyio_client = pytest.fixture(name="_longwire_client_anyio")(_client())
_anyio_clock = pytest.fixture(name="_longwire_clock_anyio")(_clock())
if asyncio_fixture is not None:
    _asyncio_link = asyncio_fixture(name="_longwire_link_asyncio")(_link())
    _asyncio_client = asyncio_fixture(name="_longwire_client_asyncio")(_client())
    _asyncio_clock = asyncio_fixture(name="_longwire_clock_asyncio")(_clock())
