"""A large frame that is being received: its bytes, and their checksum, which is taken while they come in.

The peer fills the socket meanwhile, so that checking a layer costs hardly more than its arrival.
"""

import mmap
import zlib

LARGE = 1 << 20
"""Bytes from which on a frame is a `LargeFrame`."""


class LargeFrame(mmap.mmap):
    """Pages that the system gives out as they are filled, so that a lie about the size takes no memory.

    Not to be changed once it is whole: `checksum` would no longer be true.
    """

    def __new__(cls, size: int) -> "LargeFrame":
        return super().__new__(cls, -1, size)

    def __init__(self, size: int) -> None:
        self.checksum = 0
        """CRC-32 of what has come."""
        if hasattr(mmap, "MADV_HUGEPAGE"):
            try:
                self.madvise(mmap.MADV_HUGEPAGE)  # a page fault for each 2 MiB, not for each 4 KiB
            except OSError:
                pass  # a kernel without huge pages: it is slower, and nothing else

    def came(self, start: int, stop: int) -> None:
        """Bytes `start` to `stop` are there; each is told of once, in order."""
        with memoryview(self) as view, view[start:stop] as part:
            self.checksum = zlib.crc32(part, self.checksum)
