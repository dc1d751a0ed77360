"""Calling the command line as its user does, and pictures for it: a textured one, and a mask with one hole."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scumble.imaging.colour import SRGB, Colour
from scumble.imaging.io.files import read_picture, write_picture
from scumble.imaging.layer import Layer

Pixels = NDArray[Any]

HEIGHT, WIDTH = 40, 48
HOLE = (slice(14, 24), slice(18, 32))
"""Rows and columns that `mask_pixels` selects."""


@dataclass(frozen=True)
class Ran:
    """What a command left: its exit code and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def notes(self) -> list[str]:
        return [line.removeprefix("note: ") for line in self.err.splitlines() if line.startswith("note: ")]

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    def done(self) -> Ran:
        """Check that all went well."""
        assert self.code == 0, self.err
        assert "error:" not in self.err
        return self

    def refused(self, code: int = 2) -> str:
        """Check that it ended with that code and one clear line on stderr; that line."""
        assert self.code == code, self.err
        assert "Traceback" not in self.err
        errors = [line for line in self.err.splitlines() if not line.startswith("note: ")]
        assert len(errors) == 1, self.err
        assert errors[0].startswith("error: ")
        assert self.out == ""
        return errors[0].removeprefix("error: ")


Call = Callable[..., Ran]


def command(*arguments: object) -> list[str]:
    """The command line for another process."""
    return [sys.executable, "-m", "scumble.cli", *map(str, arguments)]


def spawn(environment: Mapping[str, str], *arguments: object) -> subprocess.Popen[str]:
    """Run it in another process, for signals."""
    return subprocess.Popen(
        command(*arguments), env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def ended(process: subprocess.Popen[str]) -> Ran:
    """Wait for its end."""
    out, err = process.communicate(timeout=60)
    return Ran(process.returncode, out, err)


def textured(channels: int = 3, depth: str = "uint8", height: int = HEIGHT, width: int = WIDTH) -> Pixels:
    """(height, width, channels): stripes with some noise; alpha, where there is one, is opaque."""
    rows, columns = np.mgrid[0:height, 0:width]
    waves = 0.5 + 0.3 * np.sin((columns + 2 * rows) / 3)[..., None] * np.array([1.0, -0.6, 0.8])
    values = waves + np.random.default_rng(5).uniform(-0.1, 0.1, (height, width, 3))
    colours = values[..., : 1 if channels <= 2 else 3]
    if channels in (2, 4):
        colours = np.concatenate([colours, np.ones((height, width, 1))], axis=2)
    scale = np.iinfo(depth).max if depth.startswith("u") else 1
    pixels: Pixels = (colours * scale).astype(depth)
    return pixels


def mask_pixels(height: int = HEIGHT, width: int = WIDTH) -> Pixels:
    """(height, width, 1) uint8: white in `HOLE`."""
    pixels = np.zeros((height, width, 1), np.uint8)
    pixels[HOLE] = 255
    return pixels


def save(path: Path, pixels: Pixels, colour: Colour = SRGB) -> Path:
    """Write a picture file; its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_picture(path, Layer(pixels, colour=colour))
    return path


def load(path: Path) -> Pixels:
    pixels: Pixels = read_picture(path).layer.pixels
    return pixels


def outside(pixels: Pixels) -> Pixels:
    """What lies beyond `HOLE`, as a list of pixels."""
    selected = np.zeros(pixels.shape[:2], np.bool_)
    selected[HOLE] = True
    beyond: Pixels = pixels[~selected]
    return beyond


@dataclass(frozen=True)
class Scene:
    """A folder with a picture and its mask."""

    folder: Path
    image: Path
    mask: Path

    def path(self, name: str) -> Path:
        return self.folder / name
