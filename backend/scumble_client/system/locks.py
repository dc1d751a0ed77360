"""A lock on an open file, which the system lets go of when the process ends, whatever that end was."""

import importlib
from typing import Any, Optional

from .kind import is_windows


def try_lock(descriptor: int, platform: Optional[str] = None) -> bool:
    """Lock an open file for this process alone, without waiting; False where another has it, or it can't be locked.

    On Windows it is the byte where the file's position is: an empty file's first.
    """
    try:
        if is_windows(platform):
            msvcrt: Any = importlib.import_module("msvcrt")
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            fcntl: Any = importlib.import_module("fcntl")
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
