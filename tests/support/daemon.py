"""A daemon of its own for a test: private folders, ended at the end, whatever happens."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scumble_client import Client, Pixels, Request
from scumble_client.paths import ConnectionFile, process_alive

ROOT = Path(__file__).parents[2]


class Folders:
    """The private folders, and the environment that leads there."""

    def __init__(self, base: Path) -> None:
        self.base = base
        # ipc paths are limited to about 100 bytes, and pytest's folders are long
        self.runtime = Path(tempfile.mkdtemp(prefix="scumble-test-"))
        self.environment = {
            **os.environ,
            "SCUMBLE_RUNTIME_DIR": str(self.runtime),
            "SCUMBLE_CACHE_DIR": str(base / "cache"),
            "SCUMBLE_LOG_DIR": str(base / "log"),
            "SCUMBLE_CONFIG_DIR": str(base / "config"),
            "SCUMBLE_WEIGHTS": str(base / "weights"),
            "SCUMBLE_FACES": str(base / "faces"),
            "SCUMBLE_OPERATIONS": "tests.support.operations",
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "backend")]),
        }
        for name in ("SCUMBLE_DAEMON", "XDG_RUNTIME_DIR"):
            self.environment.pop(name, None)

    @property
    def results(self) -> Path:
        return self.base / "cache" / "results"

    @property
    def log(self) -> Path:
        return self.base / "log" / "scumble.log"


class Daemon:
    """A daemon in the foreground of its own process."""

    def __init__(
        self, folders: Folders, *options: str, prefix: Sequence[str] = (), python: str = sys.executable
    ) -> None:
        """`prefix` is a command that runs the daemon's, and becomes it: `ip netns exec NAME`."""
        self.python = python
        self.folders = folders
        self.options = options
        self.prefix = prefix
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [*self.prefix, self.python, "-m", "scumble.daemon", *self.options],
            env=self.folders.environment,
            stderr=subprocess.PIPE,
            text=True,
        )
        wait_for(lambda: self.connection() is not None or self.process.poll() is not None)
        assert self.process.poll() is None, self.process.communicate()[1]

    def connection(self) -> ConnectionFile | None:
        found = ConnectionFile.read(self.folders.runtime)
        return found if found and found.pid == self.process.pid else None

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def stop(self) -> int:
        """End it politely; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        if self.process.stderr and not self.process.stderr.closed:
            self.process.communicate(timeout=30)
        return self.process.returncode


def wait_for(condition: Callable[[], Any], timeout: float = 60.0) -> Any:
    """Wait until a condition holds, and give its value; the timeout only ends a test that would hang."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


@contextmanager
def ending(folders: Folders) -> Iterator[None]:
    """At the end, no daemon of these folders lives on."""
    try:
        yield
    finally:
        connection = ConnectionFile.read(folders.runtime)
        if connection:
            os.kill(connection.pid, signal.SIGTERM)
            try:
                wait_for(lambda: not process_alive(connection.pid) or _reaped(connection.pid), 20)
            except AssertionError:
                os.kill(connection.pid, signal.SIGKILL)


def _reaped(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return False


def square(value: int = 7, side: int = 8) -> Pixels:
    return Pixels(bytes([value]) * (side * side * 4), side, side)


def request(operation: str, value: int = 7, **parameters: Any) -> Request:
    return Request(operation, {"image": square(value)}, parameters)


def looked_at(client: Client) -> list[bytes]:
    """The bytes of both pictures of a view: half the size of one pixel's colour everywhere, blue and red swapped."""
    pixels = Pixels(bytes([10, 20, 30, 255]) * 64, 8, 8, "bgra", x=5)
    view = {"x": 5, "y": 0, "width": 8, "height": 4, "side": 4}
    result = client.wait(client.submit(Request("identity", {"image": pixels}, view=view)), 240)
    return [bytes(layer.pixels.data) for layer in result.layers]


LOOK = [bytes([30, 20, 10, 255]) * 8] * 2
"""What `looked_at` gives."""


def status(client: Client) -> dict[str, Any]:
    return client.call("status").body
