"""Engine.IO v4 without I/O: one session per peer, over long-polling, WebSocket and the upgrade.

The inputs of `ServerSession` and `ClientSession` are received data (`receive_*`), the time
(`handle_deadline`), and what the application sends (`send_*`, `close`). The outputs are `events`,
and data to write (`messages_to_send`, and the requests of long-polling). An error of the peer
never raises: it closes the session.
"""
