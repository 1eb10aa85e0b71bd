"""Connects clients to a server in memory.

    async with Link(server) as link:
        ada = await link.connect("ada")
        link.cut(ada)

The server and the clients are the real ones, down to their WebSocket frames. No socket is opened.
"""

from typing import Any, Self

from longwire.client import ClientOptions, TokenSource, WebSocketClient
from longwire.errors import ConfigurationError
from longwire.schema import Contract
from longwire.server import Identity, Server
from longwire.server.scope import ASGIApp
from longwire.testing.connector import Connector

URL = "http://longwire.test"
SERVICE = "service:"


async def authenticate_by_name(token: str) -> Identity | None:
    """Accept any name as a token: `"ada"` is the user ada, `"service:reports"` a service.

    Only for servers in tests.
    """
    name = token.removeprefix(SERVICE)
    return Identity(name, service=token.startswith(SERVICE)) if name else None


class Link:
    """Connects clients to a server without sockets, by connections that a test can break.

    The server runs within the `async with` block. At its end, the clients that the link created are
    disconnected and the server is closed, which empties a memory broker. A link carries WebSockets
    only, no long-polling and no other HTTP.

    The methods that break connections take the clients to affect; without arguments, they affect
    all clients, including those created later.

    Args:
        server: a server, with its handlers, rules and authenticator.
        app: the application that the server is mounted in, to include its routing and middleware.
            The link does not run its lifespan.

    Attributes:
        server: the server.
    """

    def __init__(self, server: Server, *, app: ASGIApp | None = None) -> None:
        self.server = server
        self._app: ASGIApp = server if app is None else app
        self._connectors: list[Connector] = []
        self._clients: list[WebSocketClient] = []
        # Applied to all clients so far, and to each new one.
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
        """Create a client, connect it and sign it in.

        Args:
            token: a token that the server's authenticator accepts; see `authenticate_by_name`.
            **options: see `client`.

        Raises:
            ConnectionRefused: the server rejected the token.
            NotConnected: the link or the application refused the connection until `timeout`.
        """
        client = self.client(token, **options)
        await client.connect()
        return client

    def client(
        self, token: TokenSource = None, *, contract: Contract | None = None, **options: Any
    ) -> WebSocketClient:
        """Create a client of the server without connecting it.

        Args:
            token: a token, or a function that returns one.
            contract: the client's contract; None means the server's.
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
        """Return the options for one client of this server that the caller creates."""
        connector = Connector(self._app)
        connector.is_refusing = self._is_refusing
        if self._is_frozen:
            connector.freeze()
        self._connectors.append(connector)
        return ClientOptions(
            url=url, transports=("websocket",), open_websocket=connector.open, **options
        )

    # Breaking connections

    def cut(self, *clients: WebSocketClient) -> None:
        """Reset connections; the clients reconnect by themselves."""
        for connector in self._connectors_of(clients):
            connector.cut()

    def refuse(self, *clients: WebSocketClient) -> None:
        """Refuse new connections until `accept`; together with `cut`, the server appears down."""
        self._is_refusing = self._is_refusing or not clients
        for connector in self._connectors_of(clients):
            connector.is_refusing = True

    def accept(self, *clients: WebSocketClient) -> None:
        """Accept new connections again."""
        self._is_refusing = self._is_refusing and bool(clients)
        for connector in self._connectors_of(clients):
            connector.is_refusing = False

    def freeze(self, *clients: WebSocketClient) -> None:
        """Stop delivery in both directions until `thaw`, without closing, like a dead link."""
        self._is_frozen = self._is_frozen or not clients
        for connector in self._connectors_of(clients):
            connector.freeze()

    def thaw(self, *clients: WebSocketClient) -> None:
        """Resume delivery, including everything held back."""
        self._is_frozen = self._is_frozen and bool(clients)
        for connector in self._connectors_of(clients):
            connector.thaw()

    def _connectors_of(self, clients: tuple[WebSocketClient, ...]) -> list[Connector]:
        if not clients:
            return self._connectors
        openers = [client.options.open_websocket for client in clients]
        connectors = [connector for connector in self._connectors if connector.open in openers]
        if len(connectors) < len(clients):
            raise ConfigurationError("the client does not belong to this Link")
        return connectors
