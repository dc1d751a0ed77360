"""What a test needs of the system, each with the reason that is shown where it is skipped. No test asks which system this is itself."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

POSIX = os.name == "posix"
LINUX = sys.platform.startswith("linux")
ROOT = POSIX and os.geteuid() == 0

posix = pytest.mark.skipif(not POSIX, reason="modes, owners, signals and sockets in folders: Linux and macOS have them")
linux = pytest.mark.skipif(not LINUX, reason="reads /proc, or files in /dev/shm or /dev/full: Linux has them")
root = pytest.mark.skipif(not ROOT, reason="needs root: it gives files away, mounts a disk, or becomes another user")
links = pytest.mark.skipif(not POSIX, reason="makes symbolic links, which take a right of their own on Windows")
shell = pytest.mark.skipif(not POSIX or shutil.which("sh") is None, reason="stands in a shell script for a program")


def memory() -> Path | None:
    """Linux' folder in memory; None elsewhere."""
    return Path("/dev/shm") if LINUX else None
