"""Packed layers: what goes in comes out, and what is hostile takes no memory."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scumble.transport.packing import pack_pixels, stride, unpack_pixels
from scumble_client.errors import ScumbleError


@given(st.binary(max_size=500), st.integers(1, 16))
def test_there_and_back(data: bytes, step: int) -> None:
    packed = pack_pixels(memoryview(data), step)
    assert bytes(unpack_pixels(memoryview(packed), step, len(data))) == data


def test_a_smooth_picture_becomes_smaller_than_by_deflate_alone() -> None:
    y, x = np.mgrid[:200, :300]
    noise = np.random.default_rng(0).integers(0, 4, (200, 300, 3))
    picture = ((np.sin(x / 40) * 60 + np.cos(y / 30) * 60 + 128)[..., None] + noise).astype(np.uint8).tobytes()
    packed = pack_pixels(memoryview(picture), stride("rgb", "uint8"))
    assert len(packed) < 0.8 * len(zlib.compress(picture, 6))


@given(st.binary(max_size=200), st.integers(-1, 20), st.integers(0, 1000))
def test_anything_else_is_refused(data: bytes, step: int, size: int) -> None:
    with pytest.raises(ScumbleError, match="can't be unpacked"):
        unpack_pixels(memoryview(b"x" + data), step, size)


def test_a_bomb_is_not_unpacked() -> None:
    bomb = memoryview(zlib.compress(bytes(100_000_000), 9))
    with pytest.raises(ScumbleError):
        unpack_pixels(bomb, 4, 1000)
    with pytest.raises(ScumbleError):
        unpack_pixels(memoryview(pack_pixels(memoryview(bytes(100)), 4)), 4, 101)
