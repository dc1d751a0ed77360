"""Results' pixels as files: written by a worker, or by the broker for a machine without one, and named by their digest."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from scumble_client import wire
from scumble_client.errors import ScumbleError

from .pixel_files import write_pixels


class ResultFiles:
    """Writes results' pixels where they outlive the process: into the first of `folders` that has room."""

    def __init__(self, folders: list[Path]) -> None:
        self._folders = folders
        self._hasher = ThreadPoolExecutor(1)

    def store(self, job: str, data: memoryview) -> dict[str, Any]:
        """Write them; digest, checksum and path. Raises ScumbleError where there is no room."""
        # hashing and writing both leave Python's lock alone
        naming = self._hasher.submit(lambda: (wire.digest(data), wire.checksum(data)))
        try:
            # The first folder is the spool on disk; where that is full, the next is memory. The file has its last name
            # at once: what no result names when the next daemon starts is removed, so half a file does no harm.
            path = write_pixels(self._folders, f"{job}-{os.urandom(8).hex()}.px", data)
        except OSError as error:
            raise ScumbleError(
                "out_of_memory",
                "The disk is full: there is no room for the result.",
                "Make room on the disk, then run it again.",
            ) from error
        name, check = naming.result()
        return {"buffer": name, "check": check, "path": str(path)}

    def close(self) -> None:
        self._hasher.shutdown()
