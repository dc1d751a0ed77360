"""Which system this is. Everything else asks here, so that a test can say that it is another one."""

import sys
from typing import Optional

LINUX, WINDOWS, MACOS = "linux", "win32", "darwin"
"""As `sys.platform` calls them. What is none of these (the BSDs) is treated like Linux."""

PLATFORM = sys.platform
"""Of this process; a test puts another one in its place."""


def current(platform: Optional[str] = None) -> str:
    """`platform`, or the one of this process."""
    return PLATFORM if platform is None else platform


def is_windows(platform: Optional[str] = None) -> bool:
    return current(platform) == WINDOWS


def is_macos(platform: Optional[str] = None) -> bool:
    return current(platform) == MACOS


def is_linux(platform: Optional[str] = None) -> bool:
    """Linux itself, with its flatpaks, /proc and /etc/os-release."""
    return current(platform).startswith(LINUX)


def is_posix(platform: Optional[str] = None) -> bool:
    """Whether files have owners and modes, processes have groups and signals, and sockets lie in folders."""
    return not is_windows(platform)
