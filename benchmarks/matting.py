"""Building the matting Laplacian, beside pymatting's compiled one and a loop over windows.

python -m benchmarks.matting
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

from pymatting import cf_laplacian
from tests.support.matting import by_definition, photograph

from benchmarks.report import Figure, as_markdown
from scumble.vision.matting_laplacian import matting_laplacian

HEIGHT, WIDTH = 468, 700
ROUNDS = 7
ROWS = 12
"""Rows of windows that the loop is timed on; its time for all of them follows."""


def measure() -> list[Figure]:
    picture = photograph(HEIGHT, WIDTH)
    cf_laplacian(picture, 1e-7)  # numba compiles it
    ours, theirs, loops = [], [], []
    for _ in range(ROUNDS):
        ours.append(_seconds(lambda: matting_laplacian(picture, 1e-7)))
        theirs.append(_seconds(lambda: cf_laplacian(picture, 1e-7)))
    for _ in range(3):
        loops.append(_seconds(lambda: by_definition(picture, 1e-7, rows=ROWS)) * (HEIGHT - 2) / (ROWS - 1))
    us, them, loop = map(statistics.median, (ours, theirs, loops))
    return [
        Figure(
            "matting Laplacian, 700 × 468: time / pymatting's", us / them, "×", 1, detail=f"{us:.3f} s / {them:.3f} s"
        ),
        Figure("a loop over windows / ours", loop / us, "×", 20, "at least", detail=f"{loop:.1f} s / {us:.3f} s"),
    ]


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    print(as_markdown(measure()))
