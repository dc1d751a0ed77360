"""`scumble batch --pool ray` on a folder of pictures, with a node of the cluster killed in the middle."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from .daemon import wait_for


def batch_with_a_killed_node(
    folder: Path, count: int, kill: Callable[[], None], options: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Invert `count` pictures; every one must be there, and be right. The batch's own figures, and when it was killed."""
    pictures, out = folder / "pictures", folder / "out"
    pictures.mkdir()
    random = np.random.default_rng(1)
    sources = random.integers(0, 256, (count, 24, 32, 3), dtype=np.uint8)
    for number, pixels in enumerate(sources):
        Image.fromarray(pixels).save(pictures / f"{number:04}.png")
    command = [sys.executable, "-m", "scumble.cli", "batch", "test-slow", str(pictures), "--out", str(out), "--json"]
    command += ["--pool", "ray", "--set", "seconds=0.1", *options]
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ})
    wait_for(lambda: len(list(out.glob("*.png"))) >= count // 4 or process.poll() is not None, 300)
    before = len(list(out.glob("*.png")))
    kill()
    said, complained = process.communicate(timeout=600)
    assert process.returncode == 0, complained
    for number, pixels in enumerate(sources):
        made = np.asarray(Image.open(out / f"{number:04}.png"))[..., :3]
        assert np.array_equal(made, 255 - pixels), number
    figures: dict[str, Any] = json.loads(said)
    return {**figures, "pictures": count, "done_before_kill": before, "seconds": round(time.monotonic() - started, 1)}
