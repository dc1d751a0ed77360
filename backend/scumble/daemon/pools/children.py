"""Child processes of a pool: what they say goes to the log, and the loop hears of their end."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import subprocess
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO

import zmq

from scumble_client.launch import for_computing
from scumble_client.system import processes

log = logging.getLogger(__name__)


def listening(context: zmq.Context[Any], endpoint: str) -> tuple[zmq.Socket[bytes], str]:
    """The socket that children connect to, bound, and the address that it got.

    `endpoint` is `ipc://…` in a private folder, or `tcp://127.0.0.1:*`, where children need a password.
    """
    made: Any = context.socket(zmq.ROUTER)
    made.linger = 0
    made.router_mandatory = True
    if endpoint.startswith("tcp://"):
        made.zap_domain = b"workers"
        made.plain_server = True
    made.bind(endpoint)
    return made, made.last_endpoint.decode()


def spawn(
    command: Sequence[str], environment: Mapping[str, str], stdout: int = subprocess.DEVNULL
) -> subprocess.Popen[bytes]:
    """Start a process of the daemon's: in a group of its own, so that Ctrl-C is not its affair, and without a window.

    (The daemon has no console; on Windows a child would open one of its own.)
    """
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=stdout,
        stderr=subprocess.PIPE,
        env=dict(environment),
        **processes.apart(),
    )


class Children:
    """`fileno` is readable when `ended` has something to tell."""

    def __init__(self) -> None:
        self._ended: deque[str] = deque()
        self._threads: list[threading.Thread] = []
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_in.setblocking(False)

    def fileno(self) -> int:
        return self._wake_in.fileno()

    def start(
        self, name: str, command: Sequence[str], environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start one. Its standard input closes when this process ends, and it is to end with that."""
        child = spawn(command, {**for_computing(os.environ), **(environment or {})})
        assert child.stderr
        # Its end is that of the process, not of its stderr: a process of its own may hold that open for ever.
        threads = [
            threading.Thread(target=self._watch, args=(name, child), name=f"{name} end", daemon=True),
            threading.Thread(target=_log_lines, args=(name, child.stderr), name=f"{name} log", daemon=True),
        ]
        self._threads = [t for t in self._threads if t.is_alive()] + threads
        for thread in threads:
            thread.start()
        return child

    def ended(self) -> list[str]:
        """The names of those that have ended since the last call."""
        try:
            while self._wake_in.recv(4096):
                pass
        except (BlockingIOError, InterruptedError):
            pass
        names = []
        while self._ended:
            names.append(self._ended.popleft())
        return names

    def end(self, children: Sequence[subprocess.Popen[bytes]], patience: float = 3.0) -> None:
        """Wait for their end, by force after `patience` seconds; then let go of everything."""
        for child in children:
            assert child.stdin
            with contextlib.suppress(OSError):
                child.stdin.close()
        for child in children:
            try:
                child.wait(patience)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        for thread in self._threads:
            thread.join(1)  # a process of the child's own may still hold its stderr
        self._wake_in.close()
        self._wake_out.close()

    def _watch(self, name: str, child: subprocess.Popen[bytes]) -> None:
        child.wait()
        self._ended.append(name)
        with contextlib.suppress(OSError):  # the pool has been stopped
            self._wake_out.send(b"!")


def _log_lines(name: str, stderr: BinaryIO) -> None:
    with stderr:
        for line in stderr:
            log.info("%s: %s", name, line.decode("utf-8", "replace").rstrip())
