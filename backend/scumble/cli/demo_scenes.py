"""What `scumble demo` shows: for each operation bundled pictures, and what an artist would have selected or painted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from scumble.imaging.io.files import read_picture
from scumble.imaging.layer import Layer, composite
from scumble.mosaic.grid import Grid, pixelate
from scumble.pictures import NAMES, painting, picture, portrait, selection

Rgb = NDArray[np.uint8]

VEIL = (235, 40, 60)
"""The red of what is selected."""

CELL = 8
"""Pixels of the mosaic's cells."""

LARGE = 512
"""Side that the portrait is enlarged to."""

LATENTS = {1: -0.4, 4: 1.0}
"""Cells of the latent canvas that are painted, by number."""

Stroke = tuple[list[tuple[float, float]], float, tuple[int, ...]]
"""Points as shares of the side, width as a share of it, colour, which may have an alpha."""


def _ring(x: float, y: float) -> list[tuple[float, float]]:
    """A lens's rim around an eye."""
    turns = np.linspace(0, 2 * np.pi, 49)
    return [(float(x + 0.103 * np.cos(turn)), float(y + 0.088 * np.sin(turn))) for turn in turns]


STROKES: list[Stroke] = [
    ([(0.42, 0.757), (0.46, 0.776), (0.5, 0.784), (0.55, 0.775), (0.59, 0.752)], 0.024, (178, 24, 52)),
    ([(0.31, 0.62), (0.35, 0.65)], 0.09, (214, 104, 96, 110)),
    ([(0.69, 0.62), (0.65, 0.65)], 0.09, (214, 104, 96, 110)),
    (_ring(0.362, 0.478), 0.013, (44, 26, 20)),
    (_ring(0.637, 0.476), 0.013, (44, 26, 20)),
    ([(0.465, 0.466), (0.5, 0.456), (0.534, 0.464)], 0.013, (44, 26, 20)),
]
"""Red on the lower lip, a thin rose on the cheeks, and the frame of glasses."""

MOUTH = (0.34, 0.655, 0.67, 0.845)
"""What is selected to close the mouth: an ellipse's left, top, right and bottom, as shares of the side."""

UPPER = ((0.415, 0.741), (0.455, 0.728), (0.485, 0.721), (0.505, 0.726), (0.525, 0.721), (0.555, 0.727), (0.6, 0.737))
BETWEEN = ((0.415, 0.741), (0.46, 0.745), (0.505, 0.749), (0.55, 0.744), (0.6, 0.737))
LOWER = ((0.415, 0.741), (0.45, 0.765), (0.485, 0.778), (0.53, 0.778), (0.565, 0.764), (0.6, 0.737))
"""The lines of a closed mouth, from left to right."""

LIPS = ((176, 84, 88), (200, 108, 108))
"""The colours of the upper and the lower one."""

CHIN = (0.5, 0.87)
"""Where the colour of the skin around them is taken."""


@dataclass(frozen=True)
class Scene:
    """One run of an operation."""

    operation: str
    subject: str
    """What the picture shows, in one word."""
    image: Layer
    given: str
    """What the artist gives beside the picture, in words."""
    shown: Rgb
    """A picture of it."""
    layers: Mapping[str, Layer] = field(default_factory=dict)
    """By role, beside the picture."""
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return f"{self.operation}-{self.subject}"


def scenes() -> list[Scene]:
    """All of them, in the order of the README."""
    found = [_fill(name) for name in NAMES]
    found.append(_mosaic())
    found += [_styled("photo-style", "osprey", "sunset")]
    found += [_styled("paint-style", "osprey", "impasto"), _styled("paint-style", "wren", "ocean-waves")]
    found += _faces()
    wren = read_picture(picture("wren")).layer
    found.append(Scene("identity", "wren", wren, "nothing: it comes back unchanged", _rgb(wren)))
    return found


def _fill(name: str) -> Scene:
    image, mask = read_picture(picture(name)).layer, read_picture(selection(name)).layer
    return Scene("inpaint", name, image, "the selection", veiled(image, mask), {"mask": mask})


def _mosaic() -> Scene:
    drawn = _rgb(read_picture(painting("ocean-waves")).layer)
    height, width = drawn.shape[:2]
    covered = np.zeros((height, width), np.uint8)
    covered[height // 4 : 3 * height // 5, width // 8 : width // 2] = 255
    flat = pixelate(drawn, Grid(CELL, CELL))
    image, mask = Layer(np.where(covered[..., None] > 0, flat, drawn)), Layer(covered[..., None])
    return Scene("restore-mosaic", "wave", image, "the selection", veiled(image, mask), {"mask": mask})


def _styled(operation: str, photograph: str, style: str) -> Scene:
    image = read_picture(picture(photograph)).layer
    shown = _rgb(read_picture(painting(style)).layer)
    return Scene(operation, photograph, image, "the painting", shown, parameters={"painting": style})


def _faces() -> list[Scene]:
    small = Image.fromarray(_rgb(read_picture(portrait()).layer))
    image = Layer(np.asarray(small.resize((LARGE, LARGE), Image.Resampling.LANCZOS), np.uint8))
    strokes = painted(STROKES, LARGE)
    canvas = [LATENTS.get(cell, 0.0) for cell in range(100)]
    return [
        _mouth(image),
        Scene("face-brush", "portrait", image, "strokes", _rgb(composite(image, strokes)), {"strokes": strokes}),
        Scene("face-latent", "portrait", image, "two of 100 latents", _canvas(canvas), parameters={"canvas": canvas}),
        Scene("face-sample", "portrait", image, "nothing: a random face, as it fits there", _rgb(image)),
    ]


def _mouth(image: Layer) -> Scene:
    """The smile closed: the lips' lines, the lips' colours, and skin around them."""
    lines, colours = (Image.new("RGBA", (LARGE, LARGE), (0, 0, 0, 0)) for _ in range(2))
    selected = Image.new("L", (LARGE, LARGE))
    ellipse = [share * LARGE for share in MOUTH]
    ImageDraw.Draw(selected).ellipse(ellipse, fill=255)
    pen, brush = ImageDraw.Draw(lines), ImageDraw.Draw(colours)
    x, y = (round(share * LARGE) for share in CHIN)
    red, green, blue = (int(value) for value in _rgb(image)[y - 4 : y + 5, x - 4 : x + 5].mean(axis=(0, 1)))
    brush.ellipse(ellipse, fill=(red, green, blue, 255))
    upper, between, lower = ([(a * LARGE, b * LARGE) for a, b in line] for line in (UPPER, BETWEEN, LOWER))
    for colour, outer in zip(LIPS, (upper, lower), strict=True):
        brush.polygon([*outer, *between[::-1]], fill=(*colour, 255))
    for line in (upper, between, lower):
        pen.line(line, fill=(60, 30, 30, 255), width=2, joint="curve")
    layers = {
        "mask": Layer(np.asarray(selected)[..., None]),
        "sketch": Layer(np.asarray(lines)),
        "color": Layer(np.asarray(colours)),
    }
    shown = composite(composite(Layer(veiled(image, layers["mask"])), layers["color"]), layers["sketch"])
    return Scene("face-sketch", "portrait", image, "selection, lines and colours", _rgb(shown), layers)


def painted(strokes: list[Stroke], side: int) -> Layer:
    """A transparent square layer with round brush strokes on it."""
    canvas = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    draw = ImageDraw.Draw(canvas)
    for points, width, colour in strokes:
        places = [(x * side, y * side) for x, y in points]
        draw.line(places, fill=(*colour, 255)[:4], width=round(width * side), joint="curve")
        radius = width * side / 2
        for x, y in (places[0], places[-1]):
            draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=(*colour, 255)[:4])
    return Layer(np.asarray(canvas, np.uint8))


def veiled(image: Layer, mask: Layer) -> Rgb:
    """The picture with what is selected under a red veil."""
    cover = mask.coverage()[..., None] * 0.6
    mixed: NDArray[np.float32] = _rgb(image) * (1 - cover) + np.array(VEIL, np.float32) * cover
    return mixed.round().astype(np.uint8)


def _canvas(values: list[float]) -> Rgb:
    """The latent canvas as the editors show it: red above 0, blue below."""
    cells = np.asarray(values, np.float32).reshape(10, 10, 1)
    red, blue = np.clip(cells, 0, 1), np.clip(-cells, 0, 1)
    colours = 255 * (1 - red * np.array([0, 1, 1]) - blue * np.array([1, 1, 0]))
    return np.kron(colours, np.ones((LARGE // 10, LARGE // 10, 1))).round().astype(np.uint8)


def _rgb(layer: Layer) -> Rgb:
    return np.asarray(layer.pixels[..., :3], np.uint8)
