"""`photo-style`: colours of the style, structure of the content, and nothing beyond the selection."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from scumble.imaging.colour import LINEAR, SRGB, Colour
from scumble.imaging.geometry import Bounds, Point
from scumble.imaging.io.colour_tags import D65, P3
from scumble.imaging.layer import DEPTHS, LAYOUTS, Layer, composite
from scumble.imaging.profiles import from_srgb, profile_of
from scumble.style.colour_transfer import rgb_to_lab, sliced_wasserstein
from scumble.style.photo import transport
from scumble_client.errors import ScumbleError
from tests.support.inpainting import selection
from tests.support.pictures import SRGB_PROFILE
from tests.support.style import CONTENT, STYLE, Floats, photograph, run, stored, working

COLOURS = (SRGB, LINEAR, Colour("icc", SRGB_PROFILE))


def halves(layer: Layer, left: tuple[int, ...], right: tuple[int, ...]) -> Layer:
    """A segmentation: two flat colours side by side."""
    pixels = np.zeros((*layer.extent.shape, 3), np.uint8)
    middle = layer.extent.width // 2
    pixels[:, :middle], pixels[:, middle:] = left, right
    return Layer(pixels, layer.offset)


def distance(a: Layer, b: Layer) -> float:
    """Between the colours of two layers."""
    return sliced_wasserstein(rgb_to_lab(working(a)).reshape(-1, 3), rgb_to_lab(working(b)).reshape(-1, 3))


def refused(**given: object) -> ScumbleError:
    with pytest.raises(ScumbleError) as raised:
        run("photo-style", **given)  # type: ignore[arg-type]
    assert raised.value.message.endswith(".")
    assert raised.value.hint.endswith(".")
    return raised.value


class TestStyle:
    def test_takes_the_style_s_colours(self) -> None:
        layer = run("photo-style", image=CONTENT, style=STYLE, segments="none")
        assert layer.bounds == CONTENT.bounds
        assert distance(layer, STYLE) < 0.15 * distance(CONTENT, STYLE)

    def test_strength_goes_part_of_the_way_and_zero_none(self) -> None:
        found = [
            working(run("photo-style", image=CONTENT, style=STYLE, segments="none", strength=s)) for s in (0, 0.5, 1)
        ]
        assert np.abs(found[0] - working(CONTENT)).max() <= 1.01 / 255
        middle, ends = rgb_to_lab(found[1]), (rgb_to_lab(found[0]) + rgb_to_lab(found[2])) / 2
        assert np.abs(middle - ends).mean() < 0.5

    def test_too_little_of_a_style_is_said(self) -> None:
        one = Layer(np.full((1, 1, 3), 99, np.uint8))
        assert "Too little is seen of the style picture" in refused(image=CONTENT, style=one).message

    @pytest.mark.parametrize("segments", ["none", "automatic"])
    def test_one_photograph_in_a_wide_space_gets_the_same_look(self, segments: str) -> None:
        icc = profile_of(P3, D65, 2.2)
        wide = Layer(
            np.rint(from_srgb(working(CONTENT), icc) * 255).astype(np.uint8), CONTENT.offset, Colour("icc", icc)
        )
        apart = np.abs(working(wide) - working(CONTENT)).mean()
        assert 0 < apart < 0.6 / 255, "the two files differ by rounding"
        one, other = (run("photo-style", image=image, style=STYLE, segments=segments) for image in (CONTENT, wide))
        assert other.colour == wide.colour
        assert np.abs(working(one) - working(other)).mean() < 2 / 255

    def test_a_bundled_painting_is_a_style(self) -> None:
        layer = run("photo-style", image=CONTENT, painting="sunset")
        assert np.abs(working(layer) - working(CONTENT)).mean() > 0.05

    def test_same_seed_same_pixels(self) -> None:
        one, two = (run("photo-style", 7, image=CONTENT, style=STYLE) for _ in range(2))
        assert np.array_equal(one.pixels, two.pixels)

    def test_the_style_may_lie_anywhere_and_have_any_size(self) -> None:
        moved = Layer(STYLE.pixels, Point(-500, 900))
        one, two = (run("photo-style", image=CONTENT, style=style).pixels for style in (STYLE, moved))
        assert np.array_equal(one, two)

    def test_transparent_parts_of_the_style_give_no_colour(self) -> None:
        pixels = np.concatenate([STYLE.pixels, np.full((40, 56, 1), 255, np.uint8)], axis=2)
        pixels[:, 28:] = (0, 255, 0, 0)
        plain = Layer(STYLE.pixels[:, :28])
        layer = run("photo-style", image=CONTENT, style=Layer(pixels), segments="none")
        assert distance(layer, plain) < 0.2 * distance(CONTENT, plain)


class TestSegments:
    def test_equal_colours_go_together(self) -> None:
        style = np.concatenate([photograph(3, 40, 28, (0.8, 0.2, 0.2)), photograph(4, 40, 28, (0.2, 0.8, 0.2))], axis=1)
        layer = run(
            "photo-style",
            image=CONTENT,
            style=Layer(stored(style)),
            segmentation=halves(CONTENT, (255, 255, 255), (0, 0, 0)),
            style_segmentation=halves(STYLE, (0, 0, 0), (255, 255, 255)),
        )
        left, right = working(layer)[:, :24].mean(axis=(0, 1)), working(layer)[:, 40:].mean(axis=(0, 1))
        assert left == pytest.approx((0.2, 0.8, 0.2), abs=0.08)
        assert right == pytest.approx((0.8, 0.2, 0.2), abs=0.08)

    def test_a_style_segmentation_of_another_size_is_fitted(self) -> None:
        maps = halves(CONTENT, (255, 0, 0), (0, 0, 255)), halves(STYLE, (255, 0, 0), (0, 0, 255))
        large = Layer(np.repeat(np.repeat(maps[1].pixels, 2, axis=0), 2, axis=1))
        one, two = (
            run("photo-style", image=CONTENT, style=STYLE, segmentation=maps[0], style_segmentation=m).pixels
            for m in (maps[1], large)
        )
        assert np.array_equal(one, two)

    def test_what_the_style_lacks_stays_and_is_told(self) -> None:
        notes: list[str] = []
        layer = run(
            "photo-style",
            image=CONTENT,
            style=STYLE,
            segmentation=halves(CONTENT, (255, 0, 0), (0, 0, 255)),
            style_segmentation=halves(STYLE, (255, 0, 0), (255, 0, 0)),
            notes=notes,
        )
        assert any("stay as they are" in note for note in notes)
        assert np.abs(working(layer)[:, 44:] - working(CONTENT)[:, 44:]).mean() < 0.01

    def test_one_segmentation_alone_is_refused(self) -> None:
        error = refused(image=CONTENT, style=STYLE, segmentation=halves(CONTENT, (255, 0, 0), (0, 0, 0)))
        assert error.code == "missing_input"
        assert "none of the style picture" in error.message
        error = refused(image=CONTENT, style=STYLE, style_segmentation=halves(STYLE, (255, 0, 0), (0, 0, 0)))
        assert "none of the picture" in error.message

    def test_nothing_in_common_is_refused(self) -> None:
        error = refused(
            image=CONTENT,
            style=STYLE,
            segmentation=halves(CONTENT, (255, 0, 0), (0, 0, 0)),
            style_segmentation=halves(STYLE, (0, 255, 0), (0, 0, 255)),
        )
        assert error.code == "invalid_parameter"
        assert "no colour in common" in error.message

    def test_an_empty_segmentation_is_refused(self) -> None:
        empty = Layer(np.zeros((*CONTENT.extent.shape, 4), np.uint8))
        error = refused(image=CONTENT, style=STYLE, segmentation=empty, style_segmentation=STYLE)
        assert "empty" in error.message


class TestPlaces:
    @pytest.mark.parametrize("colour", COLOURS, ids=lambda colour: colour.kind)
    @pytest.mark.parametrize("layout", LAYOUTS)
    @pytest.mark.parametrize("depth", DEPTHS)
    def test_outside_the_selection_the_picture_stays_bit_for_bit(self, depth: str, layout: str, colour: Colour) -> None:
        values = photograph(5)[..., : 1 if layout.startswith("gray") else 3]
        if layout.endswith("a"):
            values = np.concatenate([values, np.ones((48, 64, 1), np.float32)], axis=2)
            values[:9, :9, -1] = 0
        image = Layer(stored(values, depth), Point(-7, 11), colour)
        hole = Bounds(0, 20, 30, 20)
        layer = run("photo-style", image=image, style=STYLE, mask=selection(image.bounds, hole))
        assert (layer.depth, layer.colour, layer.is_gray) == (image.depth, image.colour, image.is_gray)
        assert layer.bounds == hole
        result = composite(image, layer)
        assert (result.depth, result.layout) == (image.depth, image.layout)
        outside = np.ones(image.extent.shape, np.bool_)
        outside[hole.relative_to(image.offset).slices] = False
        assert result.pixels[outside].tobytes() == image.pixels[outside].tobytes()
        assert not np.array_equal(result.pixels, image.pixels)

    def test_only_what_is_selected_is_matched(self) -> None:
        pixels = CONTENT.pixels.copy()
        pixels[:, 40:] = 255 - pixels[:, 40:]
        mask = selection(CONTENT.bounds, Bounds(0, 0, 30, 48))
        layers = [run("photo-style", image=Layer(p), style=STYLE, mask=mask) for p in (CONTENT.pixels, pixels)]
        assert np.array_equal(layers[0].pixels, layers[1].pixels)

    def test_a_soft_selection_keeps_its_softness(self) -> None:
        ramp = np.tile(np.linspace(0, 255, 64).astype(np.uint8), (48, 1))[..., None]
        layer = run("photo-style", image=CONTENT, style=STYLE, mask=Layer(ramp))
        assert layer.crop(CONTENT.bounds).pixels[..., -1].tolist() == ramp[..., 0].tolist()

    def test_a_wholly_faint_selection_still_works(self) -> None:
        mask = selection(CONTENT.bounds, CONTENT.bounds, value=60)
        layer = run("photo-style", image=CONTENT, style=STYLE, mask=mask, segments="none")
        assert distance(layer, STYLE) < 0.3 * distance(CONTENT, STYLE)

    @pytest.mark.parametrize("extent", [(1, 1), (1, 40), (40, 1), (3, 3)])
    def test_tiny_layers(self, extent: tuple[int, int]) -> None:
        layer = run("photo-style", image=Layer(CONTENT.pixels[: extent[1], : extent[0]]), style=STYLE)
        assert layer.extent == extent
        assert np.isfinite(layer.pixels).all()

    def test_large_layers_are_solved_small(self, monkeypatch: pytest.MonkeyPatch) -> None:
        seen: list[tuple[int, ...]] = []
        real = transport.solve

        def solve(content: Floats, *more: Any) -> transport.Transfer:
            seen.append(content.shape)
            return real(content, *more)

        monkeypatch.setattr(transport, "solve", solve)
        image = Layer(stored(photograph(1, 700, 1400)))
        layer = run("photo-style", image=image, style=STYLE, segments="none")
        assert max(seen[0]) <= 448
        assert layer.bounds == image.bounds


class TestRefusals:
    def test_no_style(self) -> None:
        error = refused(image=CONTENT)
        assert error.code == "missing_input"
        assert "one of the paintings" in error.hint

    def test_a_transparent_style(self) -> None:
        assert "transparent" in refused(image=CONTENT, style=Layer(np.zeros((9, 9, 4), np.uint8))).message

    def test_an_empty_selection(self) -> None:
        assert "empty" in refused(image=CONTENT, style=STYLE, mask=selection(CONTENT.bounds)).message

    def test_a_selection_off_the_layer(self) -> None:
        mask = selection(Bounds(900, 900, 20, 20), Bounds(900, 900, 20, 20))
        assert "Nothing is seen" in refused(image=CONTENT, style=STYLE, mask=mask).message

    def test_a_transparent_picture(self) -> None:
        assert "Nothing is seen" in refused(image=Layer(np.zeros((9, 9, 4), np.uint8)), style=STYLE).message


def test_cancels_wherever_it_is() -> None:
    calls: list[float] = []
    run("photo-style", image=CONTENT, style=STYLE, report=lambda fraction, message: calls.append(fraction))
    assert calls == sorted(calls)
    assert calls[-1] == 1
    for stop in (0, len(calls) // 2, len(calls) - 2):
        count = 0

        def report(fraction: float, message: str, stop: int = stop) -> None:
            nonlocal count
            count += 1
            if count > stop:
                raise ScumbleError("cancelled", "Cancelled.")

        with pytest.raises(ScumbleError, match="Cancelled"):
            run("photo-style", image=CONTENT, style=STYLE, report=report)
        assert count == stop + 1
