"""The floor without a C compiler: `floor.c` in Python, including the cost of Python's loop."""

from __future__ import annotations

import os
import socket
import sys


def main() -> None:
    count, size = int(sys.argv[1]), int(sys.argv[2])
    frame = b'["announcement"'.ljust(size, b"x")
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        print(f"Listening on {listener.getsockname()[1]}", flush=True)
        members = [listener.accept()[0] for _ in range(count)]
        for member in members:
            member.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        numbers = [member.fileno() for member in members]
        write = os.write
        while rounds := members[0].recv(64):
            for _ in rounds:
                for number in numbers:
                    write(number, frame)


if __name__ == "__main__":
    main()
