"""The routes that orchestrators and load balancers ask: `/livez`, `/readyz` and `/healthz`."""

from typing import Any, Final

import msgspec

from longwire.errors import needing
from longwire.server import Server

with needing("fastapi"):
    from fastapi import APIRouter, Response

# Seconds after which a request that was refused with 503 should be repeated.
RETRY_AFTER: Final = "1"

_LIVE: Final = {
    "description": "The process serves requests.",
    "content": {"application/json": {"example": {"status": "ok"}}},
}
_READY: Final = {
    "description": "The server takes clients, and its event log answers.",
    "content": {"application/json": {"example": {"status": "ready"}}},
}
_NOT_READY: Final = {
    "description": "The server must not receive requests now.",
    "content": {
        "application/json": {
            "schema": {
                "type": "object",
                "required": ["status", "reason", "detail"],
                "properties": {
                    "status": {"const": "unavailable"},
                    "reason": {"enum": ["starting", "draining", "stopped", "broker_unavailable"]},
                    "detail": {"type": "string", "description": "One sentence for a person."},
                },
            }
        }
    },
}


def probes(server: Server) -> APIRouter:
    """Return the routes; they need no token and name no address."""
    api = APIRouter()

    async def health() -> Response:
        """Return a constant by which programs recognise a Longwire server."""
        return _answer({"status": "ok", "server": "longwire"})

    async def live() -> Response:
        """Answer as long as the process serves: for a liveness probe."""
        return _answer({"status": "ok"})

    async def ready() -> Response:
        """Return whether the server takes clients: for a readiness probe or a load balancer."""
        readiness = await server.readiness()
        if readiness.is_ready:
            return _answer({"status": "ready"})
        return _answer(
            {"status": "unavailable", "reason": readiness.reason, "detail": readiness.detail}, 503
        )

    responses: dict[int | str, dict[str, Any]] = {200: _READY, 503: _NOT_READY}
    api.get("/healthz")(health)
    api.get("/livez", responses={200: _LIVE})(live)
    api.get("/readyz", responses=responses)(ready)
    for path, handler in (("/healthz", health), ("/livez", live), ("/readyz", ready)):
        api.head(path, include_in_schema=False)(handler)
    return api


def _answer(body: dict[str, object], status: int = 200) -> Response:
    headers = {"cache-control": "no-store"}
    if status == 503:
        headers["retry-after"] = RETRY_AFTER
    return Response(msgspec.json.encode(body), status, headers, "application/json")
