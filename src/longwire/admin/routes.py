"""The routes of the admin interface: paths, parameters and bodies."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec

from longwire.admin.access import Access, AdminDenied
from longwire.admin.actions import (
    Actions,
    Announce,
    Cancel,
    Disconnect,
    ParkedEventId,
    Revoke,
)
from longwire.admin.answers import Answers, UnknownConnection
from longwire.admin.paging import InvalidQuery
from longwire.admin.trace import TraceRequest
from longwire.errors import AuthenticationError, InvalidRoom, LongwireError, needing

with needing("fastapi"):
    from starlette.exceptions import HTTPException
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route, Router
    from starlette.types import Receive, Scope, Send

from longwire.integrations.fastapi import decode_body, explain, problem, read_body

Act = Callable[[Any, str], Awaitable[None]]
"""Takes an action, given its decoded body and the operator's name."""

Handler = Callable[[Request, str], Awaitable[object]]
"""Answers a request of the operator with this name."""


class Empty(msgspec.Struct, forbid_unknown_fields=True):
    """A body without members: `{}`."""


class UnsupportedBody(LongwireError):
    """The body of an action is not declared as JSON."""

    code = "unsupported_body"


_STATUS: Final[dict[type[LongwireError], int]] = {
    InvalidQuery: 400,
    AuthenticationError: 401,
    AdminDenied: 403,
    UnknownConnection: 404,
    InvalidRoom: 404,
    UnsupportedBody: 415,
}

NO_STORE: Final = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


def views(answers: Answers) -> dict[str, Handler]:
    """Return the handler of each path that is read with GET."""

    async def connection(request: Request, operator: str) -> object:
        return await answers.connection(request.path_params["id"])

    async def room(request: Request, operator: str) -> object:
        return await answers.room(request.path_params["room"], request.query_params)

    async def trace(request: Request, operator: str) -> object:
        given = request.query_params
        return await (answers.message(given["room"], given) if "room" in given else answers.trace())

    return {
        "/trace": trace,
        "/consumers": lambda request, operator: answers.consumers(request.query_params),
        "/overview": lambda request, operator: answers.overview(operator),
        "/nodes": lambda request, operator: answers.nodes(),
        "/connections": lambda request, operator: answers.connections(request.query_params),
        "/connections/{id}": connection,
        "/rooms": lambda request, operator: answers.rooms(request.query_params),
        "/rooms/{room:path}": room,
        "/jobs": lambda request, operator: answers.jobs(request.query_params),
        "/contracts": lambda request, operator: answers.contracts(),
        "/health": lambda request, operator: answers.health(),
        "/audit": lambda request, operator: answers.audit(request.query_params),
    }


def actions_of(actions: Actions) -> dict[str, tuple[type[Any], Act]]:
    """Return the body's type and the handler of each path that takes an action with POST."""
    return {
        "/disconnect": (Disconnect, actions.disconnect),
        "/revoke": (Revoke, actions.revoke),
        "/announce": (Announce, actions.announce),
        "/cancel": (Cancel, actions.cancel),
        "/retry": (ParkedEventId, actions.retry),
        "/discard": (ParkedEventId, actions.discard),
    }


def traces_of(answers: Answers) -> dict[str, tuple[type[Any], Act]]:
    """Return the same of the paths that begin and end a trace, which is not an action."""

    async def begin(request: TraceRequest, operator: str) -> None:
        await answers.begin_trace(request)

    async def stop(request: Empty, operator: str) -> None:
        await answers.begin_trace(None)

    return {"/trace": (TraceRequest, begin), "/trace/stop": (Empty, stop)}


class Api:
    """An ASGI application with every route of the interface, behind one check.

    The check comes before the routing, so there is no path that it does not cover.

    Args:
        access: checks each request.
        answers: computes the views.
        actions: takes actions.
        timeout: seconds within which a body must arrive.
    """

    def __init__(self, access: Access, answers: Answers, actions: Actions, timeout: float) -> None:
        self._access = access
        self.routes = [
            Route(path, _endpoint(handler), methods=["GET"])
            for path, handler in views(answers).items()
        ]
        for check, posted in (
            (actions.check, actions_of(actions)),
            (_allow, traces_of(answers)),
        ):
            for path, (body, act) in posted.items():
                endpoint = _endpoint(_posted(check, body, act, timeout))
                self.routes.append(Route(path, endpoint, methods=["POST"]))
        self._router = Router(self.routes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1000, "reason": ""})
            return
        request = Request(scope, receive)
        try:
            scope["longwire.operator"] = await self._access.check(request)
            await self._router(scope, receive, send)
        except LongwireError as error:
            await _explain(error)(scope, receive, send)
        except HTTPException as error:
            await (await explain(request, error))(scope, receive, send)


def _endpoint(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            answer = await handler(request, request.scope["longwire.operator"])
        except LongwireError as error:
            return _explain(error)
        return Response(msgspec.json.encode(answer), 200, NO_STORE, "application/json")

    return endpoint


def _allow() -> None:
    """Allow a request that changes nothing for users."""


def _posted(check: Callable[[], None], body: type[Any], act: Act, timeout: float) -> Handler:
    async def handle(request: Request, operator: str) -> object:
        check()
        # A form of another site cannot send this type without asking first (CORS), so a page that
        # an operator visits cannot act with the operator's cookie.
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            raise UnsupportedBody("an action needs content-type: application/json")
        await act(decode_body(await read_body(request, timeout), body), operator)
        return {"ok": True}

    return handle


def _explain(error: LongwireError) -> Response:
    response: Response = problem(error, status=_STATUS.get(type(error)))
    response.headers.update(NO_STORE)
    return response
