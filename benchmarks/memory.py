"""The worker's peak memory for a picture of 24 megapixels with a hole of 5 %.

    python -m benchmarks.memory

Two holes: one object in the middle, and strokes from edge to edge, for which all of the picture is worked on.
Peak memory is the kernel's own count (VmHWM), so this runs on Linux only.
"""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from benchmarks.report import Figure, as_markdown
from benchmarks.service import daemon, worker_pid
from scumble import pictures
from scumble_client import Client, Pixels, Request

WIDTH, HEIGHT = 6000, 4000
SHARE = 0.05


def object_hole() -> NDArray[np.uint8]:
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    radius = (SHARE * WIDTH * HEIGHT / np.pi) ** 0.5
    return np.where(np.hypot(y - HEIGHT / 2, x - WIDTH / 2) < radius, 255, 0).astype(np.uint8)


def crossing_strokes() -> NDArray[np.uint8]:
    """Strokes from edge to edge, so that the hole has the whole picture for its surroundings."""
    canvas = Image.new("L", (WIDTH, HEIGHT))
    draw = ImageDraw.Draw(canvas)
    width = round(SHARE * WIDTH * HEIGHT / (2 * np.hypot(WIDTH, HEIGHT)))
    draw.line([(0, 0), (WIDTH, HEIGHT)], 255, width)
    draw.line([(0, HEIGHT), (WIDTH, 0)], 255, width)
    return np.asarray(canvas)


def peak_gib(pid: int) -> float:
    with open(f"/proc/{pid}/status") as status:
        line = next(line for line in status if line.startswith("VmHWM"))
    return int(line.split()[1]) / 2**20


def _filled(client: Client, photo: NDArray[np.uint8], hole: NDArray[np.uint8]) -> float:
    start = time.perf_counter()
    roles = {"image": Pixels(photo.data, WIDTH, HEIGHT, "rgb"), "mask": Pixels(hole.data, WIDTH, HEIGHT, "gray")}
    client.wait(client.submit(Request("inpaint", roles)), timeout=1200)
    return time.perf_counter() - start


def measure() -> list[Figure]:
    small = Image.open(pictures.picture("otters")).convert("RGB")
    photo = np.asarray(small.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC))
    figures = []
    for what, hole in (("one object", object_hole()), ("strokes across all of it", crossing_strokes())):
        with daemon() as client:
            pid = worker_pid(client)
            seconds = _filled(client, photo, hole)
            share = 100 * float((hole > 0).mean())
            detail = f"hole {share:.1f} %, {seconds:.0f} s"
            figures.append(
                Figure(f"worker's peak memory, 24 megapixels, {what}", peak_gib(pid), "GiB", 3, "at most", detail)
            )
    return figures


if __name__ == "__main__":
    print(as_markdown(measure()))
