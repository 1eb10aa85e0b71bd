"""HTTP long-polling (Engine.IO v4): a GET that waits for packets, and POSTs that send them."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from longwire.engineio.errors import BAD_REQUEST, RequestError
from longwire.server.scope import Message, Receive, Scope, Send, request_headers, send_response
from longwire.server.session.session import Session

Headers = Sequence[tuple[str, str]]

TEXT = "text/plain; charset=UTF-8"


class BodyLimits(NamedTuple):
    """Limits on the body of a request: its size in bytes, and the seconds to receive it."""

    size: int
    timeout: float


async def serve_poll(
    session: Session,
    receive: Receive,
    send: Send,
    headers: Headers,
    rejection: Callable[[], RequestError],
) -> None:
    """Respond to a GET as soon as there are packets.

    Args:
        session: the session that the request is for.
        receive: of ASGI.
        send: of ASGI.
        headers: further headers of the response.
        rejection: returns the answer to a request that the session does not take.
    """
    poll = session.receive_poll()
    if poll is None:
        await send_error(send, rejection(), headers)
        return
    if not poll.done():
        await _wait_for_packets(session, poll, receive)
    if not poll.cancelled():
        await send_text(send, poll.result(), headers)


async def _wait_for_packets(session: Session, poll: asyncio.Future[str], receive: Receive) -> None:
    """Wait for packets, or until the client aborts the request."""
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
    limits: BodyLimits,
    rejection: Callable[[], RequestError],
) -> None:
    """Receive the packets of a POST; see `serve_poll`."""
    request = request_headers(scope)
    if request.get("content-type", "").startswith("application/octet-stream"):
        await send_error(send, BAD_REQUEST, headers)
        return
    if not session.receive_post_open():
        await send_error(send, rejection(), headers)
        return
    try:
        async with asyncio.timeout(limits.timeout):
            body = await read_body(receive, request.get("content-length"), limits.size)
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
        await send_error(send, rejection(), headers)


class BodyTooLarge(Exception):
    """The body of a request exceeds its limit."""


class BodyCutOff(Exception):
    """The client disconnected before the body was complete."""


async def read_body(receive: Receive, length: str | None, limit: int) -> bytes:
    """Return the body of a request.

    Raises:
        BodyTooLarge: it exceeds `limit` bytes, by its Content-Length or by what was received.
        BodyCutOff: the client disconnected.
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
    """Send the body of a polling response."""
    own = [("content-type", TEXT), ("cache-control", "no-store")]
    await send_response(send, 200, text.encode(), [*own, *headers])


async def send_error(send: Send, error: RequestError, headers: Headers) -> None:
    """Send an Engine.IO error."""
    await send_response(send, error.status, error.body, [*error.headers, *headers])
