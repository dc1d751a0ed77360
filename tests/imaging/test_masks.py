from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from scipy import ndimage

from scumble.imaging import masks

GREEN = (0.0, 1.0, 0.0)


def stroke(size: int = 96, over: int = 4) -> NDArray[np.float32]:
    """Coverage, in [0, 1], of an anti-aliased brush stroke."""
    canvas = Image.new("L", (size * over, size * over))
    points = [(10 * over, 12 * over), (50 * over, 40 * over), (80 * over, 85 * over)]
    ImageDraw.Draw(canvas).line(points, fill=255, width=9 * over, joint="curve")
    return np.asarray(canvas.resize((size, size), Image.Resampling.BOX), dtype=np.float32) / np.float32(255)


def art(size: int = 96) -> NDArray[np.float32]:
    rng = np.random.default_rng(3)
    smooth = ndimage.gaussian_filter(rng.random((size, size, 3)), (6, 6, 0))
    smooth = (smooth - smooth.min()) / (smooth.max() - smooth.min())
    return np.asarray(0.2 + 0.6 * smooth, dtype=np.float32)


def painted(under: NDArray[np.float32], colour: Sequence[float] = GREEN) -> NDArray[np.float32]:
    cover = stroke(len(under))[:, :, None]
    return (under * (1 - cover) + np.asarray(colour, np.float32) * cover).astype(np.float32)


@pytest.mark.parametrize("colour", [GREEN, (1.0, 0.0, 1.0), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), (0.9, 0.1, 0.2)])
def test_soft_edges_belong_to_the_mask(colour: tuple[float, float, float]) -> None:
    cover = stroke()
    found = masks.from_colour(painted(art(), colour), colour)
    assert found[cover > 0.1].all()
    assert not found[ndimage.distance_transform_edt(cover == 0) > 3].any()


def test_no_blend_with_the_key_colour_is_left() -> None:
    cover = stroke()
    found = masks.from_colour(painted(art()), GREEN)
    assert cover[~found].max() < masks.LEAST_BLEND + 0.02


@pytest.mark.parametrize(("dtype", "full"), [(np.uint8, 255), (np.uint16, 65535)])
def test_integer_pictures(dtype: type, full: int) -> None:
    picture = painted(art())
    whole: NDArray[Any] = np.round(picture * full).astype(dtype)
    same = masks.from_colour(whole, GREEN) == masks.from_colour(picture, GREEN)
    assert same.mean() > 0.999


def test_jpeg_noise_around_the_stroke() -> None:
    stream = io.BytesIO()
    Image.fromarray(np.round(painted(art()) * 255).astype(np.uint8)).save(stream, "JPEG", quality=85, subsampling=0)
    found = masks.from_colour(np.asarray(Image.open(stream)), GREEN, tolerance=0.2)
    cover = stroke()
    assert found[cover > 0.5].all()
    assert found[cover > 0.15].mean() > 0.99


@pytest.mark.parametrize("quality", [75, 85])
@pytest.mark.parametrize("colour", [GREEN, (1, 0, 1), (0, 0, 1)])
def test_what_jpeg_spreads_of_the_colour_is_found(quality: int, colour: tuple[float, float, float]) -> None:
    """With colour at half resolution, as cameras and most programs store it."""

    def stored(picture: NDArray[Any]) -> NDArray[np.float32]:
        stream = io.BytesIO()
        Image.fromarray(np.round(picture * 255).astype(np.uint8)).save(stream, "JPEG", quality=quality, subsampling=2)
        return np.asarray(Image.open(stream), np.float32) / np.float32(255)

    key = np.array(colour, np.float32)
    hue = key - key.mean()
    spread = (stored(painted(art(), colour)) - stored(art())) @ hue / (hue @ hue)
    found = masks.from_colour(stored(painted(art(), colour)), colour)
    left = spread[~found]
    assert left.max() < 0.17
    assert (left > 0.08).mean() < 0.008
    assert not found[ndimage.distance_transform_edt(stroke() == 0) > 13].any()


def test_the_same_hue_elsewhere_stays() -> None:
    picture = art()
    picture[60:90, 5:30] = (0.15, 0.75, 0.2)  # a green thing in the picture
    found = masks.from_colour(painted(picture), GREEN)
    assert not found[60:90, 5:30].any()


def test_green_art_that_touches_the_stroke_stays() -> None:
    picture = art()
    picture[:, 50:] = (0.15, 0.75, 0.2)
    found = masks.from_colour(painted(picture), GREEN)
    cover = stroke()
    green = np.zeros_like(found)
    green[:, 50:] = True
    assert not found[green & (ndimage.distance_transform_edt(cover == 0) > 3)].any()
    assert found[cover > 0.5].all()


def test_exact_matches_only() -> None:
    picture = painted(art())
    found = masks.from_colour(picture, GREEN, tolerance=0, grow=0)
    assert (found == (stroke() == 1)).all()


def test_key_colour_everywhere_and_nowhere() -> None:
    everywhere = np.tile(np.array(GREEN, dtype=np.float32), (5, 6, 1))
    assert masks.from_colour(everywhere, GREEN).all()
    assert not masks.from_colour(everywhere, (1, 0, 1)).any()
    assert masks.from_colour(everywhere[:1, :1], GREEN).shape == (1, 1)


@pytest.mark.parametrize(
    ("shape", "arguments", "said"),
    [
        ((4, 4), {}, "shape"),
        ((4, 4, 4), {}, "shape"),
        ((4, 4, 3), {"tolerance": 2}, "tolerance"),
        ((4, 4, 3), {"grow": -1}, "growth"),
    ],
)
def test_wrong_arguments(shape: tuple[int, ...], arguments: dict[str, int], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        masks.from_colour(np.zeros(shape, np.float32), GREEN, **arguments)


@pytest.mark.parametrize(
    ("text", "colour"),
    [("#00ff00", GREEN), ("00FF00", GREEN), ("#0f0", GREEN), (" #ff0000 ", (1, 0, 0)), ("#336699", (0.2, 0.4, 0.6))],
)
def test_parse_colour(text: str, colour: tuple[float, float, float]) -> None:
    assert masks.parse_colour(text) == pytest.approx(colour)


@pytest.mark.parametrize("text", ["", "#", "#00ff0", "#00gg00", "green", "#00ff00ff", "0x00ff00"])
def test_parse_colour_refuses(text: str) -> None:
    with pytest.raises(ValueError, match="no colour"):
        masks.parse_colour(text)


@pytest.mark.parametrize(("dtype", "full"), [(np.uint8, 255), (np.uint16, 65535), (np.float16, 1), (np.float32, 1)])
def test_from_alpha(dtype: type, full: int) -> None:
    alpha: NDArray[Any] = (np.array([[0, 0.25, 0.75, 1]]) * full).astype(dtype)
    assert masks.from_alpha(alpha).tolist() == [[True, True, False, False]]
    assert masks.from_alpha(alpha, 1).tolist() == [[True, True, True, False]]
    assert masks.from_alpha(alpha, 0.1).tolist() == [[True, False, False, False]]


@pytest.mark.parametrize("threshold", [0, -1, 1.5])
def test_from_alpha_refuses(threshold: float) -> None:
    with pytest.raises(ValueError, match="threshold"):
        masks.from_alpha(np.zeros((1, 1)), threshold)


@pytest.mark.parametrize("pixels", [0, 1, 1.5, 2, 5])
@pytest.mark.parametrize("at", [(0, 0), (10, 12), (23, 29)])
def test_grow(pixels: float, at: tuple[int, int]) -> None:
    mask = np.zeros((24, 30), dtype=np.uint8)
    mask[at] = 255
    y, x = np.mgrid[:24, :30]
    assert (masks.grow(mask, pixels) == (np.hypot(y - at[0], x - at[1]) <= pixels)).all()


@pytest.mark.parametrize("pixels", [0, 1, 2, 3.5])
def test_shrink_undoes_growing_of_a_disc(pixels: float) -> None:
    y, x = np.mgrid[:40, :40]
    disc = np.hypot(y - 20, x - 20) <= 9
    again = masks.shrink(masks.grow(disc, pixels), pixels)
    assert again[disc].all()
    assert not again[~masks.grow(disc, 1)].any()


def test_the_border_takes_nothing_from_a_mask() -> None:
    assert masks.shrink(np.ones((5, 5)), 2).all()
    half = np.zeros((6, 6), dtype=np.bool_)
    half[:3] = True
    assert masks.shrink(half, 1).sum() == 12


def test_empty_masks() -> None:
    empty = np.zeros((3, 4))
    assert not masks.grow(empty, 3).any()
    assert not masks.shrink(empty, 3).any()


def test_negative_growth() -> None:
    with pytest.raises(ValueError, match="shrink"):
        masks.grow(np.zeros((1, 1)), -1)
    with pytest.raises(ValueError, match="grow"):
        masks.shrink(np.zeros((1, 1)), -1)
