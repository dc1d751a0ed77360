"""Only one process sets up at a time. It holds a lock that the system takes from it at its end, whatever that end was."""

import os
import time
from pathlib import Path
from typing import Optional

from ..system.locks import try_lock
from .places import setup_dir

LOCK_FILE = "lock"


class Lock:
    """Held from `take` until `release`, or until the process ends."""

    def __init__(self, folder: Optional[Path] = None) -> None:
        self._path = (folder or setup_dir()) / LOCK_FILE
        self._descriptor: Optional[int] = None

    def take(self, patience: float = 2.0) -> bool:
        """Whether it is ours now. One who only looks (`is_held`) holds it for a moment: hence the patience, in seconds."""
        end = time.monotonic() + patience
        while True:
            if self._try():
                return True
            if time.monotonic() >= end:
                return False
            time.sleep(0.05)

    def _try(self) -> bool:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(str(self._path), os.O_RDWR | os.O_CREAT, 0o600)
        if not try_lock(descriptor):
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def is_held(folder: Optional[Path] = None) -> bool:
    """Whether a process is setting up at this moment."""
    if not ((folder or setup_dir()) / LOCK_FILE).exists():
        return False
    lock = Lock(folder)
    try:
        free = lock.take(0.0)
    except OSError:
        return False
    lock.release()
    return not free
