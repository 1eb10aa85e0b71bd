"""FastAPI: the HTTP interface as a router, and the whole server in one line.

    app = FastAPI()
    mount(app, server)

Errors are problem details (RFC 9457) with two more members: `code`, the stable word that the
wire uses, and `field`, the JSON path of what is wrong in the request.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from http import HTTPStatus
from itertools import groupby
from typing import Annotated, Any, TypeVar, cast

import msgspec

from longwire.errors import (
    AuthenticationError,
    BrokerUnavailable,
    IdempotencyConflict,
    InvalidEvent,
    InvalidId,
    InvalidRoom,
    JobFinished,
    LongwireError,
    PublishDenied,
    RoomDenied,
    UnknownEvent,
    needing,
)
from longwire.jobs import JobState
from longwire.server import Identity, Server, UnknownJob
from longwire.server.asgi.polling import BODY_TIMEOUT
from longwire.server.errors import message_of
from longwire.socketio import replace_lone_surrogates
from longwire.types import override
from longwire.wire import PublishRequest

with needing("fastapi"):
    from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, Response
    from fastapi.routing import APIRoute

T = TypeVar("T")
Handler = TypeVar("Handler", bound=Callable[..., Any])

# More than a page can show; each is put to the room rules.
MAX_ROOMS = 1000

# One request; a batch of small events fits, a flood has to come in parts.
MAX_BODY = 1_000_000
MAX_BATCH = 1000


class InvalidRequest(LongwireError):
    """The body is not what the endpoint takes."""

    code = "invalid_request"

    def __init__(self, detail: str, field: str = "$") -> None:
        super().__init__(detail)
        self.field = field


class BodyTooLarge(LongwireError):
    """The body is larger than `MAX_BODY`."""

    code = "payload_too_large"


class BodyTimeout(LongwireError):
    """The body was not whole in time."""

    code = "request_timeout"


_STATUS: dict[type[LongwireError], int] = {
    InvalidRequest: 400,
    BodyTooLarge: 413,
    AuthenticationError: 401,
    PublishDenied: 403,
    RoomDenied: 403,
    UnknownJob: 404,
    BodyTimeout: 408,
    IdempotencyConflict: 409,
    JobFinished: 409,
    InvalidEvent: 422,
    InvalidId: 422,
    InvalidRoom: 422,
    UnknownEvent: 422,
    BrokerUnavailable: 503,
}


class _Problem(msgspec.Struct, omit_defaults=True):
    title: str
    status: int
    detail: str
    code: str
    field: str | None = None


class _ProblemRoute(APIRoute):
    """Answers a LongwireError as problem details."""

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the route's handler."""
        handle = super().get_route_handler()

        async def handle_or_explain(request: Request) -> Response:
            try:
                return await handle(request)
            except LongwireError as error:
                return problem(error)

        return handle_or_explain


def problem(error: LongwireError, field: str | None = None) -> Response:
    """Return the response that tells what is wrong."""
    status = _STATUS.get(type(error), 400)
    headers = {"www-authenticate": "Bearer"} if status == 401 else {}
    return _explanation(status, error.code, message_of(error), field or _field(error), headers)


async def explain(request: Request, error: Exception) -> Response:
    """Return the response to what the framework refuses, such as an unknown path or a method."""
    refusal = cast("HTTPException", error)
    code = HTTPStatus(refusal.status_code).phrase.lower().replace(" ", "_")
    return _explanation(refusal.status_code, code, str(refusal.detail), None, refusal.headers)


def _explanation(
    status: int, code: str, detail: str, field: str | None, headers: Mapping[str, str] | None
) -> Response:
    body = _Problem(code.replace("_", " "), status, detail, code, field)
    return _json(body, status, headers, media_type="application/problem+json")


def _field(error: LongwireError) -> str | None:
    match error:
        case InvalidRequest():
            return error.field
        case InvalidEvent():
            return "$.data" + error.path.removeprefix("$")
        case UnknownEvent():
            return "$.event"
        case InvalidRoom():
            return "$.room"
        case InvalidId() | IdempotencyConflict():
            return "$.id"
        case _:
            return None


def mount(app: FastAPI, server: Server) -> None:
    """Give `app` the Socket.IO endpoint, the HTTP interface and the server's lifespan."""
    app.include_router(router(server))
    server.mount(app)


def router(server: Server) -> APIRouter:
    """Return the HTTP interface: publishing, rooms, jobs, health."""
    api = APIRouter(route_class=_ProblemRoute)
    known = Depends(_identity_of(server))

    @_get(api, "/healthz")
    async def health() -> Response:
        return _json({"status": "ok", "server": "longwire"})

    @api.post("/api/publish")
    async def publish(request: Request, identity: Annotated[Identity, known]) -> Response:
        if not identity.service:
            raise PublishDenied
        body = await _read_body(request)
        if body.lstrip()[:1] == b"[":
            return await _publish_batch(server, _decode(body, list[PublishRequest]))
        return _json(await _publish(server, _decode(body, PublishRequest)))

    @_get(api, "/api/rooms")
    async def rooms(identity: Annotated[Identity, known], prefix: str = "") -> Response:
        if not prefix:
            raise InvalidRequest("say how the rooms begin, as in campaign:", "$.prefix")
        latest = (await server.broker.rooms(prefix))[:MAX_ROOMS]
        return _json({"rooms": await server.rules.permitted(identity, latest)})

    @_get(api, "/api/jobs")
    async def jobs(identity: Annotated[Identity, known]) -> Response:
        return _json({"jobs": await server.jobs(identity)})

    @_get(api, "/api/jobs/{job_id:path}")
    async def job(job_id: str, identity: Annotated[Identity, known]) -> Response:
        return _json(await _visible_job(server, identity, job_id))

    @api.post("/api/jobs/{job_id:path}/cancel", status_code=202)
    async def cancel(
        job_id: str, request: Request, identity: Annotated[Identity, known]
    ) -> Response:
        await _visible_job(server, identity, job_id)
        body = await _read_body(request)
        reason = _decode(body, _CancelRequest).reason if body.strip() else None
        position = await server.cancel_job(job_id, reason)
        return _json(_position(f"job:{job_id}", position.epoch, position.offset), 202)

    return api


def _get(api: APIRouter, path: str) -> Callable[[Handler], Handler]:
    """Register what answers GET, and so HEAD (RFC 9110 § 9.3.2)."""

    def register(handler: Handler) -> Handler:
        api.head(path, include_in_schema=False)(handler)
        return api.get(path)(handler)

    return register


class _CancelRequest(msgspec.Struct):
    reason: str | None = None


def _identity_of(server: Server) -> Callable[[Request], Coroutine[Any, Any, Identity]]:
    async def identity(request: Request) -> Identity:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        return await server.authenticate(token.strip() if scheme.lower() == "bearer" else "")

    return identity


async def _visible_job(server: Server, identity: Identity, job_id: str) -> JobState:
    unknown = UnknownJob(f"there is no job {job_id[:100]!r}")
    try:
        await server.rules.check(identity, f"job:{job_id}")
    except (RoomDenied, InvalidRoom):
        raise unknown from None
    state = await server.job_state(job_id)
    if state is None:
        raise unknown
    return state


async def _publish(server: Server, request: PublishRequest) -> dict[str, object]:
    room, position = await server.publish_data(
        request.event,
        bytes(request.data),
        room=request.room,
        id=request.id,
        volatile=request.volatile,
    )
    return _position(room, position.epoch, position.offset)


async def _publish_batch(server: Server, requests: list[PublishRequest]) -> Response:
    """Publish all in order, or, if one of them is invalid, none.

    What only shows while they are appended, such as a conflict of ids, stops neither those before
    nor those of its kind behind it; the answer names the first.
    """
    if len(requests) > MAX_BATCH:
        raise InvalidRequest(f"at most {MAX_BATCH} events a request")
    for index, request in enumerate(requests):
        try:
            server.check_data(request.event, bytes(request.data), room=request.room, id=request.id)
        except LongwireError as error:
            return _problem_at(index, error)
    published: list[dict[str, object]] = []
    # At once, so that a broker can write them together; but what one kind of event needs, such as
    # a look into its job's log, must not let another kind overtake it.
    for _, run in groupby(requests, key=lambda request: request.event):
        publishing = (_publish(server, request) for request in run)
        for outcome in await asyncio.gather(*publishing, return_exceptions=True):
            if isinstance(outcome, LongwireError):
                return _problem_at(len(published), outcome)
            if isinstance(outcome, BaseException):
                raise outcome
            published.append(outcome)
    return _json(published)


def _problem_at(index: int, error: LongwireError) -> Response:
    field = (_field(error) or "$").removeprefix("$")
    return problem(error, f"$[{index}]{field}")


def _position(room: str, epoch: str, offset: int) -> dict[str, object]:
    return {"room": room, "epoch": epoch, "offset": offset}


async def _read_body(request: Request) -> bytes:
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            return await _read_whole(request)
    except TimeoutError:
        raise BodyTimeout(f"the body was not whole in {BODY_TIMEOUT:.0f} seconds") from None


async def _read_whole(request: Request) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY:
            raise BodyTooLarge(f"at most {MAX_BODY} bytes a request")
        chunks.append(chunk)
    return b"".join(chunks)


def _decode(body: bytes, type: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=type)
    except msgspec.ValidationError as error:
        detail, _, path = str(error).partition(" - at `")
        raise InvalidRequest(detail, _missing(detail, path.rstrip("`") or "$")) from None
    except (ValueError, RecursionError) as error:  # no JSON, no UTF-8, or too deep
        mended = replace_lone_surrogates(body.decode("latin-1")).encode("latin-1")
        if mended != body:
            return _decode(mended, type)
        raise InvalidRequest(f"the body is not JSON: {error}") from None


def _missing(detail: str, path: str) -> str:
    """Return the path of a missing field itself, where msgspec names its parent."""
    before, marker, name = detail.partition("missing required field `")
    return f"{path}.{name.rstrip('`')}" if marker and not before.strip("Object ") else path


def _json(
    body: object,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    *,
    media_type: str = "application/json",
) -> Response:
    return Response(msgspec.json.encode(body), status, headers, media_type)
