"""Masks as their makers meant them: levels, colours, transparency, noise, gradients."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from scumble.imaging.geometry import Point
from scumble.imaging.io.files import decode_picture
from scumble.imaging.layer import Layer
from scumble.imaging.mask_reading import inverted, understood
from scumble_client.errors import ScumbleError

SIDE = 96
ROWS, COLUMNS = np.mgrid[:SIDE, :SIDE]
BLOB = np.hypot(ROWS - 40, COLUMNS - 50) < 20
"""What is meant by most masks here."""


def gray(values: NDArray[Any], dtype: str = "uint8") -> Layer:
    return Layer(np.asarray(values, dtype)[..., None], Point(3, -2))


def coloured(ground: tuple[int, ...], paint: tuple[int, ...]) -> Layer:
    return Layer(np.where(BLOB[..., None], np.array(paint), np.array(ground)).astype(np.uint8))


def meant(mask: Layer) -> tuple[str, ...]:
    """Check that the blob is what is understood, and once only; the notes."""
    read = understood(mask)
    assert read.layer.bounds == mask.bounds
    assert np.array_equal(read.layer.coverage(), BLOB.astype(np.float32))
    again = understood(read.layer)
    assert again.notes == ()
    assert again.layer is read.layer
    return read.notes


class TestLevels:
    @pytest.mark.parametrize(("dtype", "white"), [("uint8", 255), ("uint16", 65535), ("float32", 1), ("float16", 1)])
    def test_a_plain_mask_is_itself(self, dtype: str, white: int) -> None:
        mask = gray(BLOB * white, dtype)
        assert understood(mask).layer is mask
        assert meant(mask) == ()

    @pytest.mark.parametrize(
        ("dtype", "white", "words"),
        [
            ("uint8", 1, "0 and 1"),
            ("uint16", 1, "0 and 1"),
            ("uint16", 255, "8-bit values"),
            ("float32", 255, "up to 255"),
            ("float32", 65535, "up to 65535"),
            ("float32", 1e6, "up to 1e+06"),
        ],
    )
    def test_other_ranges(self, dtype: str, white: float, words: str) -> None:
        (note,) = meant(gray(BLOB * white, dtype))
        assert words in note

    def test_0_and_1_in_colour_channels(self) -> None:
        (note,) = meant(coloured((0, 0, 0), (1, 1, 1)))
        assert "0 and 1" in note

    @pytest.mark.parametrize("level", [2, 3, 9, 24])
    def test_a_mask_that_is_nearly_black_is_a_sentence(self, level: int) -> None:
        with pytest.raises(ScumbleError, match=f"lightest value is {level} of 255"):
            understood(gray(BLOB * level))

    def test_nothing_is_left_to_the_operation_to_say(self) -> None:
        mask = gray(BLOB * 0)
        assert understood(mask).layer is mask


class TestNoise:
    @pytest.mark.parametrize(("black", "white"), [(1, 254), (16, 255), (0, 250), (3, 251), (16, 247)])
    def test_levels_beside_black_and_white(self, black: int, white: int) -> None:
        (note,) = meant(gray(np.where(BLOB, white, black)))
        assert "nearly" in note

    @pytest.mark.parametrize("quality", [30, 50, 75, 90, 95])
    def test_jpeg(self, quality: int) -> None:
        stream = io.BytesIO()
        Image.fromarray(np.where(BLOB, 254, 1).astype(np.uint8)).save(stream, "JPEG", quality=quality)
        found = understood(decode_picture(stream.getvalue(), "m.jpg").layer).layer.coverage()
        assert not found[~ndimage.binary_dilation(BLOB, np.ones((3, 3)), 8)].any(), (
            "black is black but for the block at the rim"
        )
        assert (found[ndimage.binary_erosion(BLOB, np.ones((3, 3)), 8)] > 0.97).all()
        away = ~ndimage.binary_dilation(BLOB, np.ones((3, 3)), 2)
        assert (found[away] > 0.1).mean() < 0.01

    def test_scanners(self) -> None:
        noise = np.random.default_rng(0).integers(-8, 9, BLOB.shape)
        meant_to_be = np.where(BLOB, 250, 9) + noise
        found = understood(gray(meant_to_be.clip(0, 255))).layer.coverage()
        assert not found[~ndimage.binary_dilation(BLOB, np.ones((3, 3)))].any()
        assert found[BLOB].min() > 0.9

    @pytest.mark.parametrize("depth", ["uint8", "uint16", "float32"])
    @pytest.mark.parametrize("sigma", [0.5, 1, 2, 5, 12])
    def test_a_feathered_selection_stays_as_it_is(self, sigma: float, depth: str) -> None:
        full = {"uint8": 255, "uint16": 65535, "float32": 1}[depth]
        soft = ndimage.gaussian_filter(BLOB.astype(np.float64), sigma)
        soft = np.rint(soft * 255) / 255  # what is fainter than an 8-bit editor's faintest is no part of a selection
        mask = gray(np.rint(soft * full) if depth != "float32" else soft, depth)
        found = understood(mask).layer.coverage()
        assert np.abs(found - mask.coverage()).max() <= 4.5 / 255
        assert (found != mask.coverage()).mean() < 0.12
        assert (found > 0).sum() >= 0.95 * (soft > 4.5 / 255).sum()

    @pytest.mark.parametrize("wide", [16, 48, 90])
    def test_a_gradient_counts_to_its_end(self, wide: int) -> None:
        ramp = np.clip((COLUMNS - 3) / wide, 0, 1)
        mask = gray(np.rint(255 * ramp))
        assert understood(mask).layer is mask

    def test_what_is_half_selected_stays_so(self) -> None:
        mask = gray(BLOB * 64)
        assert understood(mask).layer is mask

    @settings(deadline=None, max_examples=40)
    @given(st.integers(0, 2**16), st.integers(1, 255))
    def test_what_is_understood_stays_understood(self, seed: int, white: int) -> None:
        rng = np.random.default_rng(seed)
        values = rng.integers(0, 256, (12, 14)) * (rng.random((12, 14)) < 0.5)
        mask = gray(np.minimum(values, white))
        try:
            read = understood(mask)
        except ScumbleError:  # nearly black, which other tests look at
            return
        again = understood(read.layer)
        assert np.array_equal(again.layer.coverage(), read.layer.coverage())


class TestColours:
    @pytest.mark.parametrize("paint", [(255, 0, 0), (0, 0, 255), (128, 0, 0), (0, 128, 128), (255, 255, 0)])
    @pytest.mark.parametrize("ground", ["black", "white"])
    def test_one_colour_on_black_or_white(self, paint: tuple[int, ...], ground: str) -> None:
        (note,) = meant(coloured((0, 0, 0) if ground == "black" else (255, 255, 255), paint))
        assert f"not {ground}" in note

    def test_classes_of_a_palette(self) -> None:
        pixels = coloured((0, 0, 0), (128, 0, 0)).pixels.copy()
        pixels[BLOB & (COLUMNS > 50)] = (128, 128, 0)
        meant(Layer(pixels))

    @pytest.mark.parametrize("paint", [(0, 0, 0), (255, 0, 0), (90, 90, 90), (0, 40, 200)])
    def test_painted_on_transparency(self, paint: tuple[int, ...]) -> None:
        alpha = (255 * BLOB)[..., None]
        pixels = np.concatenate([np.broadcast_to(paint, (*BLOB.shape, 3)), alpha], axis=2).astype(np.uint8)
        (note,) = meant(Layer(pixels))
        assert "transparency" in note

    @pytest.mark.parametrize("hole", [False, True])
    def test_a_photograph_with_transparent_parts_is_refused(self, hole: bool) -> None:
        """With a hole where something should change, or cut out: nobody can tell which."""
        colours = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3))
        alpha = np.where(BLOB, 0, 255) if hole else np.where(BLOB, 255, 0)
        with pytest.raises(ScumbleError, match="picture with transparent parts"):
            understood(Layer(np.dstack([colours, alpha]).astype(np.uint8)))

    def test_white_on_transparency_is_a_mask_as_it_is(self) -> None:
        pixels = np.full((*BLOB.shape, 2), 255, np.uint8)
        pixels[..., 1] = 255 * BLOB
        assert meant(Layer(pixels)) == ()

    def test_black_and_white_with_a_hole_is_a_mask_as_it_is(self) -> None:
        pixels = np.zeros((*BLOB.shape, 4), np.uint8)
        pixels[BLOB] = 255
        pixels[~BLOB & (ROWS < 60), 3] = 255
        assert meant(Layer(pixels)) == ()

    def test_a_photograph_is_a_sentence(self) -> None:
        smooth = ndimage.gaussian_filter(np.random.default_rng(0).random((SIDE, SIDE, 3)), (4, 4, 0))
        stretched = (smooth - smooth.min()) / np.ptp(smooth)
        with pytest.raises(ScumbleError, match="looks like a picture"):
            understood(Layer(np.rint(255 * stretched).astype(np.uint8)))

    def test_compression_s_tints_are_no_colours(self) -> None:
        pixels = np.repeat((255 * BLOB)[..., None], 3, axis=2)
        pixels[..., 0] = np.clip(pixels[..., 0], 0, 240)
        notes = understood(Layer(pixels.astype(np.uint8))).notes
        assert "colours" not in " ".join(notes)


def test_inverted() -> None:
    assert np.array_equal(inverted(gray(BLOB * 255)).coverage(), (~BLOB).astype(np.float32))
    assert inverted(gray(BLOB * 255)).bounds == gray(BLOB).bounds


@pytest.mark.parametrize("deviation", [1.0, 2.0, 3.4, 6.0, 12.0, 25.0])
@pytest.mark.parametrize("shape", ["rectangle", "ellipse", "two"])
def test_a_selection_with_a_soft_edge_stays_as_it_is_bit_for_bit(deviation: float, shape: str) -> None:
    y, x = np.mgrid[:240, :320]
    blobs = {
        "rectangle": (abs(y - 120) < 50) & (abs(x - 150) < 70),
        "ellipse": ((y - 120) / 60) ** 2 + ((x - 160) / 90) ** 2 < 1,
        "two": ((abs(y - 60) < 30) & (abs(x - 60) < 25)) | (np.hypot(y - 170, x - 240) < 40),
    }
    values = np.round(255 * ndimage.gaussian_filter(blobs[shape].astype(np.float32), deviation)).astype(np.uint8)
    mask = Layer(values[..., None])
    found = understood(mask)
    assert found.layer is mask
    assert found.notes == ()
