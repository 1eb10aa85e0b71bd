"""What an HTTP request gets that no session can take: a status and a JSON body.

The codes and messages are those of the reference, which clients know.
"""

from __future__ import annotations

import msgspec


class RequestError(msgspec.Struct, frozen=True):
    """A refusal of one HTTP request.

    Attributes:
        code: Engine.IO's number for it.
        message: Engine.IO's words for it.
        status: the HTTP status.
    """

    code: int
    message: str
    status: int = 400

    @property
    def body(self) -> bytes:
        """The JSON body, `{"code":…,"message":…}`."""
        return msgspec.json.encode({"code": self.code, "message": self.message})


TRANSPORT_UNKNOWN = RequestError(0, "Transport unknown")
UNKNOWN_SESSION = RequestError(1, "Session ID unknown")
BAD_HANDSHAKE_METHOD = RequestError(2, "Bad handshake method")
BAD_REQUEST = RequestError(3, "Bad request")
FORBIDDEN = RequestError(4, "Forbidden", 403)
UNSUPPORTED_VERSION = RequestError(5, "Unsupported protocol version")


def forbidden(message: str) -> RequestError:
    """The refusal of a request that may not come in, in the application's words."""
    return RequestError(FORBIDDEN.code, message, FORBIDDEN.status)
