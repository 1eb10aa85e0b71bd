"""A process that publishes to a SQLite broker until it is killed, and reports what happened.

Prints the lines `delivered N OFFSET` and `acknowledged N OFFSET` for note number N. Started by
`test_crash.py` with the file, the first N, and the number of concurrent publishes.
"""

from __future__ import annotations

import asyncio
import sys

import msgspec

from longwire.broker import SQLiteBroker
from longwire.log.publication import Publication
from tests.broker.recording import RecordingReceiver, note


class ReportingReceiver(RecordingReceiver):
    def receive_publication(self, room: str, publication: Publication) -> None:
        text = msgspec.json.decode(publication.data)["text"]
        report("delivered", text, publication.last)


def report(what: str, text: str, offset: int) -> None:
    sys.stdout.write(f"{what} {text} {offset}\n")
    sys.stdout.flush()


async def publish_until_killed(path: str, number: int, at_a_time: int) -> None:
    broker = SQLiteBroker(path)
    await broker.start(ReportingReceiver())
    await broker.subscribe("room")

    async def publish(text: str) -> None:
        position = await broker.publish("room", note(text), id=text)
        report("acknowledged", text, position.offset)

    while True:
        await asyncio.gather(*(publish(str(n)) for n in range(number, number + at_a_time)))
        number += at_a_time


if __name__ == "__main__":
    asyncio.run(publish_until_killed(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
