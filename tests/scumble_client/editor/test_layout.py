"""Channel orders, rectangles, thumbnails: without numpy there, checked with numpy here."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from scumble_client import Pixels
from scumble_client.editor import layout
from scumble_client.request import CHANNELS


def raster(kind: str, depth: str, width: int = 6, height: int = 5, colour: str = "srgb") -> tuple[Pixels, NDArray[Any]]:
    values = np.random.default_rng(3).random((height, width, CHANNELS[kind]))
    array = (values * np.iinfo(depth).max if depth.startswith("u") else values).astype(depth)
    return Pixels(array.tobytes(), width, height, kind, depth, x=2, y=-1, colour=colour), array


@pytest.mark.parametrize("kind", ["bgr", "bgra"])
@pytest.mark.parametrize("depth", ["uint8", "uint16", "float32"])
def test_blue_and_red_change_places(kind: str, depth: str) -> None:
    pixels, array = raster(kind, depth)
    swapped = layout.to_rgb_order(pixels)
    order = [2, 1, 0, 3][: array.shape[2]]
    assert swapped.layout == kind.replace("bgr", "rgb")
    assert bytes(swapped.data) == np.ascontiguousarray(array[..., order]).tobytes()
    assert (swapped.x, swapped.y, swapped.depth) == (2, -1, depth)


def test_what_is_in_order_is_not_copied() -> None:
    pixels, _ = raster("rgba", "uint8")
    assert layout.to_rgb_order(pixels) is pixels


@pytest.mark.parametrize(
    ("a", "b", "shared", "around"),
    [
        ((0, 0, 4, 4), (2, 2, 4, 4), (2, 2, 2, 2), (0, 0, 6, 6)),
        ((0, 0, 4, 4), (4, 0, 4, 4), None, (0, 0, 8, 4)),
        ((-3, -3, 10, 10), (0, 0, 2, 1), (0, 0, 2, 1), (-3, -3, 10, 10)),
    ],
)
def test_rectangles(a: layout.Rect, b: layout.Rect, shared: layout.Rect | None, around: layout.Rect) -> None:
    assert layout.intersection(a, b) == layout.intersection(b, a) == shared
    assert layout.union(a, b) == layout.union(b, a) == around


@pytest.mark.parametrize("rect", [(2, -1, 6, 5), (0, 0, 4, 4), (-5, -5, 30, 20), (100, 100, 3, 3), (4, 1, 2, 1)])
def test_a_raster_over_another_rectangle_is_cropped_and_filled_with_nothing(rect: layout.Rect) -> None:
    pixels, array = raster("rgba", "uint16")
    plane = np.zeros((300, 300, 4), np.uint16)
    plane[99:104, 102:108] = array  # an origin of 100, 100
    x, y, width, height = rect
    expected = plane[100 + y : 100 + y + height, 100 + x : 100 + x + width]
    assert layout.on_canvas(pixels, rect) == np.ascontiguousarray(expected).tobytes()


@pytest.mark.parametrize("kind", ["gray", "graya", "rgb", "rgba", "bgr", "bgra"])
@pytest.mark.parametrize("depth", ["uint8", "uint16", "float16", "float32"])
def test_a_thumbnail_has_8_bits_of_rgba_whatever_the_layer_has(kind: str, depth: str) -> None:
    pixels, array = raster(kind, depth)
    data, width, height = layout.thumbnail(pixels, 10)
    unit = array.astype(np.float64) / (np.iinfo(depth).max if depth.startswith("u") else 1)
    alpha = unit[..., -1:] if kind.endswith("a") and kind != "gra" else np.ones((5, 6, 1))
    colours = unit[..., : 1 if kind.startswith("gray") else 3]
    if kind.startswith("gray"):
        colours = np.repeat(colours, 3, axis=2)
    if kind.startswith("bgr"):
        colours = colours[..., ::-1]
    expected = np.rint(np.concatenate([colours, alpha], axis=2) * 255)
    assert (width, height) == (6, 5)
    got = np.frombuffer(data, np.uint8).reshape(5, 6, 4)
    assert np.abs(got - expected).max() <= 1


def test_a_large_layer_becomes_small() -> None:
    pixels = Pixels(bytes(4000 * 1000), 4000, 1000, "gray")
    assert layout.thumbnail(pixels, 96)[1:] == (96, 24)


def test_linear_light_is_encoded() -> None:
    pixels = Pixels(
        np.full((1, 1, 4), [0.5, 0.0, 1.0, 0.5], np.float32).tobytes(), 1, 1, "rgba", "float32", colour="linear"
    )
    assert list(layout.thumbnail(pixels, 8)[0]) == [188, 0, 255, 128]


def test_what_is_no_number_is_black() -> None:
    pixels = Pixels(np.full((1, 1, 4), [np.nan, np.inf, -1.0, 1.0], np.float32).tobytes(), 1, 1, "rgba", "float32")
    assert list(layout.thumbnail(pixels, 8)[0]) == [0, 255, 0, 255]


def test_an_empty_layer_gives_one_transparent_pixel() -> None:
    assert layout.thumbnail(Pixels(b"", 0, 0), 8) == (bytes(4), 1, 1)
