"""A result laid over soft edges by an editor's own means shows what the command line's composite gives."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from scumble.imaging.layer import Layer, composite
from scumble_client import Pixels
from scumble_client.editor.reading import finish
from scumble_client.editor.soft_edges import (
    INSIDE,
    MIXED,
    PLAIN,
    Laid,
    alpha_plane,
    erasing_pixels,
    lay,
    moved_plane,
    plane,
    with_alpha,
)

DEPTHS = ("uint8", "uint16", "float16", "float32")


def _raster(rgba: NDArray[np.uint8], depth: str = "uint8") -> Pixels:
    values = (
        rgba if depth == "uint8" else rgba.astype(np.uint16) * 257 if depth == "uint16" else (rgba / 255).astype(depth)
    )
    height, width = rgba.shape[:2]
    return Pixels(values.tobytes(), width, height, "rgba", depth)


def _unit(pixels: Pixels) -> NDArray[np.float64]:
    values = np.frombuffer(pixels.data, pixels.depth).reshape(pixels.height, pixels.width, 4).astype(np.float64)
    return values / {"uint8": 255, "uint16": 65535}.get(pixels.depth, 1)


def _over(below: NDArray[np.float64], top: NDArray[np.float64], inherit: bool = False) -> NDArray[np.float64]:
    """Normal mode; with `inherit` the alpha below stays."""
    t, b = top[..., 3:], below[..., 3:]
    alpha = b if inherit else t + b * (1 - t)
    colour = below[..., :3] * (1 - t) + top[..., :3] * t if inherit else top[..., :3] * t + below[..., :3] * b * (1 - t)
    if not inherit:
        colour = colour / np.maximum(alpha, 1e-9)
    return np.concatenate([colour, alpha], axis=2)


def _laid(top: Pixels, base: NDArray[np.uint8]) -> Laid:
    return finish(lay(top, alpha_plane(top), base[..., 3].tobytes()))


def _shown(base: NDArray[np.uint8], top: Pixels) -> tuple[str, NDArray[np.float64]]:
    below = base / 255
    laid = _laid(top, base)
    if laid.how == MIXED:
        erasing = _unit(erasing_pixels(top, laid.erased))
        below = below.copy()
        below[..., 3] *= 1 - erasing[..., 3]
    return laid.how, _over(below, _unit(laid.pixels), laid.how == INSIDE)


def _case(name: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Base and result: every alpha of the one with every alpha of the other, as far as the case goes."""
    base, top = np.zeros((256, 256, 4), np.uint8), np.zeros((256, 256, 4), np.uint8)
    base[..., :3], top[..., :3] = (200, 100, 50), (20, 220, 120)
    down, across = np.mgrid[:256, :256].astype(np.uint8)
    base[..., 3], top[..., 3] = down, across
    if name == "opaque":
        base[..., 3] = 255
    elif name == "transparent":
        base[..., 3] = 255 * (down > 128)
    elif name == "inside":
        top[..., 3] = np.minimum(across, down)
    elif name == "same":
        top[..., 3] = down
    return base, top


@pytest.mark.parametrize(
    ("name", "how"),
    [("opaque", PLAIN), ("transparent", PLAIN), ("same", INSIDE), ("inside", INSIDE), ("all", MIXED)],
)
@pytest.mark.parametrize("depth", DEPTHS)
def test_what_is_shown_is_what_the_command_line_gives(name: str, how: str, depth: str) -> None:
    base, rgba = _case(name)
    found, shown = _shown(base, _raster(rgba, depth))
    wanted = composite(Layer(base), Layer(rgba)).pixels
    assert found == how
    assert np.abs(shown[..., 3] * 255 - wanted[..., 3]).max() <= 1.6
    # Colours that are hardly seen are as coarse as their alpha.
    seen = wanted[..., 3:] / 255
    assert (np.abs(shown[..., :3] * 255 - wanted[..., :3]) * seen).max() <= 2


def test_a_soft_edge_stays_as_soft_as_it_was() -> None:
    base = np.full((2, 2, 4), 128, np.uint8)
    laid = _laid(_raster(base), base)
    assert laid.how == INSIDE
    assert alpha_plane(laid.pixels) == b"\xff" * 4


def test_a_plain_result_is_the_same_object() -> None:
    base, rgba = _case("opaque")
    top = _raster(rgba)
    assert _laid(top, base).pixels is top


@pytest.mark.parametrize("depth", DEPTHS)
def test_an_alpha_is_read_and_written_in_every_depth(depth: str) -> None:
    rgba = np.arange(16 * 16 * 4).astype(np.uint8).reshape(16, 16, 4)
    raster = _raster(rgba, depth)
    assert alpha_plane(raster) == rgba[..., 3].tobytes()
    turned = 255 - rgba[..., 3]
    changed = with_alpha(raster, turned.tobytes())
    assert alpha_plane(changed) == turned.tobytes()
    assert (_unit(changed)[..., :3] == _unit(raster)[..., :3]).all()
    assert (changed.width, changed.depth, changed.colour) == (16, depth, "srgb")


def test_odd_floats_are_levels() -> None:
    values = np.array([np.nan, -1, 0, 0.5, 2, np.inf, -np.inf], "<f4")
    assert list(plane(values.tobytes(), 1, 4, floating=True)) == [0, 0, 0, 128, 255, 255, 0]


def test_a_raster_without_alpha_is_opaque() -> None:
    assert alpha_plane(Pixels(bytes(12), 2, 2, "rgb")) == b"\xff" * 4


def test_a_plane_is_moved_and_goes_on_beyond_its_edge() -> None:
    own = bytes(range(1, 7))
    assert moved_plane(own, (0, 0, 3, 2), (0, 0, 3, 2), 9) is own
    assert list(moved_plane(own, (0, 0, 3, 2), (2, -1, 2, 3), 9)) == [9, 9, 3, 9, 6, 9]
    assert list(moved_plane(own, (0, 0, 3, 2), (7, 7, 2, 1), 9)) == [9, 9]
