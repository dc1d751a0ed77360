"""Pixels as files between processes: written where there is room, mapped without being read."""

from __future__ import annotations

import contextlib
import logging
import mmap
import os
from collections.abc import Sequence
from pathlib import Path

log = logging.getLogger(__name__)


def write_pixels(folders: Sequence[Path], name: str, data: memoryview) -> Path:
    """Write a file into the first of the folders that has room for it. Raises the last one's OSError."""
    failure: OSError | None = None
    for folder in folders:
        path = folder / name
        try:
            with open(path, "wb", buffering=0) as file:
                done = 0
                while done < data.nbytes:
                    done += file.write(data[done:]) or 0
            return path
        except OSError as error:
            failure = error
            with contextlib.suppress(OSError):
                path.unlink()
            log.warning("cannot write pixels to %s: %s", folder, error)
    raise failure or OSError("there is no folder for pixels")


def map_file(path: str | Path) -> memoryview:
    """A file's bytes, read-only, without reading them; valid also after the file was removed (on POSIX)."""
    with open(path, "rb") as file:
        if os.fstat(file.fileno()).st_size == 0:
            return memoryview(b"")
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
