"""`inpaint`: nothing but the selection changes, in every depth, layout and colour; holes of every kind; seeds; size."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from scumble.imaging.colour import LINEAR, SRGB, Colour
from scumble.imaging.geometry import Bounds, Point
from scumble.imaging.layer import DEPTHS, LAYOUTS, Layer, composite
from scumble.operations import find
from scumble.operations.context import Context
from scumble.vision.patchmatch import completion
from scumble.worker.models import ModelCache
from scumble_client.errors import ScumbleError
from tests.support.commands import textured
from tests.support.inpainting import at, fill, inpaint, near, selection
from tests.support.pictures import SRGB_PROFILE

COLOURS = (SRGB, LINEAR, Colour("icc", SRGB_PROFILE))
ORIGIN = Point(0, 0)
FRAME = Bounds(0, 0, 48, 40)
MIDDLE = Bounds(18, 14, 14, 10)


def picture(offset: Point = ORIGIN) -> Layer:
    return Layer(textured(), offset)


class Spy:
    """Stands before `patchmatch.complete` and notes what it is given: heights and widths, pixels to be filled."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sizes: list[tuple[int, int]] = []
        self.holes: list[int] = []
        real = completion.complete

        def complete(image: torch.Tensor, hole: torch.Tensor, **more: Any) -> completion.Completion:
            self.sizes.append((image.shape[0], image.shape[1]))
            self.holes.append(int(hole.sum()))
            return real(image, hole, **more)

        monkeypatch.setattr(completion, "complete", complete)


@st.composite
def cases(draw: st.DrawFn, layout: str, depth: str, colour: Colour) -> tuple[Layer, Layer, dict[str, Any]]:
    """A layer of random values (alpha too), a mask of its own place, depth and softness, and what fades it out."""
    random = np.random.default_rng(draw(st.integers(0, 2**16)))
    height, width = draw(st.integers(6, 20)), draw(st.integers(6, 20))
    offset = Point(draw(st.integers(-30, 30)), draw(st.integers(-30, 30)))
    values = random.random((height, width, LAYOUTS.index(layout) + 1))
    if layout.endswith("a"):
        values[..., -1] = np.clip(values[..., -1] * 3 - 0.5, 0, 1)  # most pixels are opaque, some are not there
    if depth.startswith("float"):
        values[..., 0] = values[..., 0] * 3 - 1  # high dynamic range, and below black
        values.reshape(-1)[random.integers(0, values.size, 2)] = (np.nan, np.inf)
    image = Layer(_stored(values, depth), offset, colour)
    # the corner of the image that is always free has something to copy from
    across, down = draw(st.integers(1, width - 2)), draw(st.integers(1, height - 2))
    shift = Point(draw(st.integers(-2, width - across - 2)), draw(st.integers(-2, height - down - 2)))
    soft = random.random((down, across, 1)) if draw(st.booleans()) else np.ones((down, across, 1))
    mask = Layer(_stored(soft, draw(st.sampled_from(DEPTHS))), offset + shift)
    parameters = {
        "feather": draw(st.integers(0, 4)),
        "grow": draw(st.integers(0, 3)),
        "blend": draw(st.sampled_from(["membrane", "multiband", "none"])),
    }
    return image, mask, parameters


def _stored(values: NDArray[np.float64], depth: str) -> NDArray[Any]:
    return (values * np.iinfo(depth).max if depth.startswith("u") else values).astype(depth)


@pytest.mark.parametrize("colour", COLOURS, ids=lambda colour: colour.kind)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("depth", DEPTHS)
def test_outside_mask_and_feather_the_composite_is_the_picture_bit_for_bit(
    depth: str, layout: str, colour: Colour
) -> None:
    filled = 0

    @settings(max_examples=10, deadline=None, derandomize=True, database=None)
    @given(cases(layout, depth, colour))
    def check(case: tuple[Layer, Layer, dict[str, Any]]) -> None:
        nonlocal filled
        image, mask, parameters = case
        try:
            layer = fill(image, mask, **parameters)
        except ScumbleError as error:
            if error.code != "missing_input":
                raise
            return  # there was nothing to copy from
        assert (layer.depth, layer.colour, layer.is_gray) == (image.depth, image.colour, image.is_gray)
        assert layer.has_alpha
        untouched = ~near(image, mask, parameters["grow"] + parameters["feather"])
        result = composite(image, layer)
        assert (result.depth, result.layout, result.colour) == (image.depth, image.layout, image.colour)
        assert result.pixels[untouched].tobytes() == image.pixels[untouched].tobytes()
        assert not at(layer, image.bounds)[untouched].any()
        assert np.isfinite(layer.pixels).all()
        filled += 1

    check()
    assert filled >= 5


class TestPlaces:
    def test_the_layer_lies_where_the_hole_is(self) -> None:
        layer = fill(picture(), selection(FRAME, MIDDLE))
        assert layer.bounds == MIDDLE
        assert (layer.pixels[..., 3] == 255).all()

    @pytest.mark.parametrize("offset", [Point(-100, -7), Point(3, -2000), Point(50, 60)])
    def test_moved_layers_give_the_same_moved_fill(self, offset: Point) -> None:
        moved = fill(picture(offset), selection(FRAME.moved(offset), MIDDLE.moved(offset)))
        assert moved.bounds == MIDDLE.moved(offset)
        np.testing.assert_array_equal(moved.pixels, fill(picture(), selection(FRAME, MIDDLE)).pixels)

    def test_a_mask_has_its_own_offset(self) -> None:
        cut = selection(MIDDLE, MIDDLE)  # the mask's layer is no larger than what it selects
        np.testing.assert_array_equal(fill(picture(), cut).pixels, fill(picture(), selection(FRAME, MIDDLE)).pixels)

    def test_a_mask_that_reaches_beyond_the_layer_fills_there_too(self) -> None:
        beyond = Bounds(40, 30, 20, 20)
        layer = fill(picture(), selection(Bounds(0, 0, 80, 80), beyond))
        assert layer.bounds == beyond
        assert (layer.pixels[..., 3] == 255).all()

    def test_the_part_of_a_selection_that_lies_far_off_the_layer_is_left_out(self) -> None:
        image = Layer(textured())
        on, off = Bounds(20, 10, 8, 8), Bounds(5000, 5000, 30, 30)
        both = selection(Bounds(0, 0, 5030, 5030), on, off)
        assert np.array_equal(fill(image, both).pixels, fill(image, selection(image.bounds, on)).pixels)

    def test_a_selection_beside_the_layer_is_said(self) -> None:
        with pytest.raises(ScumbleError, match="outside the layer") as raised:
            fill(picture(), selection(Bounds(100, 100, 20, 20), Bounds(105, 105, 5, 5)))
        assert raised.value.code == "missing_input"

    def test_a_soft_selection_gives_a_soft_layer(self) -> None:
        layer = fill(picture(), selection(FRAME, MIDDLE, value=77))
        assert (layer.pixels[..., 3] == 77).all()

    @pytest.mark.parametrize("method", ["patchmatch", "smooth"])
    def test_in_a_veil_the_fill_is_as_thin_as_the_veil(self, method: str) -> None:
        pixels = np.concatenate([textured(), np.full((40, 48, 1), 90, np.uint8)], axis=2)
        layer = fill(Layer(pixels), selection(FRAME, MIDDLE), method=method)
        assert np.unique(layer.pixels[..., 3]).tolist() == [90]
        assert (composite(Layer(pixels), layer).pixels[..., 3] == 90).all()

    @pytest.mark.parametrize("method", ["patchmatch", "smooth"])
    def test_what_was_transparent_and_selected_is_filled_from_what_is_seen(self, method: str) -> None:
        pixels = np.concatenate([textured(), np.full((40, 48, 1), 255, np.uint8)], axis=2)
        pixels[:, :24] = (255, 0, 255, 0)
        whole = composite(Layer(pixels), fill(Layer(pixels), selection(FRAME, MIDDLE), method=method)).pixels
        filled = whole[MIDDLE.slices]
        assert (filled[..., 3] == 255).all()
        seen = textured()[:, 24:]
        assert (filled[..., :3] <= seen.max(axis=(0, 1)) + 8).all()
        assert (filled[..., :3] >= seen.min(axis=(0, 1)) - 8.0).all()
        whole[MIDDLE.slices] = pixels[MIDDLE.slices]
        assert whole.tobytes() == pixels.tobytes()

    def test_16_bits_of_softness_stay_16_bits(self) -> None:
        mask = np.zeros((40, 48, 1), np.uint16)
        mask[14:24, 18:32] = 12345
        layer = fill(Layer(textured(3, "uint16")), Layer(mask))
        assert (layer.pixels[..., 3] == 12345).all()


class TestHoles:
    def test_several_near_each_other_are_filled_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        spy = Spy(monkeypatch)
        holes = [Bounds(4, 4, 6, 6), Bounds(30, 8, 5, 7), Bounds(12, 28, 8, 4)]
        layer = fill(picture(), selection(FRAME, *holes))
        assert layer.bounds == Bounds.union(holes)
        assert all((at(layer, hole)[..., 3] == 255).all() for hole in holes)
        assert int((layer.pixels[..., 3] > 0).sum()) == sum(hole.extent.area for hole in holes)
        assert len(spy.sizes) == 1

    def test_far_apart_each_has_a_region_of_its_own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        spy = Spy(monkeypatch)
        image = Layer(textured(height=60, width=600))
        holes = [Bounds(20, 20, 10, 10), Bounds(500, 30, 12, 8)]
        layer = fill(image, selection(image.bounds, *holes))
        assert spy.holes == [100, 96]
        assert layer.bounds == Bounds.union(holes)
        assert int((layer.pixels[..., 3] > 0).sum()) == 196

    @pytest.mark.parametrize(
        "hole",
        [Bounds(0, 10, 8, 12), Bounds(36, 28, 12, 12), Bounds(0, 0, 48, 8), Bounds(0, 0, 1, 1), Bounds(20, 0, 8, 40)],
        ids=["left", "corner", "top", "pixel", "across"],
    )
    def test_at_the_border(self, hole: Bounds) -> None:
        layer = fill(picture(), selection(FRAME, hole))
        assert layer.bounds == hole
        assert (layer.pixels[..., 3] == 255).all()

    @pytest.mark.parametrize("left", [Bounds(0, 0, 3, 3), Bounds(47, 39, 1, 1), Bounds(20, 0, 9, 9)])
    def test_covering_nearly_everything(self, left: Bounds) -> None:
        mask = selection(FRAME, FRAME)
        mask.pixels[left.slices] = 0
        image = picture()
        layer = fill(image, mask)
        assert layer.bounds == FRAME
        known = image.pixels[left.slices].reshape(-1, 3)
        filled = layer.pixels[layer.pixels[..., 3] > 0][:, :3]
        assert len(filled) == FRAME.extent.area - left.extent.area
        # by a membrane's width beyond the few colours that there were
        assert (filled >= known.min(0).astype(int) - 40).all()
        assert (filled <= known.max(0).astype(int) + 40).all()

    def test_a_pattern_is_continued(self) -> None:
        columns = np.mgrid[0:64, 0:64][1]
        stripes = np.repeat((columns // 4 % 2 * 200 + 20)[..., None], 3, axis=2).astype(np.uint8)
        hole = Bounds(24, 24, 16, 16)
        damaged = stripes.copy()
        damaged[hole.slices] = 255
        layer = fill(Layer(damaged), selection(Bounds(0, 0, 64, 64), hole))
        error = np.abs(layer.pixels[..., :3].astype(int) - stripes[hole.slices])
        assert error.mean() < 4

    @pytest.mark.parametrize("value", [0, 255])
    def test_what_the_hole_held_is_of_no_meaning(self, value: int) -> None:
        pixels = textured()
        pixels[MIDDLE.slices] = value
        mask = selection(FRAME, MIDDLE)
        np.testing.assert_array_equal(fill(Layer(pixels), mask).pixels, fill(picture(), mask).pixels)


class TestSeeds:
    image = Layer(textured(height=150, width=160))
    mask = selection(Bounds(0, 0, 160, 150), Bounds(40, 50, 60, 60))

    def test_a_seed_reproduces(self) -> None:
        np.testing.assert_array_equal(
            fill(self.image, self.mask, seed=5).pixels, fill(self.image, self.mask, seed=5).pixels
        )

    def test_variations_differ_and_each_is_its_own_seed(self) -> None:
        made = inpaint(self.image, self.mask, seed=5, variations=3)
        assert [output.seed for output in made] == [5, 6, 7]
        pixels = [output.layer.pixels for output in made]
        assert all((a != b).any() for a, b in pairwise(pixels))
        np.testing.assert_array_equal(fill(self.image, self.mask, seed=7).pixels, pixels[2])

    def test_the_last_seed_is_followed_by_the_first(self) -> None:
        made = inpaint(picture(), selection(FRAME, MIDDLE), seed=2**32 - 1, variations=2)
        assert [output.seed for output in made] == [2**32 - 1, 0]


class TestProgress:
    def run(self, context: Context) -> None:
        operation = find("inpaint")
        layers = {"image": picture(), "mask": selection(FRAME, MIDDLE)}
        operation.run(layers, operation.validate({"variations": 2}), context)

    def test_it_grows_from_0_to_1(self) -> None:
        heard: list[float] = []
        self.run(Context(0, "cpu", ModelCache(), lambda fraction, message: heard.append(fraction)))
        assert (heard[0], heard[-1]) == (0.0, 1.0)
        assert heard == sorted(heard)
        assert len(heard) > 5

    @pytest.mark.parametrize("after", [0, 3, 10])
    def test_a_cancel_ends_it_at_the_next_report(self, after: int) -> None:
        heard: list[float] = []

        def report(fraction: float, message: str) -> None:
            heard.append(fraction)
            if len(heard) > after:
                raise ScumbleError("cancelled", "The job was cancelled.", "")

        with pytest.raises(ScumbleError, match="cancelled"):
            self.run(Context(0, "cpu", ModelCache(), report))
        assert len(heard) == after + 1


class TestSize:
    def test_a_small_hole_in_a_huge_layer_costs_what_the_hole_costs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        spy = Spy(monkeypatch)
        hole = Bounds(7000, 3000, 300, 300)
        around = hole.padded(200)
        # untouched pages of zeros take no memory, so that only the work on them would show
        pixels, mask = np.zeros((10_000, 10_000, 3), np.uint8), np.zeros((10_000, 10_000, 1), np.uint8)
        pixels[around.slices] = textured(height=700, width=700)
        mask[hole.slices] = 255
        tracemalloc.start()
        try:
            layer = fill(Layer(pixels), Layer(mask), context=0.5)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert layer.bounds == hole
        assert spy.sizes == [(600, 600)]
        assert spy.holes == [300 * 300]
        assert peak < 10_000 * 10_000  # less than one byte for each pixel of the canvas
