"""Layers: buffers, the working form, compositing."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from scumble.imaging.colour import LINEAR, SRGB, Colour
from scumble.imaging.geometry import Bounds, Extent, Point
from scumble.imaging.io.colour_tags import D65, P3
from scumble.imaging.layer import DEPTHS, LAYOUTS, WIRE_LAYOUTS, Layer, composite, from_working
from scumble.imaging.profiles import gray_profile_of, profile_of
from tests.support.pictures import SRGB_PROFILE

Pixels = NDArray[Any]
KINDS = [(depth, layout) for depth in DEPTHS for layout in LAYOUTS]

depths = st.sampled_from(DEPTHS)
layouts = st.sampled_from(LAYOUTS)
offsets = st.builds(Point, st.integers(-12, 12), st.integers(-12, 12))
extents = st.builds(Extent, st.integers(1, 9), st.integers(1, 9))
seeds = st.integers(0, 2**32 - 1)
colours = st.sampled_from([SRGB, LINEAR, Colour("icc", b"profile")])


def bits(pixels: Pixels) -> Pixels:
    """For comparing floats bit by bit, NaN payloads and signs of zero included."""
    return np.ascontiguousarray(pixels).view(f"u{pixels.dtype.itemsize}")


def full(depth: str) -> int:
    return int(np.iinfo(depth).max) if depth.startswith("u") else 1


def any_bits(extent: Extent, layout: str, depth: str, seed: int) -> Pixels:
    """Every bit pattern may occur, so floats hold NaN and infinities as well."""
    dtype = np.dtype(depth)
    count = extent.area * WIRE_LAYOUTS[layout] * dtype.itemsize
    data = np.random.default_rng(seed).integers(0, 256, count, dtype=np.uint8)
    return data.view(dtype).reshape(*extent.shape, WIRE_LAYOUTS[layout])


def plain(extent: Extent, layout: str, depth: str, seed: int = 0) -> Pixels:
    """Values from 0 to 1."""
    values = np.random.default_rng(seed).random((*extent.shape, WIRE_LAYOUTS[layout])) * full(depth)
    return (np.rint(values) if depth.startswith("u") else values).astype(depth)


class TestBuffers:
    @settings(deadline=None)
    @given(extents, st.sampled_from(sorted(WIRE_LAYOUTS)), depths, offsets, seeds)
    def test_round_trip(self, extent: Extent, layout: str, depth: str, offset: Point, seed: int) -> None:
        data = any_bits(extent, layout, depth, seed).tobytes()
        layer = Layer.from_buffer(data, extent, layout, depth, offset)
        assert layer.bounds == Bounds.of(extent, offset)
        assert (layer.depth, layer.layout) == (depth, layout.replace("bgr", "rgb"))
        assert bytes(layer.to_buffer(layout)) == data

    @pytest.mark.parametrize(("depth", "layout"), KINDS)
    def test_neither_way_copies(self, depth: str, layout: str) -> None:
        data = bytearray(any_bits(Extent(5, 4), layout, depth, 1).tobytes())
        layer = Layer.from_buffer(data, Extent(5, 4), layout, depth)
        out = layer.to_buffer()
        data[0] ^= 0xFF
        assert out[0] == data[0]
        assert layer.pixels.view(np.uint8).flat[0] == data[0]

    def test_blue_comes_first_in_bgra(self) -> None:
        layer = Layer.from_buffer(bytes([1, 2, 3, 4]), Extent(1, 1), "bgra", "uint8")
        assert layer.pixels.tolist() == [[[3, 2, 1, 4]]]
        assert bytes(layer.to_buffer("bgra")) == bytes([1, 2, 3, 4])

    @pytest.mark.parametrize("depth", DEPTHS)
    def test_wider_layouts(self, depth: str) -> None:
        gray = Layer(plain(Extent(3, 2), "gray", depth))
        wide = Layer.from_buffer(gray.to_buffer("bgra"), gray.extent, "bgra", depth)
        for channel in range(3):
            np.testing.assert_array_equal(wide.pixels[..., channel], gray.pixels[..., 0])
        assert (wide.pixels[..., 3] == full(depth)).all()

    @pytest.mark.parametrize(("layout", "narrow"), [("rgb", "gray"), ("rgba", "rgb"), ("graya", "rgb"), ("rgb", "xyz")])
    def test_refuses_layouts_that_would_lose_something(self, layout: str, narrow: str) -> None:
        with pytest.raises(ValueError, match=r"cannot hold|unknown layout"):
            Layer(plain(Extent(2, 2), layout, "uint8")).to_buffer(narrow)

    @pytest.mark.parametrize(
        ("length", "extent", "layout", "depth", "message"),
        [
            (11, Extent(2, 2), "rgb", "uint8", "12 bytes, not 11"),
            (13, Extent(2, 2), "rgb", "uint8", "12 bytes, not 13"),
            (0, Extent(10**9, 10**9), "rgba", "float32", "not 0"),
            (4, Extent(-2, -2), "gray", "uint8", "cannot be"),
            (4, Extent(2, 2), "cmyk", "uint8", "unknown layout"),
            (4, Extent(2, 2), "gray", "uint64", "unknown depth"),
        ],
    )
    def test_refuses_buffers_that_do_not_fit(
        self, length: int, extent: Extent, layout: str, depth: str, message: str
    ) -> None:
        with pytest.raises(ValueError, match=message):
            Layer.from_buffer(bytes(length), extent, layout, depth)

    def test_nothing_is_a_layer_too(self) -> None:
        layer = Layer.from_buffer(b"", Extent(0, 0), "rgba", "float16")
        assert not layer.bounds
        assert layer.to_buffer().nbytes == 0
        assert layer.to_working().rgb.shape == (0, 0, 3)
        assert not layer.content_bounds()

    @pytest.mark.parametrize("pixels", [np.zeros((2, 2)), np.zeros((2, 2, 5), "uint8"), np.zeros((2, 2, 1), ">u2")])
    def test_refuses_arrays_that_are_no_layer(self, pixels: Pixels) -> None:
        with pytest.raises(ValueError, match=r"a layer is|a layer's depth"):
            Layer(pixels)


class TestCrop:
    @settings(deadline=None)
    @given(extents, layouts, depths, offsets, st.builds(Bounds, *[st.integers(-14, 14)] * 2, *[st.integers(0, 9)] * 2))
    def test_shows_the_same_pixels_and_is_transparent_beyond(
        self, extent: Extent, layout: str, depth: str, offset: Point, bounds: Bounds
    ) -> None:
        layer = Layer(plain(extent, layout, depth), offset)
        part = layer.crop(bounds)
        assert part.bounds == bounds
        canvas = np.zeros((64, 64, 5), depth)
        origin = Point(-32, -32)
        inside = layer.bounds.relative_to(origin).slices
        channels = layer.pixels.shape[2]
        canvas[inside][..., :channels] = layer.pixels
        if not layer.has_alpha:
            canvas[inside][..., channels] = full(depth)
        expected = canvas[bounds.relative_to(origin).slices][..., : part.pixels.shape[2]]
        np.testing.assert_array_equal(part.pixels, expected)
        assert part.has_alpha or layer.bounds.contains(bounds)

    def test_inside_it_is_a_view(self) -> None:
        layer = Layer(plain(Extent(8, 8), "rgb", "uint8"), Point(-3, -3))
        part = layer.crop(Bounds(-1, -2, 4, 3))
        assert np.shares_memory(part.pixels, layer.pixels)
        assert part.layout == "rgb"

    def test_content_bounds(self) -> None:
        pixels = np.zeros((10, 12, 2), np.uint16)
        pixels[3, 4, 1] = 1
        pixels[7, 9, 1] = 9
        layer = Layer(pixels, Point(-5, 2))
        assert layer.content_bounds() == Bounds(-1, 5, 6, 5)
        assert layer.crop(layer.content_bounds()).pixels[0, 0, 1] == 1
        assert Layer(pixels[..., :1]).content_bounds() == Bounds(0, 0, 12, 10)


class TestCoverage:
    def test_white_selects_and_outside_is_nothing(self) -> None:
        mask = Layer(np.array([[[0], [255]]], np.uint8), Point(1, 0))
        np.testing.assert_array_equal(mask.coverage(Bounds(0, 0, 4, 1)), [[0, 0, 1, 0]])

    def test_brightness_times_alpha(self) -> None:
        pixels = np.array([[[1, 1, 1, 0.5], [0, 0, 0, 1], [np.nan, 1, 1, 1], [9, 9, 9, 1]]], np.float32)
        np.testing.assert_array_equal(Layer(pixels).coverage(), [[0.5, 0, 0, 1]])


class TestWorkingForm:
    @pytest.mark.parametrize("colour", ["srgb", "linear", "same", "wide"])
    @pytest.mark.parametrize("layout", LAYOUTS)
    @pytest.mark.parametrize("depth", ["uint8", "uint16"])
    def test_every_integer_value_comes_back(self, depth: str, layout: str, colour: str) -> None:
        ramp = np.arange(full(depth) + 1, dtype=depth).reshape(-1, 1, 1)
        gray = layout.startswith("gray")
        named = {"srgb": SRGB, "linear": LINEAR, "same": SRGB if gray else Colour("icc", SRGB_PROFILE)}
        wide = named.get(colour) or Colour("icc", gray_profile_of(1.8) if gray else profile_of(P3, D65, 1.8))
        layer = Layer(np.repeat(ramp, WIRE_LAYOUTS[layout], axis=2), Point(-7, 3), wide)
        working = layer.to_working()
        assert not working.notes
        back = from_working(working.rgb, working.alpha, working.bounds, layer)
        assert (back.depth, back.is_gray, back.colour) == (depth, layer.is_gray, wide)
        assert back.offset == layer.offset
        assert back.has_alpha
        found = back.pixels[..., : layer.pixels.shape[2]]
        if colour == "wide" and depth == "uint16":  # curves in float32
            assert np.abs(found.astype(int) - layer.pixels).max() <= 3
        else:
            np.testing.assert_array_equal(found, layer.pixels)

    @pytest.mark.parametrize("colour", [(np.nan, np.inf, -np.inf), (1e30, -1e30, 7)])
    def test_what_is_not_seen_is_not_there(self, colour: tuple[float, ...]) -> None:
        pixels = np.full((2, 2, 4), 0.25, np.float32)
        pixels[0, 0] = (*colour, 0)
        working = Layer(pixels).to_working()
        assert not working.notes
        np.testing.assert_array_equal(working.rgb[0, 0], 0)
        np.testing.assert_array_equal(working.rgb[1], 0.25)

    def test_a_profile_that_is_no_use_is_reported(self) -> None:
        for icc in (b"profile", SRGB_PROFILE[:200], SRGB_PROFILE[:300] + bytes(len(SRGB_PROFILE) - 300)):
            working = Layer(plain(Extent(3, 3), "rgb", "uint8"), colour=Colour("icc", icc)).to_working()
            assert "profile can't be used" in working.notes[0]

    @pytest.mark.parametrize("layout", LAYOUTS)
    def test_every_finite_float16_comes_back_bit_by_bit(self, layout: str) -> None:
        every = np.arange(2**16, dtype=np.uint16).view(np.float16)
        values = every[np.isfinite(every)].reshape(-1, 1, 1)
        pixels = np.repeat(values, WIRE_LAYOUTS[layout], axis=2)
        layer = Layer(pixels)
        if layer.has_alpha:
            pixels[..., -1] = 0.5
        working = layer.to_working()
        back = from_working(working.rgb, working.alpha, working.bounds, layer)
        np.testing.assert_array_equal(bits(back.pixels[..., : pixels.shape[2]]), bits(pixels))

    def test_float32_comes_back_bit_by_bit(self) -> None:
        values = np.random.default_rng(0).normal(0, 100, (40, 40, 3)).astype(np.float32)
        layer = Layer(values)
        working = layer.to_working()
        back = from_working(working.rgb, working.alpha, working.bounds, layer)
        np.testing.assert_array_equal(bits(back.pixels[..., :3]), bits(values))

    def test_linear_float_comes_back_closely_and_keeps_high_range(self) -> None:
        values = np.linspace(-2, 60, 3000, dtype=np.float32).reshape(10, 100, 3)
        layer = Layer(values, colour=LINEAR)
        working = layer.to_working()
        assert working.rgb.max() < 10, "the working form is encoded"
        back = from_working(working.rgb, working.alpha, working.bounds, layer)
        np.testing.assert_allclose(back.pixels[..., :3], values, rtol=5e-6, atol=1e-6)

    def test_linear_and_encoded_layers_look_alike(self) -> None:
        linear = Layer(np.full((1, 1, 3), 0.21404114, np.float32), colour=LINEAR)
        np.testing.assert_allclose(linear.to_working().rgb, 0.5, atol=1e-6)

    def test_values_that_are_not_finite_are_replaced_and_reported(self) -> None:
        pixels = np.full((2, 2, 3), 0.25, np.float32)
        pixels[0, 0] = [np.nan, np.inf, -np.inf]
        pixels[1, 1, 1] = 7
        working = Layer(pixels).to_working()
        np.testing.assert_array_equal(working.rgb[0, 0], [0, 7, 0.25])
        assert len(working.notes) == 1
        assert "3 " in working.notes[0]

    def test_a_layer_without_one_finite_value(self) -> None:
        working = Layer(np.full((1, 2, 1), np.inf, np.float16)).to_working()
        np.testing.assert_array_equal(working.rgb, 1)
        assert working.notes

    def test_alpha_that_is_not_a_number_is_transparent_and_reported(self) -> None:
        working = Layer(np.array([[[0.5, np.nan], [0.5, 3], [0.5, -1]]], np.float32)).to_working()
        np.testing.assert_array_equal(working.alpha, [[0, 1, 0]])
        assert working.notes

    def test_only_the_asked_part_is_converted(self) -> None:
        layer = Layer(np.zeros((10_000, 10_000, 1), np.uint8), Point(-5000, -5000))
        tracemalloc.start()
        working = layer.to_working(Bounds(-100, -100, 300, 300))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert working.rgb.shape == (300, 300, 3)
        assert peak < 16 * 2**20

    def test_beyond_the_layer_it_is_transparent(self) -> None:
        working = Layer(plain(Extent(4, 4), "rgb", "uint8")).to_working(Bounds(-1, -1, 3, 3))
        assert working.alpha.tolist() == [[0, 0, 0], [0, 1, 1], [0, 1, 1]]
        assert working.bounds == Bounds(-1, -1, 3, 3)

    def test_the_arrays_are_its_own(self) -> None:
        layer = Layer.from_buffer(np.ones((2, 2, 3), np.float32).tobytes(), Extent(2, 2), "rgb", "float32")
        working = layer.to_working()
        working.rgb[:] = 0
        working.alpha[:] = 0
        assert (layer.pixels == 1).all()

    def test_from_working_rounds_and_clips(self) -> None:
        rgb = np.array([[[-1, 0.5 / 255 + 1e-6, 2]]], np.float32)
        layer = from_working(rgb, np.array([[0.999]], np.float32), Bounds(0, 0, 1, 1), Layer(np.zeros((1, 1, 3), "u1")))
        assert layer.pixels.tolist() == [[[0, 1, 255, 255]]]
        half = from_working(
            rgb * 1e6, np.ones((1, 1), np.float32), Bounds(0, 0, 1, 1), Layer(np.zeros((1, 1, 3), "f2"))
        )
        assert np.isfinite(half.pixels).all()

    def test_from_working_refuses_visible_nonsense_only(self) -> None:
        like = Layer(np.zeros((1, 2, 3), np.uint8))
        rgb = np.array([[[np.nan, 0, 0], [1, 1, 1]]], np.float32)
        hidden = from_working(rgb, np.array([[0, 1]], np.float32), like.bounds, like)
        assert hidden.pixels[0, 0].tolist() == [0, 0, 0, 0]
        with pytest.raises(ValueError, match="not a finite number"):
            from_working(rgb, np.array([[0.1, 1]], np.float32), like.bounds, like)

    def test_from_working_refuses_shapes_that_do_not_fit(self) -> None:
        like = Layer(np.zeros((4, 4, 3), np.uint8))
        with pytest.raises(ValueError, match="do not fit"):
            from_working(np.zeros((4, 4, 3), np.float32), np.zeros((4, 4), np.float32), Bounds(0, 0, 4, 5), like)


class TestComposite:
    @settings(deadline=None)
    @given(extents, extents, layouts, layouts, depths, st.booleans(), offsets, offsets, colours, seeds)
    def test_outside_alpha_nothing_changes_and_where_opaque_it_is_the_top(
        self,
        base_extent: Extent,
        top_extent: Extent,
        base_layout: str,
        top_layout: str,
        depth: str,
        same_channels: bool,
        base_offset: Point,
        top_offset: Point,
        colour: Colour,
        seed: int,
    ) -> None:
        if same_channels:
            top_layout = base_layout
        base = Layer(any_bits(base_extent, base_layout, depth, seed), base_offset, colour)
        top_pixels = any_bits(top_extent, top_layout, depth, seed + 1).copy()
        if top_layout.endswith("a"):
            choice = np.random.default_rng(seed).integers(0, 3, top_extent.shape)
            top_pixels[..., -1] = np.choose(choice, [0, full(depth), full(depth) / 2]).astype(depth)
        top = Layer(top_pixels, top_offset, colour)

        result = composite(base, top)

        assert (result.bounds, result.depth, result.layout, result.colour) == (
            base.bounds,
            base.depth,
            base.layout,
            base.colour,
        )
        alpha = top.crop(base.bounds).alpha() if base.bounds != top.bounds else top.alpha()
        outside = alpha == 0
        np.testing.assert_array_equal(bits(result.pixels[outside]), bits(base.pixels[outside]))
        if base.is_gray and not top.is_gray:
            return
        shown = top.crop(base.bounds).pixels
        count = 1 if base.is_gray else 3
        expected = np.repeat(shown[..., :1], count, axis=2) if top.is_gray else shown[..., :count]
        opaque = alpha == 1
        np.testing.assert_array_equal(bits(result.pixels[opaque][:, :count]), bits(expected[opaque]))
        if base.has_alpha:
            assert (result.pixels[opaque][:, -1] == full(depth)).all()

    @pytest.mark.parametrize("base_depth", DEPTHS)
    @pytest.mark.parametrize("top_depth", DEPTHS)
    def test_depths_mix(self, base_depth: str, top_depth: str) -> None:
        base = Layer(plain(Extent(6, 6), "rgb", base_depth, 1))
        top_pixels = plain(Extent(3, 3), "rgba", top_depth, 2)
        top_pixels[..., -1] = full(top_depth)
        result = composite(base, Layer(top_pixels, Point(2, 2)))
        assert result.depth == base_depth
        inside = result.pixels[2:5, 2:5] / full(base_depth)
        # Half a step of the coarser of both.
        steps = {"uint8": 0.5 / 255, "uint16": 0.5 / 65535, "float16": 2**-12, "float32": 2**-24}
        np.testing.assert_allclose(inside, top_pixels[..., :3] / full(top_depth), atol=steps[base_depth] * 1.01 + 1e-7)
        outside = np.ones((6, 6), bool)
        outside[2:5, 2:5] = False
        np.testing.assert_array_equal(result.pixels[outside], base.pixels[outside])

    def test_blend_of_half_over_opaque(self) -> None:
        base = Layer(np.full((1, 1, 3), 100, np.uint8))
        top = Layer(np.array([[[200, 0, 101, 51]]], np.uint8))  # alpha 0.2
        assert composite(base, top).pixels.tolist() == [[[120, 80, 100]]]

    @pytest.mark.parametrize(
        ("base", "top", "result"),
        [
            ((0.0, 0.5), (1.0, 0.5), (1.0, 0.5)),  # a soft edge, drawn again: as soft as it was
            ((0.0, 0.5), (1.0, 0.25), (0.5, 0.5)),  # half selected
            ((0.0, 0.25), (1.0, 0.75), (1.0, 0.75)),  # a fill of what was nearly transparent
            ((0.0, 1.0), (1.0, 0.25), (0.25, 1.0)),  # what editors do
        ],
    )
    def test_alphas_are_not_added_up(
        self, base: tuple[float, float], top: tuple[float, float], result: tuple[float, float]
    ) -> None:
        once = composite(Layer(np.array([[base]], np.float32)), Layer(np.array([[top]], np.float32)))
        np.testing.assert_allclose(once.pixels, [[result]], rtol=1e-6)

    @settings(deadline=None)
    @given(extents, depths, seeds)
    def test_a_layer_no_more_opaque_than_the_picture_keeps_its_alpha(
        self, extent: Extent, depth: str, seed: int
    ) -> None:
        base = Layer(plain(extent, "rgba", depth, seed))
        pixels = plain(extent, "rgba", depth, seed + 1)
        pixels[..., -1] = np.minimum(pixels[..., -1], base.pixels[..., -1])
        result = composite(base, Layer(pixels))
        np.testing.assert_array_equal(bits(result.pixels[..., -1]), bits(base.pixels[..., -1]))

    def test_profiles_are_converted(self) -> None:
        base = Layer(np.zeros((1, 1, 3), np.uint8), colour=Colour("icc", profile_of(P3, D65, 2.2)))
        top = Layer(np.array([[[255, 0, 0]]], np.uint8))
        assert np.abs(composite(base, top).pixels[0, 0].astype(int) - [234, 53, 38]).max() <= 6

    def test_over_nothing_it_is_the_top_with_its_alpha(self) -> None:
        base = Layer(np.array([[[9, 9, 9, 0]]], np.uint8))
        top = Layer(np.array([[[1, 2, 3, 40]]], np.uint8))
        assert composite(base, top).pixels.tolist() == top.pixels.tolist()

    def test_nonsense_below_full_transparency_does_not_show(self) -> None:
        base = Layer(np.array([[[np.nan, 0]]], np.float32))
        assert composite(base, Layer(np.array([[[0.25, 0.5]]], np.float32))).pixels.tolist() == [[[0.25, 0.5]]]

    def test_linear_top_over_encoded_base_is_encoded(self) -> None:
        base = Layer(np.zeros((1, 1, 3), np.uint8))
        top = Layer(np.full((1, 1, 3), 0.21404114, np.float32), colour=LINEAR)
        assert composite(base, top).pixels.tolist() == [[[128, 128, 128]]]
        linear = composite(Layer(np.zeros((1, 1, 3), np.float32), colour=LINEAR), Layer(np.full((1, 1, 3), 128, "u1")))
        np.testing.assert_allclose(linear.pixels, 0.2158605, atol=1e-6)

    def test_a_top_that_does_not_reach_gives_the_base_itself(self) -> None:
        base = Layer(plain(Extent(2, 2), "rgb", "uint8"))
        assert composite(base, Layer(plain(Extent(2, 2), "rgba", "uint8"), Point(5, 5))) is base

    def test_the_base_is_not_written_to(self) -> None:
        base = Layer(np.zeros((2, 2, 3), np.uint8))
        composite(base, Layer(np.full((2, 2, 3), 255, np.uint8)))
        assert not base.pixels.any()
