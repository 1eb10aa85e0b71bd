"""A server and its clients in memory.

    async with Link(server) as link:
        ada = await link.connect("ada")
        link.cut(ada)

Both are the real ones, down to the frames of the WebSocket; no socket is opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from longwire.client import ClientOptions, WebSocketClient
from longwire.errors import ConfigurationError
from longwire.server import Identity
from longwire.testing.line import Line

if TYPE_CHECKING:
    from longwire.client import TokenSource
    from longwire.schema import Contract
    from longwire.server import Server
    from longwire.server.scope import ASGIApp

URL = "http://longwire.test"
SERVICE = "service:"


async def authenticate_by_name(token: str) -> Identity | None:
    """Take every name for a token: `"ada"` is the user ada, `"service:reports"` a service.

    For servers that only tests reach.
    """
    name = token.removeprefix(SERVICE)
    return Identity(name, service=token.startswith(SERVICE)) if name else None


class Link:
    """Joins clients to a server, without sockets, by connections that a test can break.

    Within its `with` block the server runs. At the end the clients that it made are disconnected,
    whatever the state of their connections, and the server is closed: a memory broker forgets its
    rooms then. Long-polling and HTTP do not go over a link.

    What breaks a connection takes the clients that it is for; without any, all of them.

    Args:
        server: a server, with its handlers, rules and authenticator.
        app: the application that the server is mounted in, if its routing or middleware shall
            have their part. Its lifespan is not run.

    Attributes:
        server: the server.
    """

    def __init__(self, server: Server, *, app: ASGIApp | None = None) -> None:
        self.server = server
        self._app: ASGIApp = server if app is None else app
        self._lines: list[Line] = []
        self._clients: list[WebSocketClient] = []
        # Whether what befalls all befalls those who come as well.
        self._is_refusing = False
        self._is_frozen = False

    async def __aenter__(self) -> Self:
        await self.server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.thaw()
        try:
            for client in self._clients:
                await client.disconnect()
        finally:
            await self.server.close()
            self.cut()

    # Clients

    async def connect(self, token: TokenSource, **options: Any) -> WebSocketClient:
        """Return a client that has signed in.

        Args:
            token: what the server's authenticator takes; see `authenticate_by_name`.
            **options: see `client`.

        Raises:
            ConnectionRefused: the server refused the token.
            NotConnected: the link or the application refuses for as long as `timeout`.
        """
        client = self.client(token, **options)
        await client.connect()
        return client

    def client(
        self, token: TokenSource = None, *, contract: Contract | None = None, **options: Any
    ) -> WebSocketClient:
        """Return a client of the server, not connected yet.

        Args:
            token: what the server's authenticator takes, or a function that gives it.
            contract: the server's if None.
            **options: see `ClientOptions`.
        """
        client = WebSocketClient.from_options(
            self.options(**options),
            token=token,
            contract=self.server.contract if contract is None else contract,
        )
        self._clients.append(client)
        return client

    def options(self, *, url: str = URL, **options: Any) -> ClientOptions:
        """Return options for one client that is made elsewhere, and finds this server."""
        line = Line(self._app)
        line.is_refusing = self._is_refusing
        if self._is_frozen:
            line.freeze()
        self._lines.append(line)
        return ClientOptions(
            url=url, transports=("websocket",), open_websocket=line.open, **options
        )

    # What can befall them

    def cut(self, *clients: WebSocketClient) -> None:
        """Reset connections; clients come back by themselves."""
        for line in self._lines_of(clients):
            line.cut()

    def refuse(self, *clients: WebSocketClient) -> None:
        """Refuse new connections until `accept`; with `cut`, the server seems to be down."""
        self._is_refusing = self._is_refusing or not clients
        for line in self._lines_of(clients):
            line.is_refusing = True

    def accept(self, *clients: WebSocketClient) -> None:
        """Take new connections again."""
        self._is_refusing = self._is_refusing and bool(clients)
        for line in self._lines_of(clients):
            line.is_refusing = False

    def freeze(self, *clients: WebSocketClient) -> None:
        """Let nothing through and say nothing, as a dead link does, until `thaw`."""
        self._is_frozen = self._is_frozen or not clients
        for line in self._lines_of(clients):
            line.freeze()

    def thaw(self, *clients: WebSocketClient) -> None:
        """Let everything through again, what was held back included."""
        self._is_frozen = self._is_frozen and bool(clients)
        for line in self._lines_of(clients):
            line.thaw()

    def _lines_of(self, clients: tuple[WebSocketClient, ...]) -> list[Line]:
        if not clients:
            return self._lines
        openers = [client.options.open_websocket for client in clients]
        lines = [line for line in self._lines if line.open in openers]
        if len(lines) < len(clients):
            raise ConfigurationError("the client does not belong to this Link")
        return lines
