"""Adds a server and its HTTP interface to a FastAPI application.

    app = FastAPI()
    mount(app, server)

Errors are problem details (RFC 9457) with two more members: `code`, the same error code as on the
wire, and `field`, the JSON path of the invalid part of the request.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from http import HTTPStatus
from itertools import groupby
from typing import Annotated, Any, TypeVar, cast

import msgspec
from msgspec.structs import replace

from longwire.errors import (
    AuthenticationError,
    BrokerUnavailable,
    ConditionFailed,
    ConfigurationError,
    Conflict,
    IdempotencyConflict,
    InvalidEvent,
    InvalidId,
    InvalidRoom,
    JobEnded,
    JobFinished,
    LongwireError,
    PublishDenied,
    RoomDenied,
    StaleAttempt,
    UnknownEvent,
    needing,
)
from longwire.integrations.probes import RETRY_AFTER, probes
from longwire.jobs import JobState
from longwire.server import Identity, Server, TooManyRevocations, UnknownJob
from longwire.server.errors import ServerStopped, UnknownMember, fault_of, find_unknown_member
from longwire.socketio.surrogates import replace_lone_surrogates
from longwire.types import Position, override
from longwire.wire import PublishRequest

with needing("fastapi"):
    from fastapi import APIRouter, Depends, FastAPI, HTTPException, Request, Response
    from fastapi.routing import APIRoute

__all__ = ["explain", "mount", "problem", "router"]

T = TypeVar("T")
Handler = TypeVar("Handler", bound=Callable[..., Any])

# Rooms in one answer: more than a page can show, and each costs a check of the room rules.
MAX_ROOMS = 1000

# Actions in one answer: as many as the audit log keeps.
MAX_ACTIONS = 10_000

# Bytes and events of one request.
MAX_BODY = 1_000_000
MAX_BATCH = 1000


class InvalidRequest(LongwireError):
    """The request does not have the form that the endpoint requires."""

    code = "invalid_request"

    def __init__(self, detail: str, field: str = "$") -> None:
        super().__init__(detail)
        self.field = field


class ServiceRequired(LongwireError):
    """The token lacks the scope `service`, which operators' requests need."""

    code = "forbidden"

    def __init__(self) -> None:
        super().__init__(
            "this needs a token with the scope 'service'; `longwire token --service` creates one"
        )


class BodyTooLarge(LongwireError):
    """The body is larger than `MAX_BODY`."""

    code = "payload_too_large"


class BodyTimeout(LongwireError):
    """The body did not arrive completely in time."""

    code = "request_timeout"


_STATUS: dict[type[LongwireError], int] = {
    InvalidRequest: 400,
    BodyTooLarge: 413,
    AuthenticationError: 401,
    PublishDenied: 403,
    ServiceRequired: 403,
    RoomDenied: 403,
    TooManyRevocations: 409,
    UnknownJob: 404,
    BodyTimeout: 408,
    IdempotencyConflict: 409,
    JobEnded: 409,
    JobFinished: 409,
    StaleAttempt: 409,
    Conflict: 409,
    InvalidEvent: 422,
    InvalidId: 422,
    InvalidRoom: 422,
    UnknownEvent: 422,
    UnknownMember: 422,
    BrokerUnavailable: 503,
    ServerStopped: 503,
}


class _Problem(msgspec.Struct, omit_defaults=True):
    title: str
    status: int
    detail: str
    code: str
    field: str | None = None
    room: str | None = None
    attempt: int | None = None
    position: Position | None = None
    value: object = None


class _ProblemRoute(APIRoute):
    """A route that answers LongwireErrors with problem details."""

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_errors(request: Request) -> Response:
            try:
                return await handle(request)
            except LongwireError as error:
                return problem(error)

        return handle_errors


def problem(
    error: LongwireError, field: str | None = None, *, status: int | None = None
) -> Response:
    """Return the response for an error, by default with the status of its type."""
    status = status or _STATUS.get(type(error), 400)
    headers = {"www-authenticate": "Bearer"} if status == 401 else {}
    if status == 503:
        headers["retry-after"] = RETRY_AFTER
    if isinstance(error, ServerStopped):
        headers["connection"] = "close"  # the next request should reach another server
    fault = fault_of(error)
    body = _describe(status, fault.code, fault.message)
    body.field = field or _field(error)
    if isinstance(error, ConditionFailed):
        body.room = error.room
    body.attempt, body.position, body.value = fault.attempt, fault.position, fault.value
    return _problem_response(body, headers)


async def explain(request: Request, error: Exception) -> Response:
    """Return problem details for an HTTPException of the framework, such as an unknown path.

    Register it with `app.add_exception_handler(HTTPException, explain)`.
    """
    http = cast("HTTPException", error)
    code = HTTPStatus(http.status_code).phrase.lower().replace(" ", "_")
    return _problem_response(_describe(http.status_code, code, str(http.detail)), http.headers)


def _describe(status: int, code: str, detail: str) -> _Problem:
    return _Problem(code.replace("_", " "), status, detail, code)


def _problem_response(body: _Problem, headers: Mapping[str, str] | None) -> Response:
    return _json(body, body.status, headers, media_type="application/problem+json")


def _field(error: LongwireError) -> str | None:
    match error:
        case InvalidRequest():
            return error.field
        case UnknownMember():
            return error.path
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
    """Add the Socket.IO endpoint, the HTTP interface and the server's lifespan to `app`."""
    app.include_router(router(server))
    server.mount(app)


def router(server: Server) -> APIRouter:
    """Return the HTTP interface: publishing, rooms, jobs and health."""
    api = APIRouter(route_class=_ProblemRoute)
    api.include_router(probes(server))
    known = Depends(_identity_of(server))
    read = partial(read_body, timeout=server.limits.body_timeout)

    @api.post("/api/publish")
    async def publish(request: Request, identity: Annotated[Identity, known]) -> Response:
        server.publish_rules.check_any(identity)
        body = await read(request)
        server.check_revoked(identity)  # the body may have taken long
        if body.lstrip()[:1] == b"[":
            return await _publish_batch(server, identity, decode_body(body, list[PublishRequest]))
        admitted = await server.publish_rules.admit(identity, decode_body(body, PublishRequest))
        server.check_revoked(identity)  # and so may the rule
        return _json(await _publish(server, admitted))

    @_get(api, "/api/rooms")
    async def rooms(identity: Annotated[Identity, known], prefix: str = "") -> Response:
        if not prefix:
            raise InvalidRequest("prefix is required, for example campaign:", "$.prefix")
        latest = (await server.broker.rooms(prefix))[:MAX_ROOMS]
        return _json({"rooms": await server.rules.permitted(identity, latest)})

    @_get(api, "/api/rooms/{room:path}/watchers")
    async def watchers(room: str, identity: Annotated[Identity, known]) -> Response:
        await server.rules.check(identity, room)
        found = await server.watchers(room)
        return _json(found if identity.service else replace(found, users=()))

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
        body = await read(request)
        reason = decode_body(body, _CancelRequest).reason if body.strip() else None
        position = await server.cancel_job(job_id, reason)
        return _json(_position(f"job:{job_id}", position.epoch, position.offset), 202)

    _add_operating(api, server, read)
    return api


def _add_operating(
    api: APIRouter, server: Server, read: Callable[[Request], Coroutine[Any, Any, bytes]]
) -> None:
    """Add the requests of operators."""
    operator = Depends(_operator_of(server))

    @api.post("/api/revoke", status_code=204)
    async def revoke(request: Request, identity: Annotated[Identity, operator]) -> Response:
        wanted = decode_body(await read(request), _RevokeRequest)
        return await _act(server.revoke(**_values(wanted), by=identity.user_id))

    @api.post("/api/reinstate", status_code=204)
    async def reinstate(request: Request, identity: Annotated[Identity, operator]) -> Response:
        wanted = decode_body(await read(request), _ReinstateRequest)
        return await _act(server.reinstate(**_values(wanted), by=identity.user_id))

    @_get(api, "/api/actions")
    async def actions(identity: Annotated[Identity, operator], limit: int = 100) -> Response:
        if not 1 <= limit <= MAX_ACTIONS:
            raise InvalidRequest(f"limit must be from 1 to {MAX_ACTIONS}, got {limit}", "$.limit")
        return _json({"actions": await server.actions(limit)})


def _get(api: APIRouter, path: str) -> Callable[[Handler], Handler]:
    """Register a handler of GET that also answers HEAD (RFC 9110 § 9.3.2)."""

    def register(handler: Handler) -> Handler:
        api.head(path, include_in_schema=False)(handler)
        return api.get(path)(handler)

    return register


class _ReinstateRequest(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    user: str | None = None
    token_id: str | None = None


class _RevokeRequest(_ReinstateRequest):
    issued_before: float | None = None
    expires_at: float | None = None


class _CancelRequest(msgspec.Struct, forbid_unknown_fields=True):
    reason: str | None = None


def _identity_of(server: Server) -> Callable[[Request], Coroutine[Any, Any, Identity]]:
    async def identity(request: Request) -> Identity:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        return await server.authenticate(token.strip() if scheme.lower() == "bearer" else "")

    return identity


def _operator_of(server: Server) -> Callable[[Request], Coroutine[Any, Any, Identity]]:
    identity_of = _identity_of(server)

    async def operator(request: Request) -> Identity:
        identity = await identity_of(request)
        if not identity.service:
            raise ServiceRequired
        return identity

    return operator


async def _act(action: Coroutine[Any, Any, None]) -> Response:
    try:
        await action
    except ConfigurationError as error:
        raise InvalidRequest(str(error)) from None
    return Response(status_code=204)


def _values(request: msgspec.Struct) -> dict[str, Any]:
    return msgspec.structs.asdict(request)


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
    room, position, attempt = await server.publish_data(**_arguments(request))
    answer = _position(room, position.epoch, position.offset)
    return answer if attempt is None else answer | {"attempt": attempt}


def _arguments(request: PublishRequest) -> dict[str, Any]:
    return msgspec.structs.asdict(request) | {"data": bytes(request.data)}


async def _publish_batch(
    server: Server, identity: Identity, requests: list[PublishRequest]
) -> Response:
    """Publish all events in order, or none if one of them is invalid or not allowed.

    If the identity is revoked meanwhile, the rest is refused.

    An error that occurs only while appending, such as a conflict of ids, does not undo earlier
    events, nor does it stop later events of the same type that are published with it. The answer
    describes the first error.
    """
    if len(requests) > MAX_BATCH:
        raise InvalidRequest(f"a request has at most {MAX_BATCH} events, got {len(requests)}")
    for index, request in enumerate(requests):
        try:
            requests[index] = admitted = await server.publish_rules.admit(identity, request)
            server.check_data(**_arguments(admitted))
        except LongwireError as error:
            return _problem_at(index, error)
    published: list[dict[str, object]] = []
    # Adjacent events of one type are published concurrently, so that the broker can write them
    # together. Types are not mixed: `job:created` reads its job's log first, and other events of
    # the job must not overtake it meanwhile.
    for _, group in groupby(requests, key=lambda request: request.event):
        server.check_revoked(identity)
        publishing = (_publish(server, request) for request in group)
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


async def read_body(request: Request, timeout: float) -> bytes:
    """Return the body of a request.

    Raises:
        BodyTooLarge: it has more than `MAX_BODY` bytes.
        BodyTimeout: it is not complete after `timeout` seconds.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(timeout):
            async for chunk in request.stream():
                body += chunk
                if len(body) > MAX_BODY:
                    raise BodyTooLarge(f"the body is larger than {MAX_BODY} bytes")
    except TimeoutError:
        raise BodyTimeout(f"the body did not arrive within {timeout:g} seconds") from None
    return bytes(body)


def decode_body(body: bytes, type: type[T]) -> T:
    """Return the JSON of a body as a value of `type`.

    Raises:
        UnknownMember: it has a member that `type` does not have.
        InvalidRequest: it is not JSON, or a member is missing or wrong.
    """
    try:
        return msgspec.json.decode(body, type=type)
    except msgspec.ValidationError as error:
        if unknown := find_unknown_member(error):
            raise unknown from None
        detail, _, path = str(error).partition(" - at `")
        raise InvalidRequest(detail, _missing(detail, path.rstrip("`") or "$")) from None
    except (ValueError, RecursionError) as error:  # not JSON, not UTF-8, or nested too deeply
        # JavaScript writes a lone surrogate for text that was cut inside a character.
        repaired = replace_lone_surrogates(body.decode("latin-1")).encode("latin-1")
        if repaired != body:
            return decode_body(repaired, type)
        raise InvalidRequest(f"the body is not JSON: {error}") from None


def _missing(detail: str, path: str) -> str:
    """Return the path of a missing field; msgspec gives the path of its parent."""
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
