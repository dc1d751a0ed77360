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
        part: Path | None = None
        try:
            # the first folder is the spool on disk; where that is full, the next is memory
            part = write_pixels(self._folders, f"{os.getpid()}-{job}.part", data)
            name, check = naming.result()
            path = part.replace(part.with_name(f"{job}-{name.hex()[:16]}.px"))
        except OSError as error:
            if part:
                part.unlink(missing_ok=True)
            raise ScumbleError(
                "out_of_memory",
                "The disk is full: there is no room for the result.",
                "Make room on the disk, then run it again.",
            ) from error
        return {"buffer": name, "check": check, "path": str(path)}

    def close(self) -> None:
        self._hasher.shutdown()
