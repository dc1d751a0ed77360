"""Reading sketches: whatever the pen, the paper and the opacity, the same thin lines."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter
from scipy import ndimage

from scumble.faces.sketch import drawn_lines

SIDE, FACTOR = 64, 4
LARGE = SIDE * FACTOR


def strokes(width: int) -> np.ndarray:
    """Coverage of two strokes, anti-aliased."""
    canvas = Image.new("L", (LARGE, LARGE))
    draw = ImageDraw.Draw(canvas)
    draw.arc((40 - width / 2, 40 - width / 2, 200 + width / 2, 210 + width / 2), 30, 330, fill=255, width=width)
    draw.line([(60, 230), (220, 220)], fill=255, width=width)
    return np.asarray(canvas.filter(ImageFilter.GaussianBlur(0.7)), np.float32) / 255


def plain(colour: tuple[float, float, float]) -> np.ndarray:
    return np.broadcast_to(np.array(colour, np.float32), (LARGE, LARGE, 3))


def on_paper(ink: np.ndarray, paper: tuple[float, float, float], pen: tuple[float, float, float]) -> np.ndarray:
    return np.asarray(plain(paper) * (1 - ink[..., None]) + plain(pen) * ink[..., None], np.float32)


def near(found: np.ndarray, wanted: np.ndarray, most: float = 2.0) -> bool:
    if not found.any():
        return False
    here, there = (ndimage.distance_transform_edt(~one) for one in (found, wanted))
    return bool(here[wanted].max() <= most and there[found].max() <= most)


@pytest.mark.parametrize("width", [2, 6, 16])
@pytest.mark.parametrize(
    "kind", ["black", "faint red", "white", "dark on white", "light on dark", "gray on sand", "on a card"]
)
def test_any_pen_on_any_paper(width: int, kind: str) -> None:
    ink, opaque = strokes(width), np.ones((LARGE, LARGE), np.float32)
    rgb, alpha = {
        "black": (plain((0, 0, 0)), ink),
        "faint red": (plain((0.9, 0.2, 0.1)), 0.2 * ink),
        "white": (plain((1, 1, 1)), ink),
        "dark on white": (on_paper(ink, (1, 1, 1), (0.1, 0.1, 0.2)), opaque),
        "light on dark": (on_paper(ink, (0.1, 0.1, 0.1), (0.8, 0.9, 0.8)), opaque),
        "gray on sand": (on_paper(ink, (0.9, 0.85, 0.7), (0.6, 0.6, 0.6)), opaque),
        "on a card": (
            on_paper(ink, (1, 1, 1), (0, 0, 0)),
            np.pad(np.ones((236, 226), np.float32), ((10, 10), (15, 15))),
        ),
    }[kind]
    if kind in ("dark on white", "gray on sand"):  # scanned
        rgb = rgb + np.random.default_rng(0).normal(0, 0.01, rgb.shape).astype(np.float32)
    found = drawn_lines.read_lines(np.asarray(rgb, np.float32), alpha, SIDE)
    reference = drawn_lines.read_lines(plain((0, 0, 0)), strokes(2), SIDE)
    assert near(found, reference, 3.0)
    assert found.sum() < 1.3 * reference.sum(), "one line for each stroke"


def test_nothing_is_drawn() -> None:
    nothing = np.zeros((LARGE, LARGE), np.float32)
    for rgb, alpha in ((plain((0, 0, 0)), nothing), (plain((1, 1, 1)), nothing + 1), (plain((0, 0, 0)), nothing + 1)):
        assert not drawn_lines.read_lines(rgb, alpha, SIDE).any()
    noise = 0.9 + np.random.default_rng(0).normal(0, 0.01, (LARGE, LARGE, 3)).astype(np.float32)
    assert not drawn_lines.read_lines(noise, nothing + 1, SIDE).any()


def test_a_filled_shape_is_its_outline() -> None:
    alpha = np.zeros((LARGE, LARGE), np.float32)
    alpha[60:180, 80:200] = 1
    found = drawn_lines.read_lines(plain((0, 0, 0)), alpha, SIDE)
    assert not found[20:40, 25:45].any()
    assert found[15:17, 25:45].any(axis=0).all()


def test_sizes_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="can't become"):
        drawn_lines.read_lines(plain((0, 0, 0)), strokes(2), 60)
