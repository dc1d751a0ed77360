"""Lines that were drawn into a hole: colours end at them, drawn art gets their ink, and without them nothing changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from scumble.imaging.geometry import Bounds, Point
from scumble.imaging.layer import Layer, composite
from scumble.inpainting.drawn_structure import drawn_in, inked, parted
from scumble.operations import find
from tests.support.inpainting import context, selection

FRAME = Bounds(0, 0, 96, 80)
HOLE = Bounds(30, 20, 40, 40)
BELOW, ABOVE = (60, 140, 70), (200, 210, 240)
INK = (15, 10, 20)


def horizon() -> NDArray[np.uint8]:
    """Two flat colours that meet in row 40, with a line of ink between."""
    pixels = np.empty((80, 96, 3), np.uint8)
    pixels[:40], pixels[40:], pixels[39:42] = ABOVE, BELOW, INK
    return pixels


def sketch(*points: tuple[float, float], width: int = 2, colour: tuple[int, ...] = (200, 0, 0, 255)) -> Layer:
    canvas = Image.new("RGBA", (96, 80))
    ImageDraw.Draw(canvas).line(list(points), fill=colour, width=width)
    return Layer(np.asarray(canvas))


BUMP = ((28, 40), (40, 26), (58, 26), (72, 40))


def filled(sketched: Layer | None, **parameters: Any) -> NDArray[np.float32]:
    pixels = horizon()
    pixels[HOLE.slices] = 255
    layers = {"image": Layer(pixels), "mask": selection(FRAME, HOLE)}
    if sketched is not None:
        layers["sketch"] = sketched
    operation = find("inpaint")
    (output,) = operation.run(layers, operation.validate({"faces": False} | parameters), context())
    return composite(layers["image"], output.layer).pixels[..., :3].astype(np.float32)


def away(picture: NDArray[np.float32], colour: tuple[int, ...], part: tuple[slice, slice]) -> float:
    return float(np.abs(picture[part] - colour).mean())


UNDER_THE_BUMP = (slice(31, 37), slice(44, 55))


@pytest.mark.parametrize("domain", ["art", "photo"])
@pytest.mark.parametrize("method", ["auto", "network"])
def test_a_line_says_where_the_ground_ends(domain: str, method: str) -> None:
    with_it, without = (filled(one, domain=domain, method=method) for one in (sketch(*BUMP), None))
    assert away(with_it, BELOW, UNDER_THE_BUMP) < 45 < away(without, BELOW, UNDER_THE_BUMP)
    outside = np.ones((80, 96), np.bool_)
    outside[HOLE.slices] = False
    assert np.array_equal(with_it[outside], without[outside])


@pytest.mark.parametrize("colour", [(200, 0, 0, 255), (255, 255, 255, 255), (0, 0, 0, 160)])
def test_drawn_art_gets_its_own_ink_whatever_the_sketch_is_drawn_with(colour: tuple[int, ...]) -> None:
    made = filled(sketch(*BUMP, colour=colour, width=3), domain="art")
    assert made[24:29, 44:55].min(0).mean() < 60


def test_a_photograph_gets_no_ink() -> None:
    flat = np.full((80, 96, 3), 150, np.uint8)
    flat[:3] = 0
    layers = {"image": Layer(flat), "mask": selection(FRAME, HOLE), "sketch": sketch(*BUMP)}
    operation = find("inpaint")
    (output,) = operation.run(layers, operation.validate({"faces": False}), context())
    assert np.abs(output.layer.pixels[..., :3].astype(int) - 150).max() < 12


def test_a_sketch_that_says_nothing_of_the_hole_changes_nothing() -> None:
    plain = filled(None, domain="art")
    empty = Layer(np.zeros((80, 96, 4), np.uint8))
    elsewhere = sketch((2, 5), (20, 8))
    for one in (empty, elsewhere, Layer(sketch(*BUMP).pixels, Point(500, 500))):
        assert np.array_equal(filled(one, domain="art"), plain)
    for method in ("patchmatch", "smooth"):
        assert np.array_equal(filled(sketch(*BUMP), method=method), filled(None, method=method))


def test_a_variation_that_is_flipped_keeps_the_lines_where_they_are() -> None:
    pixels = horizon()
    pixels[HOLE.slices] = 255
    layers = {"image": Layer(pixels), "mask": selection(FRAME, HOLE), "sketch": sketch(*BUMP)}
    operation = find("inpaint")
    for output in operation.run(layers, operation.validate({"variations": 4, "domain": "art"}), context()):
        made = composite(layers["image"], output.layer).pixels[..., :3].astype(np.float32)
        assert away(made, BELOW, UNDER_THE_BUMP) < 45


def test_colours_do_not_cross_a_line() -> None:
    rgb = np.zeros((20, 30, 3), np.float32)
    rgb[:, 15:] = 1
    hole = np.zeros((20, 30), np.bool_)
    hole[4:16, 5:25] = True
    lines = np.zeros_like(hole)
    lines[:, 10] = True
    rgb[:4, 10:], rgb[16:, 10:] = 1, 1
    made = parted(rgb, hole, lines)
    assert made[6:14, 5:8].max() < 0.05
    assert made[6:14, 13:25].min() > 0.95
    assert np.array_equal(made[~hole], rgb[~hole])


def test_what_is_closed_in_on_all_sides_takes_what_is_around() -> None:
    rgb = np.full((24, 24, 3), 0.4, np.float32)
    hole = np.zeros((24, 24), np.bool_)
    hole[4:20, 4:20] = True
    ring = np.zeros_like(hole)
    ring[8:16, 8:16], ring[9:15, 9:15] = True, False
    np.testing.assert_allclose(parted(rgb, hole, ring), 0.4, atol=1e-3)
    np.testing.assert_allclose(parted(rgb, hole, hole), 0.4, atol=1e-3)


def test_ink_stays_in_the_hole() -> None:
    rgb = np.full((20, 20, 3), 0.8, np.float32)
    rgb[0] = 0.1
    hole = np.zeros((20, 20), np.bool_)
    hole[5:15, 5:15] = True
    lines = np.zeros_like(hole)
    lines[10] = True
    made = inked(rgb, rgb, hole, lines & hole)
    assert np.array_equal(made[~hole], rgb[~hole])
    np.testing.assert_allclose(made[10, 8:12], 0.1, atol=0.15)


def test_a_sketch_of_paper_and_ink_is_read_like_one_of_ink_alone() -> None:
    on_paper = sketch(*BUMP, width=3, colour=(0, 0, 0, 255)).pixels.copy()
    on_paper[on_paper[..., 3] == 0] = 255
    hole = np.zeros((80, 96), np.bool_)
    hole[HOLE.slices] = True
    alone = drawn_in(sketch(*BUMP, width=3), FRAME, hole)
    paper = drawn_in(Layer(on_paper), FRAME, hole)
    assert 20 < alone.sum() < 0.4 * hole.sum()
    assert (alone & paper).sum() > 0.8 * alone.sum()
