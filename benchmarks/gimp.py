"""From a call in the real GIMP 3 to the new layer, beside GIMP's own work; and to a dialog's first preview, in seconds.

    python -m benchmarks.gimp

A picture of 4000 × 3000 pixels (RGBA, 8 bits, hard to compress); the operation is `identity`, so what is measured is the
way there and back. The reference is what any plug-in must do: read the layer's buffer, write it into that of a new layer
and insert that, in the same run and by the same Python. A call starts a process; what that takes is measured by the same
call on a picture of 16 × 16 pixels, and taken off. GIMP runs without windows; the rounds alternate.

The preview's time is from opening a dialog over a picture of 1 megapixel, in a GIMP with windows on a virtual screen, to
the moment when the picture with the change is in it: making the dialog, reading and sending layers that the daemon has
never seen, computing, showing; and what it takes to start a plug-in's process. The daemon is warm: the method has run
once.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from tests.editors import roots
from tests.editors.display import TOGETHER, Display, end
from tests.editors.gimp.conftest import prepare
from tests.editors.gimp.harness.session import Gimp, Home
from tests.support.daemon import Daemon, Folders, ending

from benchmarks.report import Figure, as_markdown
from scumble import pictures

ROUNDS = 7
WIDTH, HEIGHT = 4000, 3000
MEGAPIXEL = (1200, 840)
PREVIEWED = {"inpaint": {}, "paint-style": {}, "photo-style": {"painting": "sunset"}}
"""Operations whose preview is timed, by their fast methods, with the values that they need."""

PREVIEW_SECONDS = 1.5


def measure() -> list[Figure]:
    """The figures; none where the folder with GIMP can't be built."""
    found, _ = roots.build("gimp")
    if found is None:
        return []
    base = Path(tempfile.mkdtemp(prefix="scumble-bench-"))
    folders = Folders(base)
    home = Home(found)
    try:
        with ending(folders):
            daemon = Daemon(folders, "--device", "cpu")
            surroundings = prepare(home, folders)
            with Gimp(home, surroundings) as gimp:
                times = gimp.run(_rounds, timeout=300, width=WIDTH, height=HEIGHT, rounds=ROUNDS)
            previews = _previews(home, surroundings)
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
    first = {name: statistics.median(seconds) + start / 1000 for name, seconds in previews.items()}
    said = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in first.items())
    return [
        Figure("GIMP 12 MP: call to new layer, beside GIMP's own read and write", value, "×", 2.5, detail=detail),
        Figure("GIMP 1 MP: dialog to first preview", max(first.values()), "s", PREVIEW_SECONDS, detail=said),
    ]


def _previews(home: Home, surroundings: dict[str, str]) -> dict[str, list[float]]:
    """By operation: seconds to the first preview of each round."""
    display = Display()
    manager = subprocess.Popen(
        [*TOGETHER, "openbox"], env={**os.environ, "DISPLAY": display.name}, stderr=subprocess.DEVNULL
    )
    try:
        with Gimp(home, surroundings, display) as gimp:
            plugin = str(home.plugin)
            path = home.base / "picture.jpg"
            shutil.copy(pictures.picture("wren"), path)
            return {
                name: gimp.run(
                    _first_previews,
                    timeout=300,
                    plugin=plugin,
                    path=str(path),
                    operation=name,
                    values=values,
                    size=MEGAPIXEL,
                    rounds=ROUNDS,
                )
                for name, values in PREVIEWED.items()
            }
    finally:
        end(manager)
        display.close()


def _first_previews(
    g: Any, plugin: str, path: str, operation: str, values: dict[str, Any], size: Any, rounds: int
) -> Any:
    import os
    import time

    times = []
    for turn in range(rounds + 1):
        image = g.open(path)
        image.scale(*size)
        layer = image.get_layers()[0]
        g.paint(layer, (0, 0, 4, 4), "R'G'B' u8", os.urandom(48))  # the daemon has never seen it
        g.select(image, (400, 300, 160, 120))
        begun = time.perf_counter()
        dialog = g.dialog(operation, plugin, image, layer)
        try:
            for name, value in values.items():
                dialog.config.set_property(name, value)
            g.pump(lambda preview=dialog.preview: preview.pair)
            if turn:  # the first one loads what the method needs
                times.append(time.perf_counter() - begun)
        finally:
            dialog.close()
        image.delete()
    return times


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
