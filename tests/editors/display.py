"""A virtual screen, and processes of the tests that end with them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from typing import Any

SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"

REMOVED = ("DBUS_SESSION_BUS_ADDRESS", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "XDG_RUNTIME_DIR", "SCUMBLE_DAEMON")
"""Variables that an editor must not get from the tests' own environment."""

TOGETHER = ("setpriv", "--pdeathsig", "KILL", "--")
"""A test run that is killed takes its programs with it."""


class Display:
    """An Xvfb."""

    def __init__(self, size: str = "1600x1000x24") -> None:
        for _ in range(3):
            self._start(size)
            geometry = ["xdotool", "getdisplaygeometry"]
            if subprocess.run(geometry, env={**os.environ, "DISPLAY": self.name}, capture_output=True).returncode == 0:
                return  # a server that ends at this moment may take the new one's socket with it
            self.close()
        raise RuntimeError("Xvfb does not start.")

    def _start(self, size: str) -> None:
        reader, writer = os.pipe()
        self.process = subprocess.Popen(
            [*TOGETHER, "Xvfb", "-displayfd", str(writer), "-screen", "0", size, "-nolisten", "tcp", "-noreset"],
            pass_fds=[writer],
            stderr=subprocess.DEVNULL,
        )
        os.close(writer)
        with os.fdopen(reader) as file:
            self.name = ":" + file.readline().strip()

    def close(self) -> None:
        end(self.process)


def end(process: subprocess.Popen[Any]) -> None:
    """End a process of ours, by force if need be."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait(10)


def absent(programs: Sequence[str]) -> list[str]:
    """Which of these this machine lacks."""
    return [name for name in programs if shutil.which(name, path=SYSTEM_PATH) is None]
