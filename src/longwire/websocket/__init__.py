"""RFC 6455 without I/O: frames and messages for both roles, and the server's handshake.

Masks are arguments. Errors of the peer are return values. No extensions are supported.
"""
