"""From a call in the real GIMP 3 to the new layer, beside GIMP's own reading and writing of the same pixels.

    python -m benchmarks.gimp

A picture of 4000 × 3000 pixels (RGBA, 8 bits, hard to compress); the operation is `identity`, so what is measured is the
way there and back. The reference is what any plug-in must do: read the layer's buffer, write it into that of a new layer
and insert that, in the same run and by the same Python. A call starts a process; what that takes is measured by the same
call on a picture of 16 × 16 pixels, and taken off. GIMP runs without windows; the rounds alternate.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Any

from tests.editors import roots
from tests.editors.gimp.conftest import prepare
from tests.editors.gimp.harness.session import Gimp, Home
from tests.support.daemon import Daemon, Folders, ending

from benchmarks.report import Figure, as_markdown

ROUNDS = 7
WIDTH, HEIGHT = 4000, 3000


def measure() -> list[Figure]:
    """The figure; nothing where the folder with GIMP can't be built."""
    found, _ = roots.build("gimp")
    if found is None:
        return []
    base = Path(tempfile.mkdtemp(prefix="scumble-bench-"))
    folders = Folders(base)
    home = Home(found)
    try:
        with ending(folders):
            daemon = Daemon(folders, "--device", "cpu")
            with Gimp(home, prepare(home, folders)) as gimp:
                times = gimp.run(_rounds, timeout=300, width=WIDTH, height=HEIGHT, rounds=ROUNDS)
            daemon.stop()
    finally:
        home.remove()
        shutil.rmtree(base, ignore_errors=True)
        shutil.rmtree(folders.runtime, ignore_errors=True)
    read, write, insert, start, whole = (1000 * statistics.median(column) for column in zip(*times, strict=True))
    own = read + write + insert
    detail = (
        f"{whole - start:.0f} ms, and {start:.0f} ms for the process; GIMP's own: {own:.0f} ms (read {read:.0f}, "
        f"write {write:.0f}, insert {insert:.0f})"
    )
    value = (whole - start) / own
    return [Figure("GIMP 12 MP: call to new layer, beside GIMP's own read and write", value, "×", 2.5, detail=detail)]


def _rounds(g: Any, width: int, height: int, rounds: int) -> Any:
    import os
    import time
    from itertools import pairwise

    noise = os.urandom(4 * width)
    rows = [noise[4 * (y % 211) :] + noise[: 4 * (y % 211)] for y in range(height)]
    image, small = g.new(width, height), g.new(16, 16)
    source = g.layer(image, "Picture", (0, 0, width, height))
    g.paint(source, (0, 0, width, height), "R'G'B'A u8", b"".join(rows))
    tiny = g.layer(small, "Picture", (0, 0, 16, 16), colour=(1, 2, 3, 255))
    form, kind, mode = "R'G'B'A u8", g.Gimp.ImageType.RGBA_IMAGE, g.Gimp.LayerMode.NORMAL
    times = []
    for turn in range(rounds + 1):
        marks = [time.perf_counter()]
        data = g.pixels(source, form)
        marks.append(time.perf_counter())
        layer = g.Gimp.Layer.new(image, "own", width, height, kind, 100.0, mode)
        g.paint(layer, (0, 0, width, height), form, data)
        marks.append(time.perf_counter())
        image.insert_layer(layer, None, 0)
        marks.append(time.perf_counter())
        image.remove_layer(layer)
        spans = [after - before for before, after in pairwise(marks)]
        for picture, drawable in ((small, tiny), (image, source)):
            begun = time.perf_counter()
            answer = g.call("scumble-identity", picture, [drawable])
            spans.append(time.perf_counter() - begun)
            assert answer["status"] == "success", answer["error"]
            picture.remove_layer(answer["layer"])
        if turn:  # the first one warms up
            times.append(spans)
    return times


if __name__ == "__main__":
    print(as_markdown(measure()))
