"""The wire format, without a wire."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scumble_client import ScumbleError, wire
from scumble_client.version import PROTOCOL


def test_a_message_survives_the_way_there_and_back() -> None:
    sent = wire.Message("submit", {"a": [1, 2.5, "ü", b"\0"]}, [b"pixels", memoryview(b"more")], parent="p")
    got = wire.decode(wire.encode(sent))
    assert (got.type, got.body, got.id, got.parent, got.time) == (sent.type, sent.body, sent.id, "p", sent.time)
    assert [bytes(b) for b in got.buffers] == [b"pixels", b"more"]


def test_buffers_are_passed_on_uncopied() -> None:
    pixels = bytearray(1000)
    assert wire.encode(wire.Message("submit", {}, [pixels]))[2] is pixels


def test_unknown_keys_are_tolerated() -> None:
    head = {"v": PROTOCOL, "id": "1", "parent": None, "type": "x", "time": 0.0, "colour": "green"}
    assert wire.decode([wire.pack(head), wire.pack({"new": 1})]).type == "x"


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([], "bad_request"),
        ([b""], "bad_request"),
        ([b"\xc1", b"\x80"], "bad_request"),
        ([b"\x80", b"\x80"], "bad_request"),
        ([b"\x91" * 4000, b"\x80"], "bad_request"),
        ([wire.pack({"v": PROTOCOL + 1, "id": "1", "type": "x"}), b"\x80"], "version_mismatch"),
        ([wire.pack({"v": "1", "id": "1", "type": "x"}), b"\x80"], "bad_request"),
        ([wire.pack({"v": PROTOCOL, "id": "", "type": "x"}), b"\x80"], "bad_request"),
        ([wire.pack({"v": PROTOCOL, "id": 7, "type": "x"}), b"\x80"], "bad_request"),
        ([wire.pack({"v": PROTOCOL, "id": "1", "type": "x"}), b"\x90"], "bad_request"),
        ([wire.pack({"v": PROTOCOL, "id": "1", "type": "x", "parent": 3}), b"\x80"], "bad_request"),
        ([b"\0" * (wire.MAX_HEADER + 1), b"\x80"], "too_large"),
        ([b"\x80"] * (wire.MAX_BUFFERS + 3), "too_large"),
    ],
)
def test_what_is_no_message(frames: list[bytes], code: str) -> None:
    with pytest.raises(ScumbleError) as raised:
        wire.decode(frames)
    assert raised.value.code == code


def test_a_length_that_lies_takes_no_memory() -> None:
    """A map that says it has four thousand million entries."""
    with pytest.raises(ScumbleError):
        wire.decode([b"\xdf\xff\xff\xff\xff", b"\x80"])


@given(st.lists(st.binary(max_size=200), max_size=5))
def test_random_frames_are_refused_or_read(frames: list[bytes]) -> None:
    code = ""
    try:
        wire.decode(frames)
    except ScumbleError as error:
        code = error.code
    assert code in ("", "bad_request", "too_large", "version_mismatch")


json_like = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(json_like)
def test_the_vendored_msgpack_agrees_with_the_compiled_one(value: object) -> None:
    import msgpack

    from scumble_client._vendor import msgpack as vendored

    packed = msgpack.packb(value, use_bin_type=True)
    assert vendored.packb(value, use_bin_type=True) == packed
    assert vendored.unpackb(packed, raw=False, strict_map_key=True) == value


def test_a_damaged_buffer_is_found() -> None:
    wire.verify(wire.digest(b"pixels"), b"pixels")
    with pytest.raises(ScumbleError, match="damaged"):
        wire.verify(wire.digest(b"pixels"), b"pixelz")


def test_a_checksum_stands_for_the_digest_where_it_is_given() -> None:
    wire.verify(b"any name", b"pixels", wire.checksum(b"pixels"))
    with pytest.raises(ScumbleError, match="damaged"):
        wire.verify(wire.digest(b"pixels"), b"pixels", wire.checksum(b"pixelz"))


def test_checksums_are_told_by_digest() -> None:
    a, b = wire.digest(b"a"), wire.digest(b"b")
    assert wire.checksums(wire.Message("submit", {"buffers": [a, b], "checks": [1, 2]})) == {a: 1, b: 2}
    assert wire.checksums(wire.Message("submit", {"buffers": [a, b]})) == {}
    for odd in ("no list", [b"x"], [1.5]):
        with pytest.raises(ScumbleError, match="checksums"):
            wire.checksums(wire.Message("submit", {"buffers": [a], "checks": odd}))


def test_names_and_buffers_must_pair_up() -> None:
    good = wire.Message("submit", {"buffers": [wire.digest(b"a")]}, [b"a"])
    assert wire.attached(good) == {wire.digest(b"a"): b"a"}
    for names in ([], [b"short"], "no list", [wire.digest(b"a")] * 2):
        with pytest.raises(ScumbleError):
            wire.attached(wire.Message("submit", {"buffers": names}, [b"a"]))


def test_errors_travel() -> None:
    error = ScumbleError("too_large", "It is.", "Make it smaller.")
    again = ScumbleError.from_dict(error.as_dict())
    assert (again.code, again.message, again.hint) == ("too_large", "It is.", "Make it smaller.")
    assert ScumbleError.from_dict({"code": "from the future", "message": "m"}).code == "internal"
