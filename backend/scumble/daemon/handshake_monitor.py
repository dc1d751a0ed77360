"""Who knocks and is not let in: failed handshakes on TCP sockets go to the log."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from typing import Any

import zmq

log = logging.getLogger(__name__)

_FAILURES: dict[int, str] = {
    zmq.EVENT_HANDSHAKE_FAILED_AUTH: "it did not prove that it may come in",
    zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL: "it does not speak the protocol, or repeats what it has recorded",
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL: "it went away, or said nothing",
}
INTERVAL = 1.0
"""Seconds between lines: who knocks a thousand times must not fill the log."""


class HandshakeMonitor:
    """Watches listening sockets, in a thread, until `close`."""

    def __init__(self, sockets: list[zmq.Socket[Any]]) -> None:
        self._sockets = sockets
        self._monitors = {
            s.get_monitor_socket(sum(_FAILURES)): s.getsockopt_string(zmq.LAST_ENDPOINT).rstrip("\0") for s in sockets
        }
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="handshakes", daemon=True)
        if sockets:  # without any, a poller would not wait
            self._thread.start()

    def close(self) -> None:
        """Call it before the sockets are closed."""
        self._closing.set()
        if self._sockets:
            self._thread.join()
        for s in self._sockets:
            s.disable_monitor()
        for monitor in self._monitors:
            monitor.close(0)

    def _watch(self) -> None:
        from zmq.utils.monitor import recv_monitor_message  # it brings asyncio, and most daemons have no such socket

        poller = zmq.Poller()
        for monitor in self._monitors:
            poller.register(monitor, zmq.POLLIN)
        refused: Counter[tuple[str, str]] = Counter()
        said = 0.0
        while not self._closing.is_set():
            for monitor, _ in poller.poll(200):
                why = _FAILURES[int(recv_monitor_message(monitor)["event"])]
                refused[self._monitors[monitor], why] += 1
            if time.monotonic() - said >= INTERVAL:
                for (where, why), count in refused.items():
                    log.warning("refused a connection to %s: %s%s", where, why, f" ({count} times)" * (count > 1))
                    said = time.monotonic()
                refused.clear()
