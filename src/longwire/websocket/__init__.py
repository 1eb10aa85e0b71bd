"""RFC 6455 without I/O: frames, messages and the handshake, for both roles.

Masks and keys are arguments. Errors of the peer are return values. No extensions are supported.
"""
