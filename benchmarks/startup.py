"""How long an editor waits for the daemon's `welcome`: when it has to be started first, and when it runs.

Beside it the usual way: a new process that imports PyTorch before it can do anything.

python -m benchmarks.startup
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from benchmarks.report import Figure, as_markdown
from benchmarks.service import daemon, private_folders
from scumble_client import Client

COLD, WARM, USUAL = 9, 30, 5


def greeted(launch: bool) -> float:
    """Seconds from a new client's first wish to the daemon's welcome; a daemon that this started is told to end."""
    start = time.perf_counter()
    with Client("benchmark", launch=launch) as client:
        client.connect()
        while not client.welcome:
            time.sleep(0.0005)
        seconds = time.perf_counter() - start
        if launch:
            client.call("shutdown")
            while client.state != "off":
                time.sleep(0.005)
    return seconds


def measure() -> list[Figure]:
    cold = []
    with private_folders():
        greeted(launch=True)  # the disk's cache
        for _ in range(COLD):
            cold.append(greeted(launch=True))
    with daemon():
        warm = [greeted(launch=False) for _ in range(WARM)]
    importing()  # the disk's cache
    usual = [importing() for _ in range(USUAL)]
    return [
        _figure("welcome after a cold start (median)", cold, 400, "Scumble's daemon is started"),
        _figure("welcome of a running daemon (median)", warm, 20, "Scumble's daemon runs"),
        _figure("a new process that imports PyTorch (median)", usual, None, "a process that imports PyTorch"),
    ]


def importing() -> float:
    """Seconds of a process that imports torch and ends."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import torch"], check=True)
    return time.perf_counter() - start


def _figure(what: str, seconds: list[float], bound: float | None, bar: str) -> Figure:
    samples = tuple(1000 * one for one in seconds)
    detail = f"{len(samples)} starts, {min(samples):.1f} to {max(samples):.1f} ms"
    return Figure(what, statistics.median(samples), "ms", bound, "at most", detail, samples, ("start", bar, 0))


if __name__ == "__main__":
    print(as_markdown(measure()))
