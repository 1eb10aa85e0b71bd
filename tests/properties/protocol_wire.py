"""A client and a server connected in memory; every request and frame can be delayed."""

from __future__ import annotations

from collections import deque

from longwire.connection.connection import Connection, ConnectionOptions
from longwire.connection.events import Connected, ConnectionEvent, ConnectRequested, EventReceived
from longwire.engineio.client import ClientOptions, ClientSession
from longwire.engineio.event import Closed
from longwire.engineio.server import Options, ServerSession
from longwire.engineio.state import Transport

Received = list[tuple[str, str, list[object], int | None]]


class WebSocket:
    """Frames in transit, in both directions."""

    def __init__(self) -> None:
        self.opened = False
        self.to_server: deque[str | bytes] = deque()
        self.to_client: deque[str | bytes] = deque()


class Wire:
    """Drives both ends in small steps: each method delivers one thing.

    Attributes:
        client: the client's end.
        server: the server's end; None before the first request.
        client_received: the events received by the client.
        server_received: the events received by the server.
    """

    def __init__(self, transport: Transport) -> None:
        self.now = 0.0
        self.transport: Transport = transport
        self.client = Connection.client(
            ClientSession(transport, 0.0, ClientOptions(open_timeout=1e6, upgrade_timeout=1e6))
        )
        self.server: Connection | None = None
        self.client_received: Received = []
        self.server_received: Received = []
        self.joined: set[str] = set()
        self.closed: list[Closed] = []
        self._poll: str | None = None
        self._post: str | None = None
        self._websocket: WebSocket | None = None
        if transport == "websocket":
            self._websocket = WebSocket()
            self._open_server()

    @property
    def client_engine(self) -> ClientSession:
        engine = self.client.engine
        assert isinstance(engine, ClientSession)
        return engine

    @property
    def server_engine(self) -> ServerSession:
        assert self.server is not None
        engine = self.server.engine
        assert isinstance(engine, ServerSession)
        return engine

    def _open_server(self) -> None:
        options = Options(ping_interval=0.3, ping_timeout=1e6, upgrade_timeout=1e6)
        engine = ServerSession("sid", options, self.transport, self.now)
        self.server = Connection.server(engine, ConnectionOptions(connect_timeout=1e6), self.now)

    # Requests

    def poll(self) -> None:
        """Send a GET, or answer it, or deliver the answer."""
        if self._poll == "waits":
            self._answer_poll()
        elif self._poll is not None:
            body, self._poll = self._poll, None
            self.client_engine.receive_payload(body, self.now)
        elif self.client_engine.claim_poll():
            if self.server is None:
                self._open_server()
            assert self.server_engine.receive_poll(self.now)
            self._poll = "waits"

    def _answer_poll(self) -> None:
        body = self.server_engine.poll_response(self.now)
        if body is not None:
            self._poll = body

    def post(self) -> None:
        """Send a POST, or deliver it, or deliver its answer."""
        if self._post == "ok":
            self._post = None
            self.client_engine.receive_post_response(self.now)
        elif self._post is not None:
            assert self.server_engine.receive_post_open(self.now)
            assert self.server_engine.receive_payload(self._post, self.now)
            self._post = "ok"
        else:
            self._post = self.client_engine.payload_to_send()

    # WebSocket

    def probe(self) -> None:
        """Open a WebSocket in addition to the requests."""
        if self.client_engine.can_upgrade and self._websocket is None:
            self.client_engine.start_probe(self.now)
            self._websocket = WebSocket()

    def cut_probe(self) -> None:
        """Close the probing WebSocket before the upgrade."""
        if self._websocket is not None and not self.client_engine.upgraded:
            if self._websocket.opened:
                self.server_engine.receive_probe_eof(self.now)
            self.client_engine.receive_probe_eof(self.now)
            self._websocket = None

    def frame_to_server(self) -> None:
        """Deliver one frame of the client."""
        websocket = self._websocket
        if websocket is None:
            return
        if not websocket.opened:
            websocket.opened = True
            if self.transport == "polling":
                assert self.server_engine.receive_probe_open(self.now)
        engine = self.client_engine
        websocket.to_server += [*engine.probe_messages_to_send(), *engine.messages_to_send()]
        if websocket.to_server:
            frame = websocket.to_server.popleft()
            if self.server_engine.upgraded:
                self.server_engine.receive_message(frame, self.now)
            else:
                self.server_engine.receive_probe(frame, self.now)

    def frame_to_client(self) -> None:
        """Deliver one frame of the server."""
        websocket = self._websocket
        if websocket is None or not websocket.opened:
            return
        engine = self.server_engine
        websocket.to_client += [*engine.probe_messages_to_send(), *engine.messages_to_send()]
        if websocket.to_client:
            frame = websocket.to_client.popleft()
            if self.client_engine.upgraded:
                self.client_engine.receive_message(frame, self.now)
            else:
                self.client_engine.receive_probe(frame, self.now)

    # Time and events

    def tick(self) -> None:
        """Advance the time."""
        self.now += 0.06
        self.client.handle_deadline(self.now)
        if self.server is not None:
            self.server.handle_deadline(self.now)

    def take_events(self) -> None:
        """Handle the events of both ends; the server accepts every namespace."""
        for event in self.client.events():
            self._record(event, self.client_received)
            if isinstance(event, Connected):
                self.joined.add(event.namespace)
        for event in self.server.events() if self.server is not None else ():
            self._record(event, self.server_received)
            if isinstance(event, ConnectRequested):
                assert self.server is not None
                self.server.accept(event.namespace, "pub")

    def _record(self, event: ConnectionEvent, received: Received) -> None:
        if isinstance(event, EventReceived):
            received.append((event.namespace, event.name, event.values(), event.ack_id))
        elif isinstance(event, Closed):
            self.closed.append(event)

    def settle(self) -> None:
        """Deliver everything in transit, except heartbeats, which never stop."""
        before, quiet = self._progress(), 0
        while quiet < 30:
            for step in (self.poll, self.post, self.frame_to_server, self.frame_to_client):
                step()
                self.take_events()
            self.tick()
            after = self._progress()
            before, quiet = after, quiet + 1 if after == before else 0

    def _progress(self) -> tuple[object, ...]:
        received = len(self.client_received) + len(self.server_received)
        return received, len(self.joined), len(self.closed), self.client_engine.state
