"""HTTP long-polling: one GET that waits, POSTs that bring packets (Engine.IO v4)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from longwire.engineio.errors import BAD_REQUEST, RequestError
from longwire.server.scope import Message, Receive, Scope, Send, request_headers, send_response

if TYPE_CHECKING:
    from longwire.server.session.session import Session

Headers = Sequence[tuple[str, str]]

TEXT = "text/plain; charset=UTF-8"

# Seconds in which a POST's body must be whole: 1 MB at a modem's pace; a drip is an attack.
BODY_TIMEOUT = 30.0


async def serve_poll(session: Session, receive: Receive, send: Send, headers: Headers) -> None:
    """Answer a GET as soon as there is something to say."""
    poll = session.receive_poll()
    if poll is None:
        await send_error(send, BAD_REQUEST, headers)
        return
    if not poll.done():
        await _wait(session, poll, receive)
    if not poll.cancelled():
        await send_text(send, poll.result(), headers)


async def _wait(session: Session, poll: asyncio.Future[str], receive: Receive) -> None:
    """Wait for the answer, or for the client to give up."""
    gone = asyncio.create_task(_disconnected(receive))
    either: list[asyncio.Future[Any]] = [poll, gone]
    try:
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not poll.done():
            poll.cancel()
            session.receive_poll_eof(poll)
    finally:
        gone.cancel()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def serve_post(
    session: Session,
    scope: Scope,
    receive: Receive,
    send: Send,
    headers: Headers,
    max_payload: int,
) -> None:
    """Take the packets of a POST."""
    request = request_headers(scope)
    if request.get("content-type", "").startswith("application/octet-stream"):
        await send_error(send, BAD_REQUEST, headers)
        return
    if not session.receive_post_open():
        await send_error(send, BAD_REQUEST, headers)
        return
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            body = await read_body(receive, request.get("content-length"), max_payload)
        accepted = await session.receive_payload(body.decode())
    except BodyTooLarge:
        session.receive_post_eof()
        await send_response(send, 413, b"", headers)
        return
    except (BodyCutOff, TimeoutError, UnicodeDecodeError):
        session.receive_post_eof()
        accepted = False
    if accepted:
        await send_text(send, "ok", headers)
    else:
        await send_error(send, BAD_REQUEST, headers)


class BodyTooLarge(Exception):
    """A request's body exceeds its limit."""


class BodyCutOff(Exception):
    """The client went away before its request's body was whole."""


async def read_body(receive: Receive, length: str | None, limit: int) -> bytes:
    """Return the whole body.

    Raises:
        BodyTooLarge: as soon as it is known to exceed `limit` bytes.
        BodyCutOff: the client is gone.
    """
    if length is not None and length.isdigit() and int(length[:20]) > limit:
        raise BodyTooLarge
    chunks: list[bytes] = []
    size = 0
    while True:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            raise BodyCutOff
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise BodyTooLarge
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


async def send_text(send: Send, text: str, headers: Headers) -> None:
    """Send a polling body."""
    own = [("content-type", TEXT), ("cache-control", "no-store")]
    await send_response(send, 200, text.encode(), [*own, *headers])


async def send_error(send: Send, error: RequestError, headers: Headers) -> None:
    """Send an Engine.IO error."""
    own = [("content-type", "application/json"), ("cache-control", "no-store")]
    await send_response(send, error.status, error.body, [*own, *headers])
