"""The buffers that clients have sent, by digest: files in memory (tmpfs) where there is room, else on disk.

Workers map these files, so pixels are written once and never sent a second time.
"""

from __future__ import annotations

import logging
import os
from collections import OrderedDict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from scumble.transport.pixel_files import write_pixels
from scumble_client import wire
from scumble_client.errors import ScumbleError

log = logging.getLogger(__name__)


@dataclass
class _Entry:
    path: Path
    size: int
    check: int | None
    pins: int = 0


class BufferStore:
    """At most `limit` bytes, the least recently used gone first; pinned ones stay.

    `write` may be called from any thread; everything else from the broker's.
    """

    def __init__(self, folders: list[Path], limit: int) -> None:
        self.folders, self.limit = folders, limit
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()
        self.bytes = 0
        self._checkers = ThreadPoolExecutor(2, thread_name_prefix="checks")
        for folder in folders:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def __contains__(self, name: bytes) -> bool:
        return name in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def size(self, name: bytes) -> int:
        return self._entries[name].size

    def path(self, name: bytes) -> Path:
        return self._entries[name].path

    def check(self, name: bytes) -> int | None:
        """The checksum, where it is known."""
        return self._entries[name].check

    def write(self, name: bytes, data: memoryview, check: int | None) -> Path:
        """Verify the bytes and write the file, both at once; `add` then makes it known. Raises ScumbleError.

        `check` is the sender's checksum, where that is to be trusted; without one the digest itself is compared.
        """
        checking = self._checkers.submit(wire.verify, name, data, check)
        try:
            path = self._written(name, data)
        except ScumbleError:
            checking.result()  # that it is damaged is the better message
            raise
        try:
            checking.result()
        except ScumbleError:
            path.unlink(missing_ok=True)
            raise
        return path

    def _written(self, name: bytes, data: memoryview) -> Path:
        try:
            # Not the digest alone: the same buffer may be dropped, and sent again, at the same moment.
            return write_pixels(self.folders, f"{name.hex()}-{os.urandom(4).hex()}", data)
        except OSError as error:
            raise ScumbleError(
                "out_of_memory",
                "There is no room for this layer, neither in memory nor on the disk.",
                "Make room on the disk, then run it again.",
            ) from error

    def add(self, name: bytes, path: Path, size: int, check: int | None = None) -> None:
        """Make a written buffer known; if it already is, the second file is removed."""
        if name in self._entries:
            path.unlink(missing_ok=True)
        else:
            self._entries[name] = _Entry(path, size, check)
            self.bytes += size
        self._entries.move_to_end(name)
        self.shrink()

    def pin(self, names: Iterable[bytes]) -> None:
        for name in names:
            self._entries[name].pins += 1
            self._entries.move_to_end(name)

    def unpin(self, names: Iterable[bytes]) -> None:
        for name in names:
            if name in self._entries:
                self._entries[name].pins -= 1
        self.shrink()

    def shrink(self, limit: int | None = None) -> None:
        """Drop the least recently used that no job needs, until `limit` bytes are kept."""
        limit = self.limit if limit is None else limit
        for name in [n for n, e in self._entries.items() if e.pins <= 0]:
            if self.bytes <= limit:
                return
            self.drop(name)

    def drop(self, name: bytes) -> None:
        entry = self._entries.pop(name, None)
        if entry:
            self.bytes -= entry.size
            entry.path.unlink(missing_ok=True)

    def clear(self) -> None:
        for name in list(self._entries):
            self.drop(name)
