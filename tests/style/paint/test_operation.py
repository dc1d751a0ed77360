"""`paint-style` with `method=fast`, and what both methods share: styles, places, colours and refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from scumble.imaging.colour import LINEAR, SRGB, Colour
from scumble.imaging.geometry import Bounds, Point
from scumble.imaging.layer import DEPTHS, LAYOUTS, Layer, composite
from scumble.operations import find
from scumble.operations.context import Context
from scumble.style.colour_transfer import rgb_to_lab, sliced_wasserstein
from scumble.worker.models import ModelCache
from scumble_client.errors import ScumbleError
from tests.support.inpainting import selection
from tests.support.pictures import SRGB_PROFILE
from tests.support.style import CONTENT, STYLE, Floats, photograph, run, stored, working

COLOURS = (SRGB, LINEAR, Colour("icc", SRGB_PROFILE))
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def paint(image: Layer = CONTENT, **more: Any) -> Layer:
    return run("paint-style", **{"image": image, "style": STYLE, **more})


def distance(a: Layer, b: Layer) -> float:
    return sliced_wasserstein(rgb_to_lab(working(a)).reshape(-1, 3), rgb_to_lab(working(b)).reshape(-1, 3))


def stripes(height: int, width: int, along: int) -> Layer:
    """A style whose strokes are unmistakable: lines of black and white, four pixels wide."""
    lines = (np.indices((height, width))[along] // 4 % 2 * 255).astype(np.uint8)
    return Layer(np.repeat(lines[..., None], 3, axis=2))


def steps(layer: Layer, axis: int) -> float:
    return float(np.abs(np.diff(working(layer)[..., 1], axis=axis)).mean())


def refused(**given: Any) -> ScumbleError:
    with pytest.raises(ScumbleError) as raised:
        run("paint-style", **given)
    assert raised.value.message.endswith(".")
    assert raised.value.hint.endswith(".")
    return raised.value


@pytest.fixture
def calm() -> Layer:
    """A photograph without forms, so that all that is seen on it are strokes."""
    smooth = ndimage.gaussian_filter(photograph(1, 96, 128, (0.5, 0.5, 0.5)), (8, 8, 0))
    return Layer(stored(smooth.astype(np.float32)))


class TestStrokes:
    def test_the_style_s_colours_and_strokes_appear(self, calm: Layer) -> None:
        layer = paint(calm, style=stripes(90, 90, 0), turn=False, style_scale=1.0)
        assert distance(layer, stripes(90, 90, 0)) < 0.75 * distance(calm, stripes(90, 90, 0))
        assert steps(layer, 0) > 2 * steps(layer, 1)

    def test_forms_stay_and_what_is_calm_is_painted(self) -> None:
        picture = np.full((96, 128, 3), 0.5, np.float32)
        picture[30:66, 40:46] = 0.1  # thinner than a stroke
        layer = working(paint(Layer(stored(picture)), style=Layer(stored(photograph(5, 160, 200))))) @ LUMA
        assert layer[34:62, 41:45].mean() < layer[34:62, 52:60].mean() - 0.15
        assert layer[:, 90:].std() > 0.02

    def test_strokes_turn_only_where_they_may(self, calm: Layer) -> None:
        image = calm
        upright, turned = (paint(image, style=stripes(90, 90, 0), turn=turn) for turn in (False, True))
        assert steps(turned, 1) > steps(upright, 1)

    def test_the_picture_is_still_there(self) -> None:
        left_bright = np.full((96, 128, 3), 0.15, np.float32)
        left_bright[:, :64] = 0.85
        found = working(paint(Layer(stored(left_bright)))) @ LUMA
        assert found[:, :56].mean() > found[:, 72:].mean() + 0.15

    def test_more_detail_is_nearer_to_the_picture(self) -> None:
        image = Layer(stored(photograph(4, 192, 256)))
        style = Layer(stored(photograph(5, 160, 200)))
        coarse, fine = (working(paint(image, style=style, detail=detail)) for detail in (0.0, 1.0))
        wanted = working(image)

        def error(found: Floats) -> float:
            return 1 - float(np.corrcoef(found[..., 1].ravel(), wanted[..., 1].ravel())[0, 1])

        assert error(fine) < error(coarse)

    def test_strength_goes_part_of_the_way_and_zero_none(self) -> None:
        found = [working(paint(strength=s)) for s in (0.0, 0.5, 1.0)]
        assert np.abs(found[0] - working(CONTENT)).max() <= 1.01 / 255
        assert found[1] == pytest.approx((found[0] + found[2]) / 2, abs=1.01 / 255)

    def test_original_colours_stay(self) -> None:
        grey = Layer(np.full((60, 80, 3), 120, np.uint8))
        found = working(paint(grey, original_colors=True))
        assert np.abs(found - found.mean(axis=2, keepdims=True)).max() <= 1.01 / 255
        assert found.std() > 0.01

    def test_same_seed_same_pixels(self) -> None:
        one, two, other = (run("paint-style", seed, image=CONTENT, style=STYLE).pixels for seed in (7, 7, 8))
        assert np.array_equal(one, two)
        assert not np.array_equal(one, other)


class TestStyles:
    def test_a_bundled_painting_is_the_default(self) -> None:
        assert np.abs(working(run("paint-style", image=CONTENT)) - working(CONTENT)).mean() > 0.02

    def test_a_style_layer_replaces_the_default_painting(self) -> None:
        assert np.array_equal(paint().pixels, paint(painting="none").pixels)

    def test_blend_weights_share_the_area_out(self) -> None:
        red, blue = (Layer(stored(photograph(6, 40, 40, tint))) for tint in ((0.9, 0.1, 0.1), (0.1, 0.1, 0.9)))
        image = Layer(stored(photograph(1, 96, 128)))
        found = [paint(image, style=red, second_style=blue, blend=blend) for blend in ("3,1", "1,3", "1,0")]
        redness = [float((working(one)[..., 0] - working(one)[..., 2]).mean()) for one in found]
        assert redness[2] > redness[0] > redness[1]

    def test_weight_zero_is_as_if_it_were_not_there(self) -> None:
        assert np.array_equal(paint(second_style=CONTENT, blend="1,0").pixels, paint().pixels)

    def test_as_many_weights_as_styles(self) -> None:
        error = refused(image=CONTENT, style=STYLE, blend="1,2,3")
        assert "one style, but 3 blend weights" in error.message

    @pytest.mark.parametrize("text", ["a", "1,-1", "0,0", "nan", "1,,2", "inf"])
    def test_wrong_weights_are_refused(self, text: str) -> None:
        assert refused(image=CONTENT, style=STYLE, blend=text).code == "invalid_parameter"

    def test_no_style(self) -> None:
        assert refused(image=CONTENT, painting="none").code == "missing_input"

    def test_a_transparent_style(self) -> None:
        assert "transparent" in refused(image=CONTENT, style=Layer(np.zeros((9, 9, 4), np.uint8))).message

    def test_only_what_is_seen_of_a_style_is_used(self) -> None:
        pixels = np.concatenate(
            [stored(photograph(2, 80, 80, (0.8, 0.3, 0.2))), np.full((80, 80, 1), 255, np.uint8)], 2
        )
        pixels[:, 40:] = (0, 255, 0, 0)
        found = working(paint(style=Layer(pixels)))
        assert (found[..., 1] - found[..., 0]).max() < 0.3

    @pytest.mark.parametrize("extent", [(1, 1), (1, 30), (30, 1), (5, 5)])
    def test_tiny_styles(self, extent: tuple[int, int]) -> None:
        assert np.isfinite(paint(style=Layer(STYLE.pixels[: extent[1], : extent[0]])).pixels).all()


class TestPlaces:
    @pytest.mark.parametrize("colour", COLOURS, ids=lambda colour: colour.kind)
    @pytest.mark.parametrize("layout", LAYOUTS)
    @pytest.mark.parametrize("depth", DEPTHS)
    def test_outside_the_selection_the_picture_stays_bit_for_bit(self, depth: str, layout: str, colour: Colour) -> None:
        values: NDArray[np.float32] = photograph(5)[..., : 1 if layout.startswith("gray") else 3]
        if layout.endswith("a"):
            values = np.concatenate([values, np.ones((48, 64, 1), np.float32)], axis=2)
            values[:9, :9, -1] = 0
        image = Layer(stored(values, depth), Point(-7, 11), colour)
        hole = Bounds(0, 20, 30, 20)
        layer = paint(image, mask=selection(image.bounds, hole))
        assert (layer.depth, layer.colour, layer.is_gray) == (image.depth, image.colour, image.is_gray)
        assert layer.bounds == hole
        result = composite(image, layer)
        outside = np.ones(image.extent.shape, np.bool_)
        outside[hole.relative_to(image.offset).slices] = False
        assert result.pixels[outside].tobytes() == image.pixels[outside].tobytes()
        assert not np.array_equal(result.pixels, image.pixels)

    def test_strokes_in_a_small_selection_are_as_large_as_those_of_the_whole(self) -> None:
        image = Layer(np.full((240, 320, 3), 128, np.uint8))
        style = stripes(266, 266, 0)
        part = Bounds(100, 100, 60, 60)
        whole = paint(image, style=style, turn=False)
        alone = paint(image, style=style, turn=False, mask=selection(image.bounds, part))
        assert alone.bounds == part
        assert steps(alone, 0) == pytest.approx(steps(whole, 0), rel=0.3)

    @pytest.mark.parametrize("extent", [(1, 1), (1, 40), (40, 1), (3, 3)])
    def test_tiny_layers(self, extent: tuple[int, int]) -> None:
        layer = paint(Layer(CONTENT.pixels[: extent[1], : extent[0]]))
        assert layer.extent == extent

    def test_a_large_document_has_strokes_as_sharp_as_the_style(self) -> None:
        image = Layer(stored(photograph(1, 300, 400)))
        style = stripes(400, 400, 0)
        layer = paint(image, style=style, size=100, turn=False)
        assert layer.bounds == image.bounds
        assert steps(layer, 0) > 0.5 * steps(style, 0) * 100 / 83

    def test_a_large_document_looks_like_the_small_one(self) -> None:
        small = Layer(stored(photograph(1, 90, 120)))
        large = Layer(np.repeat(np.repeat(small.pixels, 3, axis=0), 3, axis=1))
        seen = [working(paint(image, size=120)) for image in (small, large)]
        means = seen[1].reshape(90, 3, 120, 3, 3).mean(axis=(1, 3))
        assert np.abs(means - seen[0]).mean() < 0.03


def test_cancels_wherever_it_is() -> None:
    calls: list[float] = []
    paint(report=lambda fraction, message: calls.append(fraction))
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
            paint(report=report)
        assert count == stop + 1


def test_shows_the_broad_strokes_while_the_fine_ones_are_chosen() -> None:
    shown: list[Layer] = []
    operation = find("paint-style")
    context = Context(0, "cpu", ModelCache(), lambda fraction, message: None, preview=shown.append)
    operation.run({"image": CONTENT, "style": STYLE}, operation.validate({}), context)
    assert [(layer.extent, layer.depth) for layer in shown] == [(CONTENT.extent, "uint8")] * 2


class TestDirection:
    def test_strokes_run_as_they_are_painted(self) -> None:
        image = Layer(np.full((192, 192, 3), 128, np.uint8))
        style = stripes(160, 160, 0)
        for along in (0, 1):
            strokes = np.zeros((192, 192, 4), np.uint8)
            strokes[..., 3] = np.where(np.indices((192, 192))[along] % 48 < 8, 255, 0)
            layer = paint(image, style=style, direction=Layer(strokes))
            assert steps(layer, along) > 1.3 * steps(layer, 1 - along)

    def test_a_picture_of_lines_counts_by_its_lightness(self) -> None:
        image = Layer(np.full((192, 192, 3), 128, np.uint8))
        layer = paint(image, style=stripes(160, 160, 0), direction=stripes(192, 192, 1))
        assert steps(layer, 1) > 1.3 * steps(layer, 0)

    def test_a_layer_without_strokes_is_told(self) -> None:
        error = refused(image=CONTENT, style=STYLE, direction=Layer(np.zeros((48, 64, 4), np.uint8)))
        assert error.code == "missing_input"
        assert "direction" in error.message
