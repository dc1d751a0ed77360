"""Memory, as far as a system tells of it and lets files lie in it."""

import importlib
import os
from pathlib import Path
from typing import Any, Optional, Tuple

from .kind import is_linux, is_macos

SHARED = Path("/dev/shm")
"""Linux' folder in memory."""


def folder_in_memory(platform: Optional[str] = None) -> Optional[Tuple[Path, str]]:
    """A folder whose files lie in memory, and how this user's folders in it are to begin; None where there is none."""
    return (SHARED, f"scumble-{os.getuid()}") if is_linux(platform) and SHARED.is_dir() else None


def resident(platform: Optional[str] = None) -> int:
    """This process's resident memory in bytes; on macOS the most that it ever had; 0 where the system does not tell."""
    if is_macos(platform):
        resource: Any = importlib.import_module("resource")
        return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)  # in bytes there
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0
