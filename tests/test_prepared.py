from __future__ import annotations

import json

from longwire.prepared import PreparedBatch, PreparedMessage


def test_a_position_is_an_additional_argument() -> None:
    message = PreparedMessage("job:progress", b'{"jobId":"1"}', "job:1", 5, 5)
    assert message.packet(with_position=False) == '42["job:progress",{"jobId":"1"}]'
    assert message.packet(with_position=True) == '42["job:progress",{"jobId":"1"},"5@job:1"]'


def test_the_position_of_a_range() -> None:
    message = PreparedMessage("job:output", b"{}", "job:1", 2, 9)
    assert message.packet(with_position=True) == '42["job:output",{},"2-9@job:1"]'


def test_a_volatile_message_has_no_position() -> None:
    message = PreparedMessage.volatile("typing", b"{}")
    assert message.packet(with_position=True) == '42["typing",{}]'
    assert message.packet(with_position=True) is message.packet(with_position=False)
    assert message.frame(with_position=True) is message.frame(with_position=False)


def test_frames_are_unmasked_text_of_each_length() -> None:
    short = PreparedMessage.volatile("a", b"{}")
    assert short.frame(with_position=False) == b'\x81\x0a42["a",{}]'
    middle = PreparedMessage.volatile("a", b'"' + b"x" * 200 + b'"')
    assert middle.frame(with_position=False) == (
        b"\x81\x7e\x00\xd2" + middle.packet(with_position=False).encode()
    )
    long = PreparedMessage.volatile("a", b'"' + b"x" * 70_000 + b'"')
    assert long.frame(with_position=False) == (
        b"\x81\x7f\x00\x00\x00\x00\x00\x01\x11\x7a" + long.packet(with_position=False).encode()
    )


def test_the_length_of_a_frame_is_counted_in_bytes() -> None:
    message = PreparedMessage("a", '{"x":"€"}'.encode(), "room:€", 1, 1)
    assert message.frame(with_position=True) == (
        b"\x81\x20" + '42["a",{"x":"€"},"1@room:€"]'.encode()
    )


def test_each_variant_is_encoded_once() -> None:
    message = PreparedMessage("a", b"{}", "room", 1, 1)
    for positions in (False, True):
        assert message.packet(positions) is message.packet(positions)
        assert message.frame(positions) is message.frame(positions)
    assert message.frame(with_position=True) != message.frame(with_position=False)


def test_names_are_escaped() -> None:
    message = PreparedMessage('a"\n', b"{}", 'r"\\', 1, 1)
    assert json.loads(message.packet(with_position=True)[2:]) == ['a"\n', {}, '1@r"\\']


def test_a_batch_is_joined_once_per_variant() -> None:
    first = PreparedMessage("a", b"{}", "r", 1, 1)
    second = PreparedMessage.volatile("b", b"{}")
    batch = PreparedBatch([first, second])
    assert batch.frames(with_positions=False) == b'\x81\x0a42["a",{}]\x81\x0a42["b",{}]'
    assert batch.frames(with_positions=True) == b'\x81\x1042["a",{},"1@r"]\x81\x0a42["b",{}]'
    assert batch.frames(with_positions=True) is batch.frames(with_positions=True)


def test_a_batch_of_one_copies_nothing() -> None:
    message = PreparedMessage("a", b"{}", "r", 1, 1)
    assert PreparedBatch([message]).frames(with_positions=True) is message.frame(with_position=True)
