"""How long an editor waits for the daemon's `welcome`: when it has to be started first, and when it runs.

python -m benchmarks.startup
"""

from __future__ import annotations

import statistics
import time

from benchmarks.report import Figure, as_markdown
from benchmarks.service import daemon, private_folders
from scumble_client import Client

COLD, WARM = 9, 30


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
    return [
        _figure("welcome after a cold start (median)", cold, 400),
        _figure("welcome of a running daemon (median)", warm, 20),
    ]


def _figure(what: str, seconds: list[float], bound: float) -> Figure:
    detail = f"{len(seconds)} starts, {1000 * min(seconds):.1f} to {1000 * max(seconds):.1f} ms"
    return Figure(what, 1000 * statistics.median(seconds), "ms", bound, "at most", detail)


if __name__ == "__main__":
    print(as_markdown(measure()))
