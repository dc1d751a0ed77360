"""How much memory a large picture takes: a fill may hold a few copies of it, and nothing that grows with what it does."""

from __future__ import annotations

import os
import subprocess
import sys

from scumble_client.launch import for_computing
from tests.support import needs

MOST = 105
"""Bytes for each pixel of the picture. 24 megapixels stay below 3 GiB, with what Python and torch take by themselves."""

SCRIPT = """
import numpy as np
import torch
from scumble.imaging.layer import Layer
from scumble.operations import find
from scumble.operations.context import Context
from scumble.worker.models import ModelCache

torch.set_num_threads(1)
HEIGHT, WIDTH = 2000, 3000

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmHWM"))

def filled(height, width):
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    waves = np.sin(rows / 9)[..., None] * np.sin(columns[..., None] / np.array([7, 11, 13], np.float32))
    picture = (127 + 100 * waves).astype(np.uint8)
    across = np.abs(rows * width - columns * height) < 0.02 * height * width  # from corner to corner
    hole = np.where(across, 255, 0).astype(np.uint8)[..., None]
    del rows, columns, waves
    # as on a machine that ran out of memory once: so the largest scale is as those of a much larger picture
    context = Context(0, "cpu", ModelCache(), lambda fraction, message: None, memory_scale=0.4)
    operation = find("inpaint")
    operation.run({"image": Layer(picture), "mask": Layer(hole)}, operation.parameters(), context)

filled(300, 400)  # what is loaded once
before = peak()
filled(HEIGHT, WIDTH)
print((peak() - before) / (HEIGHT * WIDTH))
"""


@needs.linux
def test_bytes_for_each_pixel() -> None:
    worker = for_computing(os.environ)
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=worker, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < MOST
