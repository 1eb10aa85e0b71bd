"""pytest fixtures: a server, a client, a link, a clock and a history in memory.

    async def test_a_drop(longwire_client, longwire_link, longwire_clock):
        longwire_link.cut()
        await longwire_clock.advance(1)
        assert longwire_client.is_connected

Override `longwire_server` to test your own server. The tests can run under pytest-asyncio, in
either mode, or under anyio's plugin with the asyncio backend.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any, cast

import pytest

# pytest loads this module in every project, so the fixtures import Longwire when they are used.
if TYPE_CHECKING:
    from longwire import Server, WebSocketClient
    from longwire.testing import History, Link, ManualClock

try:
    from pytest_asyncio import fixture as asyncio_fixture
except ImportError:
    asyncio_fixture = None  # type: ignore[assignment]


@pytest.fixture
def longwire_server() -> Server:
    """The server. Override this fixture to return your own.

    By default its contract is `CATALOG`, and it accepts names as tokens: see
    `authenticate_by_name`.
    """
    from longwire import Server
    from longwire.testing import authenticate_by_name

    return Server(authenticate=authenticate_by_name)


@pytest.fixture
def longwire_token() -> str:
    """The token of `longwire_client`. Override this fixture if your server needs another."""
    return "ada"


@pytest.fixture
def longwire_link(request: pytest.FixtureRequest) -> Link:
    """A `Link` to `longwire_server`; it closes at the end of the test."""
    return cast("Link", _resolve(request, "link"))


@pytest.fixture
def longwire_client(request: pytest.FixtureRequest) -> WebSocketClient:
    """A connected client that has signed in with `longwire_token`."""
    return cast("WebSocketClient", _resolve(request, "client"))


@pytest.fixture
def longwire_clock(request: pytest.FixtureRequest) -> ManualClock:
    """A `ManualClock`: time stands still until `await longwire_clock.advance(30)`."""
    return cast("ManualClock", _resolve(request, "clock"))


@pytest.fixture
def longwire_history(longwire_server: Server) -> Iterator[History]:
    """A `History`; the end of the test checks that nothing was lost, doubled or reordered."""
    from longwire.testing import History

    history = History(longwire_server.contract)
    yield history
    history.check()


# Every async fixture exists twice: once for pytest-asyncio, and once for anyio.


def _resolve(request: pytest.FixtureRequest, name: str) -> Any:
    if "anyio_backend" in request.fixturenames:
        if request.getfixturevalue("anyio_backend_name") != "asyncio":
            pytest.fail(
                "Longwire needs asyncio: make the fixture `anyio_backend` return 'asyncio'",
                pytrace=False,
            )
        return request.getfixturevalue(f"_longwire_{name}_anyio")
    if request.config.pluginmanager.hasplugin("asyncio"):
        return request.getfixturevalue(f"_longwire_{name}_asyncio")
    return pytest.fail(
        f"longwire_{name} needs pytest-asyncio, or anyio with the mark `anyio`", pytrace=False
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
