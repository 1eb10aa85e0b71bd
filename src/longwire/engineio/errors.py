"""Responses to HTTP requests that are rejected: a status and a JSON body.

The codes and messages are those of the reference implementation, which clients rely on.
"""

import msgspec


class RequestError(msgspec.Struct, frozen=True):
    """The response to a rejected HTTP request.

    Attributes:
        code: the error code of Engine.IO.
        message: the error message of Engine.IO.
        status: the HTTP status.
    """

    code: int
    message: str
    status: int = 400

    @property
    def body(self) -> bytes:
        """The JSON body, `{"code":…,"message":…}`."""
        return msgspec.json.encode({"code": self.code, "message": self.message})

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The headers: a server that is not available advises to ask again in a second."""
        own = (("content-type", "application/json"), ("cache-control", "no-store"))
        return (*own, ("retry-after", "1")) if self.status == 503 else own


TRANSPORT_UNKNOWN = RequestError(0, "Transport unknown")
UNKNOWN_SESSION = RequestError(1, "Session ID unknown")
BAD_HANDSHAKE_METHOD = RequestError(2, "Bad handshake method")
BAD_REQUEST = RequestError(3, "Bad request")
FORBIDDEN = RequestError(4, "Forbidden", 403)
UNSUPPORTED_VERSION = RequestError(5, "Unsupported protocol version")


def forbidden(message: str) -> RequestError:
    """Return the response to a request that the application does not allow, with its message."""
    return RequestError(FORBIDDEN.code, message, FORBIDDEN.status)
