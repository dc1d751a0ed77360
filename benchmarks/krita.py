"""From an action in the real Krita to the new layer, beside Krita's own reading and writing of the same pixels.

    python -m benchmarks.krita

A picture of 4000 × 3000 pixels (RGBA, 8 bits, hard to compress); the operation is `identity`, so what is measured is the
way there and back. The reference is what any plugin must do: `pixelData`, `setPixelData` on a new layer, `addChildNode`
and `refreshProjection`, in the same run. Krita runs under Xvfb; the rounds alternate.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Any

from tests.editors.display import Display, absent
from tests.editors.krita.conftest import make_krita
from tests.editors.krita.harness.session import PROGRAMS, Home
from tests.support.daemon import Daemon, Folders, ending

from benchmarks.report import Figure, as_markdown

ROUNDS = 5
STANDSTILLS = 3
WIDTH, HEIGHT = 4000, 3000


def measure() -> list[Figure]:
    """The figure; nothing where Krita or what drives it is not installed."""
    if absent(PROGRAMS):
        return []
    base = Path(tempfile.mkdtemp(prefix="scumble-bench-"))
    display = Display()
    folders = Folders(base)
    try:
        with ending(folders):
            daemon = Daemon(folders, "--device", "cpu")
            with make_krita(Home(base / "krita"), display, folders) as krita:
                times = krita.run(_rounds, timeout=200, width=WIDTH, height=HEIGHT, rounds=ROUNDS)
                stood = [krita.run(_blocked, timeout=60, width=WIDTH, height=HEIGHT) for _ in range(STANDSTILLS)]
            daemon.stop()
    finally:
        display.close()
        shutil.rmtree(base, ignore_errors=True)
        shutil.rmtree(folders.runtime, ignore_errors=True)
    own = statistics.median(sum(parts) for parts in times["own"])
    whole = statistics.median(times["whole"])
    read, write, add, refresh = (1000 * statistics.median(column) for column in zip(*times["own"], strict=True))
    detail = (
        f"{1000 * whole:.0f} ms; Krita's own: {1000 * own:.0f} ms (read {read:.0f}, write {write:.0f}, "
        f"add {add:.0f}, refresh {refresh:.0f})"
    )
    return [
        Figure(
            "Krita 12 MP: action to new layer, beside Krita's own read and write", whole / own, "×", 2.5, detail=detail
        ),
        Figure(
            "longest standstill of Krita's event loop beyond Krita's own calls",
            1000 * statistics.median(there - own for there, own in stood),
            "ms",
            50,
            detail=", ".join(f"{1000 * there:.0f} ms beside {1000 * own:.0f} ms" for there, own in stood),
        ),
    ]


def _rounds(k: Any, width: int, height: int, rounds: int) -> Any:
    import os
    import time
    from itertools import pairwise

    noise = os.urandom(4 * width)
    rows = [noise[4 * (y % 211) :] + noise[: 4 * (y % 211)] for y in range(height)]
    document = yield from k.new(width, height, pixels=b"".join(rows))
    background = document.topLevelNodes()[0]
    own, whole = [], []

    def identity() -> Any:
        return next((n for n in document.topLevelNodes() if n.name().startswith("Identity")), None)

    for turn in range(rounds + 1):
        marks = [time.perf_counter()]
        data = background.pixelData(0, 0, width, height)
        marks.append(time.perf_counter())
        layer = document.createNode("own", "paintlayer")
        layer.setPixelData(data, 0, 0, width, height)
        marks.append(time.perf_counter())
        background.parentNode().addChildNode(layer, background)
        marks.append(time.perf_counter())
        document.refreshProjection()
        document.waitForDone()
        marks.append(time.perf_counter())
        yield 0.3
        layer.remove()
        document.waitForDone()
        yield 0.3
        document.setActiveNode(background)
        yield lambda: document.activeNode() == background
        begun = time.perf_counter()
        k.trigger("scumble_identity")
        yield identity
        document.waitForDone()
        ended = time.perf_counter()
        yield k.idle
        identity().remove()
        document.waitForDone()
        yield 0.3
        if turn:  # the first one warms up
            own.append([after - before for before, after in pairwise(marks)])
            whole.append(ended - begun)
    yield from k.close(document)
    return {"own": own, "whole": whole}


def _blocked(k: Any, width: int, height: int) -> Any:
    import os
    import time

    noise = os.urandom(4 * width)
    rows = [noise[4 * (y % 211) :] + noise[: 4 * (y % 211)] for y in range(height)]
    document = yield from k.new(width, height, pixels=b"".join(rows))
    background = document.topLevelNodes()[0]
    yield k.idle
    longest = 0.0

    def timed(work: Any) -> Any:
        nonlocal longest
        begun = time.perf_counter()
        value = work()
        longest = max(longest, time.perf_counter() - begun)
        return value

    # Krita's own, each alone
    data = timed(lambda: background.pixelData(0, 0, width, height))
    layer = document.createNode("own", "paintlayer")
    timed(lambda: layer.setPixelData(data, 0, 0, width, height))
    timed(lambda: background.parentNode().addChildNode(layer, background))
    k.watch()
    yield 1.0  # what Krita does afterwards by itself: thumbnails, drawing
    longest = max(longest, k.unwatch())
    layer.remove()
    yield 0.5
    document.setActiveNode(background)
    yield lambda: document.activeNode() == background
    k.watch()
    k.trigger("scumble_identity")
    yield lambda: len(k.layers(document)) == 2
    yield k.idle
    stood = k.unwatch()
    yield from k.close(document)
    return stood, longest


if __name__ == "__main__":
    print(as_markdown(measure()))
