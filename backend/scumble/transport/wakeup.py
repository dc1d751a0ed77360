"""How threads and signals reach the broker's loop: calls are queued, and a byte on a socket wakes the loop."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable


class Wakeup:
    """`post` may be called from any thread; `taken` by the loop, when `fileno` is readable."""

    def __init__(self) -> None:
        self._calls: deque[Callable[[], None]] = deque()
        self._in, self._out = socket.socketpair()
        self._in.setblocking(False)
        self._out.setblocking(False)

    def fileno(self) -> int:
        return self._in.fileno()

    @property
    def signal_fd(self) -> int:
        """For `signal.set_wakeup_fd`."""
        return self._out.fileno()

    def ring(self) -> None:
        try:
            self._out.send(b"!")
        except OSError:
            pass  # full: the loop will wake anyway

    def post(self, call: Callable[[], None]) -> None:
        """Have the loop's thread make a call."""
        self._calls.append(call)
        self.ring()

    def taken(self) -> list[Callable[[], None]]:
        """What has been posted since the last time."""
        try:
            while self._in.recv(4096):
                pass
        except (BlockingIOError, InterruptedError):
            pass
        calls = []
        while self._calls:
            calls.append(self._calls.popleft())
        return calls

    def close(self) -> None:
        """Nobody posts any more."""
        self._in.close()
        self._out.close()
