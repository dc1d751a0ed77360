"""Running the style operations without a daemon, and the small pictures that their tests use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scumble.imaging.layer import Layer
from scumble.operations import find
from scumble.operations.context import Context
from scumble.worker.models import ModelCache

Floats = NDArray[np.float32]
Report = Callable[[float, str], None]


def photograph(
    seed: int, height: int = 48, width: int = 64, tint: tuple[float, float, float] = (0.5, 0.5, 0.5)
) -> Floats:
    """(height, width, 3) in 0 to 1: texture at several scales around a colour."""
    rng = np.random.default_rng(seed)
    waves = sum(ndimage.gaussian_filter(rng.standard_normal((height, width, 3)), (s, s, 0.5)) * s for s in (0.7, 2, 6))
    return np.asarray(np.clip(np.array(tint) + 0.12 * waves, 0, 1), np.float32)


def stored(values: NDArray[Any], depth: str = "uint8") -> NDArray[Any]:
    """Values in 0 to 1 as a layer of that depth stores them."""
    if depth.startswith("u"):
        full = np.iinfo(depth).max
        values = np.round(np.clip(values, 0, 1) * full)
    return np.asarray(values, depth)


CONTENT = Layer(stored(photograph(1, tint=(0.3, 0.5, 0.8))))
STYLE = Layer(stored(photograph(2, 40, 56, tint=(0.8, 0.4, 0.2))))


def run(
    operation: str, seed: int = 0, report: Report | None = None, notes: list[str] | None = None, **given: Any
) -> Layer:
    """The one layer that comes back; layers are roles, the rest are parameters."""
    layers = {name: value for name, value in given.items() if isinstance(value, Layer)}
    parameters = {name: value for name, value in given.items() if not isinstance(value, Layer)}
    chosen = find(operation)
    chosen.check_roles(list(layers))
    context = Context(seed, "cpu", ModelCache(), report or (lambda fraction, message: None))
    (output,) = chosen.run(layers, chosen.validate(parameters), context)
    if notes is not None:
        notes += context.notes
    return output.layer


def working(layer: Layer) -> Floats:
    return layer.to_working().rgb
