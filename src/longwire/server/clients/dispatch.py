"""Runs the commands and handlers that the events of signed-in clients ask for."""

from __future__ import annotations

import asyncio
import logging
from collections import deque

from longwire.background import is_cancelled
from longwire.connection.events import EventReceived
from longwire.errors import (
    ConditionFailed,
    ConfigurationError,
    LocalProtocolError,
    LongwireError,
    RemoteProtocolError,
)
from longwire.server.clients.commands import COMMANDS, Command, Services
from longwire.server.clients.handlers import Handlers
from longwire.server.clients.socket import Socket
from longwire.server.errors import InternalError, fault_of
from longwire.task_pool import TaskPool
from longwire.wire import (
    EVENT_ERROR,
    JOIN_ROOM,
    LEAVE_ROOM,
    ROOM_ERROR,
    Ack,
    EventError,
    Message,
    PublishAck,
    RoomError,
    encode,
)

logger = logging.getLogger("longwire.server")

# Bytes that an unhandled event holds besides its arguments: a task, a coroutine and a context.
EVENT_OVERHEAD = 2_000


class Dispatcher:
    """Runs each event of a client in a task of the pool.

    Commands of one client run one after the other, since joining and leaving a room must not
    overtake each other. Handlers of the application start in order and run concurrently.

    Until an event is handled, its size counts in `Session.unhandled`, which limits reading.
    """

    def __init__(self, services: Services, handlers: Handlers, tasks: TaskPool) -> None:
        self._services = services
        self._handlers = handlers
        self._tasks = tasks
        self._queues: dict[Socket, deque[tuple[Command, EventReceived, int]]] = {}

    def receive_event(self, socket: Socket, event: EventReceived) -> None:
        """Start the event's handler, or queue its command behind earlier ones."""
        cost = _cost(event)
        socket.session.unhandled += cost
        if socket.observer is not None:
            socket.observer.receive_event(event)
        command = COMMANDS.get(event.name)
        if command is None:
            self._tasks.run(self._handle(socket, event, cost))
            return
        queue = self._queues.get(socket)
        if queue is not None:
            queue.append((command, event, cost))
            return
        self._queues[socket] = deque([(command, event, cost)])
        self._tasks.run(self._run_commands(socket))

    async def _run_commands(self, socket: Socket) -> None:
        queue = self._queues[socket]
        try:
            while queue and socket.is_open:
                command, event, cost = queue.popleft()
                await self._run_command(socket, command, event)
                socket.session.unhandled -= cost
        finally:
            del self._queues[socket]

    async def _run_command(self, socket: Socket, command: Command, event: EventReceived) -> None:
        def answer(message: Message) -> None:
            if event.ack_id is not None:
                socket.acknowledge(event.ack_id, encode(message))

        try:
            await command(self._services, socket, event, answer)
        except LongwireError as error:
            _reject(socket, event, error)
        except Exception:
            logger.exception("command %s failed", event.name)
            _reject(socket, event, InternalError("the server failed to handle the request"))

    async def _handle(self, socket: Socket, event: EventReceived, cost: int) -> None:
        try:
            answer = await self._handlers.handle(event, socket)
            socket.acknowledge(event.ack_id, *(() if answer is None else (answer,)))
        except (Exception, asyncio.CancelledError) as error:
            if is_cancelled():
                raise
            _reject(socket, event, _error_for_client(event, error))
        finally:
            socket.session.unhandled -= cost


def _cost(event: EventReceived) -> int:
    size = EVENT_OVERHEAD
    for argument in event.args:  # a sum over `map` takes three times as long
        size += len(argument)
    for attachment in event.attachments:
        size += len(attachment)
    return size


def _error_for_client(event: EventReceived, error: BaseException) -> LongwireError:
    """Return the error to send after a handler failed; log errors that are not for clients."""
    is_own_mistake = isinstance(error, LocalProtocolError | ConfigurationError)
    if isinstance(error, LongwireError) and not is_own_mistake:
        return error
    logger.error("handler of %r failed", event.name[:100], exc_info=error)
    return InternalError("the handler failed")


def _reject(socket: Socket, event: EventReceived, error: LongwireError) -> None:
    """Send an error as the acknowledgement, or as an event if the client asked for none."""
    name, rejection = _rejection(event, error)
    if event.ack_id is not None:
        socket.acknowledge(event.ack_id, encode(rejection))
    elif name is not None:
        socket.emit(name, encode(rejection))


def _rejection(event: EventReceived, error: LongwireError) -> tuple[str | None, Message]:
    """Return a rejection, and the event that carries it if there is no acknowledgement."""
    fault = fault_of(error)
    if event.name in (JOIN_ROOM, LEAVE_ROOM):
        return ROOM_ERROR, RoomError(room=_requested_room(event), error=fault)
    if event.ack_id is None and event.name not in COMMANDS:
        return EVENT_ERROR, EventError(event=event.name[:100], error=fault)
    if isinstance(error, ConditionFailed):
        return None, PublishAck(ok=False, room=error.room, error=fault)
    return None, Ack(ok=False, error=fault)


def _requested_room(event: EventReceived) -> str | None:
    try:
        args = event.values()
    except RemoteProtocolError:  # the reason why the command was rejected
        return None
    return args[0] if args and isinstance(args[0], str) else None
