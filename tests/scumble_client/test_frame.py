"""Large frames: their checksum grows as they come in."""

from __future__ import annotations

import os
import resource
import zlib

from scumble_client import wire
from scumble_client.frame import LARGE, LargeFrame


def test_the_checksum_is_that_of_what_has_come() -> None:
    data = os.urandom(LARGE + 12345)
    frame = LargeFrame(len(data))
    for start in range(0, len(data), 70_001):
        stop = min(start + 70_001, len(data))
        frame[start:stop] = data[start:stop]
        frame.came(start, stop)
        assert frame.checksum == zlib.crc32(data[:stop])
    view = memoryview(frame)
    assert wire.checksum(view) == zlib.crc32(data)
    assert wire.checksum(view[:100]) == zlib.crc32(data[:100])  # a part is not the whole
    assert wire.digest(view) == wire.digest(data)


def test_a_large_size_alone_takes_no_memory() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    frames = [LargeFrame(2 * 1024**3) for _ in range(4)]
    frames[0][5:6] = b"x"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024  # kilobytes
