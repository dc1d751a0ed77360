"""`inpaint`: where the mask comes from, what may be copied, and how the fill meets its surroundings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from scipy import ndimage

from scumble.imaging.colour import LINEAR, SRGB, Colour, decode_srgb
from scumble.imaging.geometry import Bounds, Point
from scumble.imaging.layer import Layer
from scumble.operations import find
from scumble.vision.patchmatch import completion
from scumble_client.errors import ScumbleError
from tests.support.commands import textured
from tests.support.inpainting import context, fill, near, selection

FRAME = Bounds(0, 0, 48, 40)
MIDDLE = Bounds(18, 14, 14, 10)


def halves(channels: int = 3) -> Layer:
    """Left a red texture, right a green one; alpha, where there is one, opaque."""
    gray = textured(1)[..., 0]
    pixels = np.zeros((40, 48, channels), np.uint8)
    pixels[:, :24, 0], pixels[:, 24:, 1] = gray[:, :24], gray[:, 24:]
    if channels == 4:
        pixels[..., 3] = 255
    return Layer(pixels)


class TestWhatIsCopied:
    hole = Bounds(6, 12, 10, 12)
    """In the red half."""

    @pytest.mark.parametrize("alpha", [0, 100])
    def test_pixels_that_are_not_or_hardly_there_are_not(self, alpha: int, monkeypatch: pytest.MonkeyPatch) -> None:
        """One texture; what is transparent is a little bluer, and would do as well as the rest."""
        sources: list[torch.Tensor] = []
        real = completion.complete

        def complete(image: torch.Tensor, hole: torch.Tensor, **more: Any) -> completion.Completion:
            sources.append(more["source"])
            return real(image, hole, **more)

        monkeypatch.setattr(completion, "complete", complete)
        pixels = halves(4).pixels
        pixels[..., 0] = textured(1)[..., 0]
        pixels[..., 1], pixels[:, 20:, 2], pixels[:, 20:, 3] = 0, 12, alpha
        filled = fill(Layer(pixels), selection(FRAME, self.hole), context=4, blend="none").pixels
        assert (filled[..., 3] == 255).all()
        assert (filled[..., 0] > 20).all()
        assert not filled[..., 2].any()
        (source,) = sources  # of the whole picture
        expected = np.zeros((40, 48), np.bool_)
        expected[:, :20] = True
        expected[self.hole.slices] = False
        np.testing.assert_array_equal(source.numpy(), expected)

    def test_only_from_where_the_source_mask_is_white(self) -> None:
        source = selection(FRAME, Bounds(24, 0, 24, 40))
        filled = fill(halves(), selection(FRAME, self.hole), source, context=4, blend="none").pixels
        assert (filled[..., 1] > 20).all()
        assert not filled[..., 0].any()

    def test_the_source_mask_has_its_own_offset(self) -> None:
        part = Bounds(26, 2, 20, 36)
        whole = fill(halves(), selection(FRAME, self.hole), selection(FRAME, part), context=4)
        cut = fill(halves(), selection(FRAME, self.hole), selection(part, part), context=4)
        np.testing.assert_array_equal(cut.pixels, whole.pixels)

    def test_the_hole_itself_is_no_source(self) -> None:
        source = selection(FRAME, self.hole)
        with pytest.raises(ScumbleError, match="nothing to copy from") as raised:
            fill(halves(), selection(FRAME, self.hole), source)
        assert raised.value.code == "missing_input"
        assert "source" in raised.value.hint

    def test_a_layer_that_is_transparent_all_around_is_said(self) -> None:
        image = halves(4)
        image.pixels[..., 3] = 0
        with pytest.raises(ScumbleError, match="nothing to copy from"):
            fill(image, selection(FRAME, self.hole))

    def test_values_that_are_no_numbers_are_replaced_and_said_once(self) -> None:
        pixels = textured(3, "float32")
        pixels[3, 3] = np.nan
        operation, asked = find("inpaint"), context()
        layers = {"image": Layer(pixels), "mask": selection(FRAME, MIDDLE)}
        operation.run(layers, operation.validate({"variations": 2}), asked)
        assert len(asked.notes) == 1
        assert "not numbers" in asked.notes[0]


class TestMaskLayers:
    @pytest.mark.parametrize("depth", ["uint8", "uint16", "float16", "float32"])
    @pytest.mark.parametrize("channels", [1, 2, 3, 4])
    def test_of_every_kind(self, depth: str, channels: int) -> None:
        full = np.iinfo(depth).max if depth.startswith("u") else 1
        pixels = np.zeros((40, 48, channels), depth)
        pixels[MIDDLE.slices] = full
        assert fill(Layer(textured()), Layer(pixels)).bounds == MIDDLE

    @pytest.mark.parametrize("channels", [2, 4])
    def test_white_that_is_transparent_selects_nothing(self, channels: int) -> None:
        pixels = np.full((40, 48, channels), 255, np.uint8)
        pixels[..., -1] = 0
        with pytest.raises(ScumbleError, match="selection is empty"):
            fill(Layer(textured()), Layer(pixels))

    @pytest.mark.parametrize("channels", [1, 2, 3, 4])
    def test_what_is_no_number_or_negative_selects_nothing(self, channels: int) -> None:
        pixels = np.full((40, 48, channels), np.nan, np.float32)
        pixels[:20] = -1
        with pytest.raises(ScumbleError, match="selection is empty"):
            fill(Layer(textured()), Layer(pixels))

    def test_none(self) -> None:
        with pytest.raises(ScumbleError, match="Nothing is selected"):
            fill(Layer(textured()))


class TestAlpha:
    @pytest.mark.parametrize("depth", ["uint8", "uint16", "float16", "float32"])
    @pytest.mark.parametrize("channels", [2, 4])
    def test_the_transparent_part_is_filled_where_the_layer_lies(self, depth: str, channels: int) -> None:
        pixels = textured(channels, depth)
        pixels[MIDDLE.slices] = 0
        layer = fill(Layer(pixels, Point(-9, 5)), mask_from="alpha")
        assert layer.bounds == MIDDLE.moved(Point(-9, 5))
        assert (layer.alpha() == 1).all()

    def test_a_mask_beside_it_is_left_alone(self) -> None:
        pixels = textured(4)
        pixels[MIDDLE.slices] = 0
        other = selection(FRAME, Bounds(0, 0, 5, 5))
        assert fill(Layer(pixels), other, mask_from="alpha").bounds == MIDDLE

    @pytest.mark.parametrize("channels", [1, 3, 4])
    def test_nothing_is_transparent(self, channels: int) -> None:
        with pytest.raises(ScumbleError, match="no transparent part"):
            fill(Layer(textured(channels)), mask_from="alpha")


class TestKeyColour:
    def painted(self, channels: int = 3, depth: str = "uint8") -> Layer:
        """The texture with a soft disc of pure green (of white, in gray) over it, as an anti-aliased brush leaves it."""
        pixels = textured(channels, "float32")
        rows, columns = np.mgrid[0:40, 0:48]
        disc = (np.hypot(rows - 20, columns - 24) <= 8).astype(np.float64)
        cover = ndimage.gaussian_filter(disc, 0.7)[..., None]
        key = np.array([1.0] if channels == 1 else [0.0, 1.0, 0.0])
        pixels = pixels * (1 - cover) + key * cover
        scale = np.iinfo(depth).max if depth.startswith("u") else 1
        return Layer((pixels * scale).astype(depth))

    @pytest.mark.parametrize("depth", ["uint8", "uint16", "float16", "float32"])
    def test_it_is_filled_with_its_soft_edge(self, depth: str) -> None:
        layer = fill(self.painted(depth=depth), mask_from="color", key_color="#00ff00")
        filled = layer.crop(FRAME).alpha() > 0
        rows, columns = np.mgrid[0:40, 0:48]
        away = np.hypot(rows - 20, columns - 24)
        assert filled[away <= 9].all()
        assert not filled[away > 13].any()

    def test_in_gray_too(self) -> None:
        layer = fill(self.painted(1), mask_from="color", key_color="#fff", tolerance=0.05)
        assert layer.crop(FRAME).alpha()[20, 24] == 1

    def test_a_wider_tolerance_takes_more(self) -> None:
        image = self.painted()
        image.pixels[2:6, 2:6] = (60, 200, 60)
        assert fill(image, mask_from="color", tolerance=0.1).bounds.x > 10
        assert fill(image, mask_from="color", tolerance=0.3).bounds.x <= 2

    def test_a_selection_bounds_it(self) -> None:
        image = self.painted()
        image.pixels[2:6, 2:6] = (0, 255, 0)  # green that belongs to the picture
        assert fill(image, mask_from="color").bounds.x <= 2
        bounded = fill(image, selection(FRAME, Bounds(12, 8, 26, 26)), mask_from="color")
        assert bounded.bounds.x > 10

    def test_a_selection_without_it_is_said(self) -> None:
        with pytest.raises(ScumbleError, match="#00ff00"):
            fill(self.painted(), selection(FRAME, Bounds(0, 0, 4, 4)), mask_from="color")

    def test_what_is_transparent_has_no_colour(self) -> None:
        pixels = np.concatenate([self.painted().pixels, np.full((40, 48, 1), 255, np.uint8)], axis=2)
        pixels[2:6, 2:6] = (0, 255, 0, 0)
        assert fill(Layer(pixels), mask_from="color").bounds.x > 10

    def test_none_has_it(self) -> None:
        with pytest.raises(ScumbleError, match="#0000ff"):
            fill(self.painted(), mask_from="color", key_color="#0000ff")

    @pytest.mark.parametrize("colour", [SRGB, LINEAR], ids=["srgb", "linear"])
    def test_it_is_the_colour_that_is_seen_in_linear_layers_too(self, colour: Colour) -> None:
        pixels = textured(3, "float32")
        seen = np.array([[[0.75, 0.5, 0.25]]], np.float32)
        pixels[MIDDLE.slices] = decode_srgb(seen) if colour == LINEAR else seen
        layer = fill(Layer(pixels, colour=colour), mask_from="color", key_color="#bf8040", tolerance=0.02)
        assert (layer.crop(MIDDLE).alpha() == 1).all()


class TestGrowAndFeather:
    image = Layer(textured(height=60, width=70))
    mask = selection(Bounds(0, 0, 70, 60), Bounds(30, 25, 8, 8))

    def alpha(self, **parameters: Any) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
        return fill(self.image, self.mask, **parameters).crop(self.image.bounds).alpha().reshape(60, 70)

    def test_growth_is_full_up_to_its_distance(self) -> None:
        np.testing.assert_array_equal(self.alpha(grow=5) == 1, near(self.image, self.mask, 5))
        assert not self.alpha(grow=5)[~near(self.image, self.mask, 5)].any()

    def test_a_feather_falls_outside_the_selection_only(self) -> None:
        alpha = self.alpha(feather=6)
        assert (alpha[near(self.image, self.mask, 0)] == 1).all()
        row = alpha[28, 37:45]  # from the selection's last column outwards
        assert row[0] == 1
        assert (np.diff(row[:7]) < 0).all()
        assert row[7] == 0
        assert not alpha[~near(self.image, self.mask, 6)].any()

    def test_a_feather_begins_where_the_growth_ends(self) -> None:
        alpha = self.alpha(grow=4, feather=3)
        assert (alpha[near(self.image, self.mask, 4)] == 1).all()
        assert not alpha[~near(self.image, self.mask, 7)].any()
        assert ((alpha > 0) & (alpha < 1)).any()

    def test_a_soft_selection_stays_soft_inside(self) -> None:
        mask = selection(self.image.bounds, Bounds(30, 25, 8, 8), value=128)
        alpha = fill(self.image, mask, grow=3).crop(self.image.bounds).alpha()
        assert (alpha[25:33, 30:38] == np.float32(128 / 255)).all()
        assert alpha[28, 39] == 1

    def test_both_may_reach_the_layer_s_border(self) -> None:
        alpha = self.alpha(grow=10, feather=20)
        assert 0 < alpha[0, 33] < alpha[14, 33] < 1
        assert alpha[15, 33] == 1


class TestBlend:
    def test_every_kind_gives_another_fill_of_the_same_shape(self) -> None:
        image, mask = Layer(textured()), selection(FRAME, MIDDLE)
        fills = [fill(image, mask, blend=kind) for kind in ("membrane", "multiband", "none")]
        assert {layer.bounds for layer in fills} == {MIDDLE}
        for one, other in ((0, 1), (0, 2), (1, 2)):
            assert (fills[one].pixels != fills[other].pixels).any()

    @pytest.mark.parametrize("blend", ["membrane", "multiband"])
    def test_a_seam_is_smoothed(self, blend: str) -> None:
        """The source is darker than the hole's surroundings: the fill takes their brightness at its rim."""
        pixels = textured()
        pixels[:, 32:] = pixels[:, 32:] // 3
        hole = Bounds(8, 14, 12, 12)
        source = selection(FRAME, Bounds(32, 0, 16, 40))

        def step(kind: str) -> float:
            filled = fill(Layer(pixels), selection(FRAME, hole), source, blend=kind, context=4).pixels
            return float(abs(filled[:, 0, :3].mean() - pixels[14:26, 7].mean()))

        assert step(blend) < step("none") / 2


def test_a_larger_context_sees_more() -> None:
    """What may be copied begins 140 pixels from the hole."""
    image = Layer(textured(height=40, width=400))
    mask = selection(image.bounds, Bounds(20, 10, 40, 20))
    source = selection(image.bounds, Bounds(200, 0, 160, 40))
    with pytest.raises(ScumbleError, match="nothing to copy from"):
        fill(image, mask, source, context=0.5)
    assert fill(image, mask, source, context=4).bounds == Bounds(20, 10, 40, 20)
