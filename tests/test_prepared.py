from __future__ import annotations

import json

from longwire.prepared import PreparedBatch, PreparedMessage


def test_a_position_is_one_more_argument_for_those_who_asked() -> None:
    message = PreparedMessage("job:progress", b'{"jobId":"1"}', "job:1", 5, 5)
    assert message.packet(positions=False) == '42["job:progress",{"jobId":"1"}]'
    assert message.packet(positions=True) == '42["job:progress",{"jobId":"1"},"5@job:1"]'


def test_a_message_may_stand_for_a_range() -> None:
    message = PreparedMessage("job:output", b"{}", "job:1", 2, 9)
    assert message.packet(positions=True) == '42["job:output",{},"2-9@job:1"]'


def test_a_volatile_message_has_no_position() -> None:
    message = PreparedMessage.volatile("typing", b"{}")
    assert message.packet(positions=True) == '42["typing",{}]'
    assert message.packet(positions=True) is message.packet(positions=False)
    assert message.frame(positions=True) is message.frame(positions=False)


def test_frames_are_unmasked_text_of_each_length() -> None:
    short = PreparedMessage.volatile("a", b"{}")
    assert short.frame(positions=False) == b'\x81\x0a42["a",{}]'
    middle = PreparedMessage.volatile("a", b'"' + b"x" * 200 + b'"')
    assert middle.frame(positions=False) == (
        b"\x81\x7e\x00\xd2" + middle.packet(positions=False).encode()
    )
    long = PreparedMessage.volatile("a", b'"' + b"x" * 70_000 + b'"')
    assert long.frame(positions=False) == (
        b"\x81\x7f\x00\x00\x00\x00\x00\x01\x11\x7a" + long.packet(positions=False).encode()
    )


def test_text_beyond_ascii_is_measured_in_bytes() -> None:
    message = PreparedMessage("a", '{"x":"€"}'.encode(), "room:€", 1, 1)
    assert message.frame(positions=True) == (b"\x81\x20" + '42["a",{"x":"€"},"1@room:€"]'.encode())


def test_each_variant_is_made_once() -> None:
    message = PreparedMessage("a", b"{}", "room", 1, 1)
    for positions in (False, True):
        assert message.packet(positions) is message.packet(positions)
        assert message.frame(positions) is message.frame(positions)
    assert message.frame(positions=True) != message.frame(positions=False)


def test_names_are_escaped() -> None:
    message = PreparedMessage('a"\n', b"{}", 'r"\\', 1, 1)
    assert json.loads(message.packet(positions=True)[2:]) == ['a"\n', {}, '1@r"\\']


def test_a_batch_is_joined_once_per_variant() -> None:
    first = PreparedMessage("a", b"{}", "r", 1, 1)
    second = PreparedMessage.volatile("b", b"{}")
    batch = PreparedBatch([first, second])
    assert batch.frames(positions=False) == b'\x81\x0a42["a",{}]\x81\x0a42["b",{}]'
    assert batch.frames(positions=True) == b'\x81\x1042["a",{},"1@r"]\x81\x0a42["b",{}]'
    assert batch.frames(positions=True) is batch.frames(positions=True)


def test_a_batch_of_one_copies_nothing() -> None:
    message = PreparedMessage("a", b"{}", "r", 1, 1)
    assert PreparedBatch([message]).frames(positions=True) is message.frame(positions=True)
