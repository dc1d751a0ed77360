"""For each operation layers that it can work on, small enough to run every one of its methods in a moment.

`runs` makes the list of methods out of the operations' own descriptions, so that a new one is run by itself; an operation
without a scene fails `tests/test_operations_on_devices.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from scumble.imaging.layer import Layer
from scumble.mosaic.grid import Grid
from scumble.operations import operations
from scumble.operations.base import Operation
from scumble.weights import load_manifest

from .faces import portrait, strokes
from .mosaics import box, drawing, with_mosaic
from .style import photograph, stored

Layers = Mapping[str, Layer]

KEY_COLOUR = (0, 255, 0)


@dataclass(frozen=True)
class Scene:
    """What an operation gets, in all runs."""

    layers: Callable[[], Layers]

    parameters: Mapping[str, Any] = field(default_factory=dict)
    """What makes it quick, and what it needs to do anything."""

    further: Sequence[Mapping[str, Any]] = ()
    """Runs beside those of the parameters' choices."""

    pictures: frozenset[str] = frozenset()
    """Parameters whose choices are bundled pictures: which one is the same to a device."""

    constants: Mapping[str, Any] = field(default_factory=dict)
    """Constants of modules (`module.NAME`) that let a small picture go the ways of a large one."""


@dataclass(frozen=True)
class Run:
    """One run of an operation; `name` says which."""

    operation: str
    parameters: Mapping[str, Any]

    @property
    def name(self) -> str:
        said = [f"{n}={v}" for n, v in self.parameters.items() if not isinstance(v, list)]
        return "-".join([self.operation, *said])

    @property
    def scene(self) -> Scene:
        return SCENES[self.operation]

    @property
    def layers(self) -> Layers:
        return _layers(self.operation)


def runs() -> list[Run]:
    """Every method of every operation, with every choice of every other parameter at least once.

    A run takes the next choice of all parameters at once: so there are as many of a method as the longest list is long.
    """
    found = []
    for operation in _ours():
        scene = SCENES.get(operation.name)
        if scene is None:
            continue  # `missing` tells
        varied = _choices(operation.describe()["parameters"], scene)
        methods = varied.pop("method", [None])
        for method in methods:
            for number in range(max(map(len, varied.values()), default=1)):
                chosen = {name: values[number % len(values)] for name, values in varied.items()}
                found.append(Run(operation.name, {**({} if method is None else {"method": method}), **chosen}))
        found += [Run(operation.name, more) for more in scene.further]
    return found


def missing() -> list[str]:
    """Operations without a scene."""
    return [operation.name for operation in _ours() if operation.name not in SCENES]


def _ours() -> list[Operation[Any]]:
    """The operations that come with Scumble: not those that other tests add."""
    return [o for o in operations().values() if type(o).__module__.startswith("scumble.")]


def _choices(described: Sequence[Mapping[str, Any]], scene: Scene) -> dict[str, list[Any]]:
    """By parameter, what can be chosen here: published weights are not at hand in tests."""
    published = {entry.name for entry in load_manifest() if not entry.embedded}
    found: dict[str, list[Any]] = {}
    for parameter in described:
        name = parameter["name"]
        if parameter["type"] == "boolean":
            found[name] = [False, True]
        elif parameter["type"] == "choice" and name not in scene.pictures:
            found[name] = [choice for choice in parameter["choices"] if choice not in published]
    return {name: values for name, values in found.items() if len(values) > 1}


@cache
def _layers(operation: str) -> Layers:
    return SCENES[operation].layers()


def _rgba(rgb: Any) -> Any:
    return np.concatenate([rgb, np.full_like(rgb[..., :1], 255)], axis=2)


def _holed() -> Layers:
    """A picture with a transparent part, a selection, and within that the key colour; nothing divides these sizes."""
    pixels = _rgba(stored(photograph(3, 101, 131)))
    pixels[20:41, 90:117, 3] = 0
    pixels[45:60, 55:79, :3] = KEY_COLOUR
    mask = np.zeros((101, 131, 1), np.uint8)
    mask[40:67, 50:89] = 255
    return {"image": Layer(pixels), "mask": Layer(mask)}


def _mosaic() -> Layers:
    plain = drawing(96, 112)
    covered = box(plain.shape, 24, 32, 72, 88)
    marked = np.where(covered[..., None], np.array(KEY_COLOUR, np.uint8), plain)
    mask = Layer(np.where(covered, 255, 0).astype(np.uint8)[..., None])
    return {"image": Layer(with_mosaic(plain, covered, Grid(8, 8))), "mask": mask, "marked": Layer(marked)}


def _face() -> Layers:
    return {"image": Layer(portrait(160))}


def _painted_face() -> Layers:
    return {**_face(), "strokes": strokes(160)}


def _masked_face() -> Layers:
    side = 160
    rows, columns = np.mgrid[:side, :side]
    oval = np.hypot((columns - side / 2) / 50, (rows - side / 2) / 65) <= 1
    return {**_face(), "mask": Layer(np.where(oval, 255, 0).astype(np.uint8)[..., None])}


def _sketched_face() -> Layers:
    lines, colours = (np.zeros((160, 160, 4), np.uint8) for _ in range(2))
    lines[60:62, 60:100] = 255
    colours[40:60, 60:100] = (90, 60, 40, 255)
    mask = np.zeros((160, 160, 1), np.uint8)
    mask[35:70, 55:105] = 255
    return {**_face(), "mask": Layer(mask), "sketch": Layer(lines), "color": Layer(colours)}


def _styled() -> Layers:
    content = stored(photograph(1, 67, 91, (0.3, 0.5, 0.8)))
    return {"image": Layer(content), "style": Layer(stored(photograph(2, 75, 83, (0.8, 0.4, 0.2))))}


def _segmented() -> Layers:
    layers = dict(_styled())
    for role, image in (("segmentation", "image"), ("style_segmentation", "style")):
        labels = np.zeros((*layers[image].extent.shape, 3), np.uint8)
        labels[:, : labels.shape[1] // 2] = (255, 0, 0)
        layers[role] = Layer(labels)
    return layers


QUICK_FIT = {"scumble.faces.latent.fitting.FIT_STEPS": 1}

SCENES: dict[str, Scene] = {
    "inpaint": Scene(
        _holed,
        {"context": 2.0},
        further=[{"variations": 2}, {"grow": 3, "feather": 4, "patch": 5}],
        constants={
            "scumble.inpainting.methods.WORKING": 64,
            "scumble.vision.patchmatch.solver.EXACT_PAIRS": 1 << 12,
            "scumble.vision.patchmatch.completion.EXACT_START": 1 << 12,
            "scumble.vision.patchmatch.solver.STRIP": 1 << 11,
        },
    ),
    "restore-mosaic": Scene(_mosaic),
    "photo-style": Scene(
        _segmented,
        {"iterations": 2, "size": 64, "preview_every": 1},
        pictures=frozenset({"painting"}),
    ),
    "paint-style": Scene(
        _styled,
        {"iterations": 2, "size": 64, "preview_every": 1, "painting": "none"},
        further=[{"second_painting": "mosaic", "painting": "sunset", "blend": "2,1"}],
        pictures=frozenset({"painting", "second_painting"}),
    ),
    "face-brush": Scene(_painted_face, {"steps": 1}, constants=QUICK_FIT),
    "face-latent": Scene(_face, {"canvas": [0.5 * (cell == 4) for cell in range(100)]}, constants=QUICK_FIT),
    "face-sample": Scene(_masked_face),
    "face-sketch": Scene(_sketched_face),
    "identity": Scene(_masked_face),
}
