"""How programs of one machine talk: by sockets that lie in a folder, or, on Windows, over the loopback address."""

import os
from pathlib import Path
from typing import Optional

from .kind import is_posix

LONGEST = 103
"""Bytes in the path of a socket on macOS; Linux takes four more."""


def lie_in_folders(platform: Optional[str] = None) -> bool:
    """Whether ZeroMQ's `ipc://` can be relied on. Its like on Windows needs a recent libzmq and a recent Windows."""
    return is_posix(platform)


def too_long(path: Path, platform: Optional[str] = None) -> bool:
    """Whether a path is too long for a socket."""
    return lie_in_folders(platform) and len(os.fsencode(path)) > LONGEST
