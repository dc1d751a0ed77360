"""The buffers that clients have sent as files: in memory (tmpfs) where there is room, else on disk.

Workers map these files, so pixels are written once and never sent a second time.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from scumble.transport.pixel_files import write_pixels
from scumble_client import wire
from scumble_client.errors import ScumbleError

from .removal import Remover


class BufferFiles:
    """Writes into the first of `folders` that has room. What is there, and may go, the `BufferLedger` knows."""

    def __init__(self, folders: list[Path], remover: Remover) -> None:
        self._folders, self._remover = folders, remover
        self._checkers = ThreadPoolExecutor(2, thread_name_prefix="checks")
        for folder in folders:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def write(self, name: bytes, data: memoryview, check: int | None) -> Path:
        """Verify the bytes and write the file, both at once. From any thread. Raises ScumbleError.

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
            self._remover.remove([path])
            raise
        return path

    def _written(self, name: bytes, data: memoryview) -> Path:
        try:
            # Not the digest alone: the same buffer may have been dropped a moment ago, and its file be there still.
            return write_pixels(self._folders, f"{name.hex()}-{os.urandom(4).hex()}", data)
        except OSError as error:
            raise ScumbleError(
                "out_of_memory",
                "There is no room for this layer, neither in memory nor on the disk.",
                "Make room on the disk, then run it again.",
            ) from error

    def close(self) -> None:
        self._checkers.shutdown()
