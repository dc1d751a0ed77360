"""The layer that an operation makes: parts at their places, and only what is seen of it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from scumble.imaging.geometry import Bounds
from scumble.imaging.layer import DEPTHS, Layer
from scumble.operations.new_layer import NewLayer

FRAME = Bounds(-5, 3, 30, 20)


def painted(part: Bounds, value: float) -> tuple[NDArray[np.float32], NDArray[np.float32], Bounds]:
    return np.full((*part.extent.shape, 3), value, np.float32), np.ones(part.extent.shape, np.float32), part


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("depth", DEPTHS)
def test_has_the_picture_s_depth_and_is_cropped(depth: str, channels: int) -> None:
    image = Layer(np.zeros((20, 30, channels), depth), FRAME.offset)
    made = NewLayer(image, FRAME)
    made.put(*painted(Bounds(0, 5, 4, 3), 1.0))
    layer = made.layer()
    assert layer.bounds == Bounds(0, 5, 4, 3)
    assert (layer.depth, layer.pixels.shape[2]) == (depth, 2 if channels <= 2 else 4)
    assert (layer.alpha() == 1).all()


def test_what_is_not_shown_covers_nothing_and_keeps_no_colour() -> None:
    made = NewLayer(Layer(np.zeros((20, 30, 3), np.uint8), FRAME.offset), FRAME)
    made.put(*painted(Bounds(0, 5, 4, 3), 1.0))
    rgb, alpha, part = painted(Bounds(0, 5, 8, 3), 0.2)
    alpha[:, :6] = 0
    made.put(rgb, alpha, part)
    layer = made.layer()
    assert (layer.pixels[:, :4, 0] == 255).all()
    assert not layer.pixels[:, 4:6].any()
    assert (layer.pixels[:, 6:, 0] == 51).all()
