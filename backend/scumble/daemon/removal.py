"""Removing files that somebody may still have mapped: Windows refuses that, so it is tried again later."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

log = logging.getLogger(__name__)

AGAIN = 1.0
"""Seconds between attempts."""
AT_ONCE = 256
"""Files that are tried in one attempt."""


class Remover:
    """`remove` may be called from any thread, `retry` from the loop's. Nothing is ever raised."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._left: deque[Path] = deque()
        self._tried_at = clock()

    def remove(self, paths: Iterable[Path]) -> None:
        for path in paths:
            if not _gone(path):
                log.info("cannot remove %s yet", path)
                self._left.append(path)

    def retry(self) -> None:
        """Try again what could not be removed, if it is time."""
        if not self._left or self._clock() - self._tried_at < AGAIN:
            return
        self._tried_at = self._clock()
        for _ in range(min(len(self._left), AT_ONCE)):
            path = self._left.popleft()
            if not _gone(path):
                self._left.append(path)

    def __len__(self) -> int:
        """How many files are still to be removed."""
        return len(self._left)


def _gone(path: Path) -> bool:
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return False
    return True
