"""`face-brush` on the bundled portrait: what is painted happens, nothing else does, and bad inputs are told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy import ndimage

from scumble.faces.detection.found_face import frame_of, points_of
from scumble.faces.detection.parts import parts_of
from scumble.imaging.colour import LINEAR
from scumble.imaging.geometry import Bounds, Point
from scumble.imaging.layer import Layer, composite
from scumble.operations import find
from scumble.operations.context import Context
from scumble.worker.models import ModelCache
from scumble_client.errors import ScumbleError
from tests.support.faces import on_canvas, portrait, strokes
from tests.support.style import stored

WARM = ModelCache()
CONTEXT = Context(0, "cpu", WARM, lambda fraction, message: None)
FACE = Layer(portrait())
MOUTH = strokes(x=0.5, y=0.8, radius=0.06, colour=(200, 30, 50))
PALE = strokes(x=0.5, y=0.8, radius=0.06, colour=(245, 240, 232))
"""Too light for a tint, too broad for a line: the face has to follow."""


def brushed(models: ModelCache = WARM, notes: list[str] | None = None, **given: Any) -> Layer:
    layers = {name: value for name, value in given.items() if isinstance(value, Layer)}
    operation = find("face-brush")
    operation.check_roles(list(layers))
    context = Context(0, "cpu", models, lambda fraction, message: None)
    raw = {name: value for name, value in given.items() if not isinstance(value, Layer)}
    (output,) = operation.run(layers, operation.validate(raw), context)
    if notes is not None:
        notes += context.notes
    return output.layer


def refused(**given: Any) -> ScumbleError:
    with pytest.raises(ScumbleError) as raised:
        brushed(**given)
    assert raised.value.message.endswith(".")
    assert raised.value.hint.endswith(".")
    return raised.value


def selection(left: int, top: int, right: int, bottom: int, shape: tuple[int, int] = (256, 256)) -> Layer:
    pixels = np.zeros((*shape, 1), np.uint8)
    pixels[top:bottom, left:right] = 255
    return Layer(pixels)


def seen(base: Layer, layer: Layer) -> np.ndarray:
    """The picture as the artist sees it, as integers."""
    return composite(base, layer).pixels.astype(int)


def moved(rows: slice, columns: slice, by: tuple[int, int, int]) -> tuple[int, ...]:
    """A colour that differs by so much from the face's own in a place."""
    return tuple(int(v) for v in FACE.pixels[rows, columns].mean((0, 1)) + np.array(by))


class TestStrokes:
    def test_the_face_goes_towards_what_is_painted(self) -> None:
        after, before = seen(FACE, brushed(image=FACE, strokes=MOUTH)), FACE.pixels.astype(int)
        under = MOUTH.pixels[..., 3] > 0
        wanted = np.array([200, 30, 50])
        assert np.abs(after[under] - wanted).mean() < 0.75 * np.abs(before[under] - wanted).mean()
        far = np.zeros((256, 256), np.bool_)
        far[:100] = True
        assert np.abs(after[far] - before[far]).mean() < 4

    def test_detail_stays_where_the_face_follows(self) -> None:
        after, before = seen(FACE, brushed(image=FACE, strokes=PALE, finish=False)), FACE.pixels.astype(int)
        fine = [(p[1:] - p[:-1])[200:220, 100:150].astype(float).ravel() for p in (after, before)]
        assert np.corrcoef(*fine)[0, 1] > 0.7

    @pytest.mark.parametrize(("mode", "sign"), [("lighten", 1), ("darken", -1)])
    def test_lighter_and_darker(self, mode: str, sign: int) -> None:
        after = seen(FACE, brushed(image=FACE, strokes=MOUTH, mode=mode))
        under = MOUTH.pixels[..., 3] > 0
        assert sign * (after[under] - FACE.pixels[under].astype(int)).mean() > 10

    def test_strength_zero_is_nothing_and_half_is_less(self) -> None:
        notes: list[str] = []
        nothing = brushed(image=FACE, strokes=MOUTH, strength=0, notes=notes)
        assert not nothing.pixels[..., 3].any()
        assert "already" in notes[-1]
        change = [
            np.abs(seen(FACE, brushed(image=FACE, strokes=MOUTH, strength=s)) - FACE.pixels).mean() for s in (0.5, 1)
        ]
        assert 0.2 * change[1] < change[0] < 0.85 * change[1]

    def test_locality_keeps_the_rest(self) -> None:
        far = np.ones((256, 256), np.bool_)
        far[130:] = False
        change = [
            np.abs(seen(FACE, brushed(image=FACE, strokes=PALE, locality=v)) - FACE.pixels)[far].mean()
            for v in (0, 0.6, 1)
        ]
        assert change[0] > change[1] > change[2] == 0

    def test_fits(self) -> None:
        for fit in ("none", "latents", "last-layers"):
            assert brushed(image=FACE, strokes=MOUTH, fit=fit).pixels[..., 3].any()


class TestMeanings:
    def test_a_tint_moves_colours_and_leaves_every_pore(self) -> None:
        rouge = strokes(x=0.27, y=0.65, radius=0.05, colour=moved(slice(160, 170), slice(60, 75), (25, -20, -10)))
        layer = brushed(image=FACE, strokes=rouge)
        after, before = seen(FACE, layer).astype(float), FACE.pixels.astype(float)
        centre = slice(160, 172), slice(63, 75)
        shift = (after - before)[centre]
        assert shift[..., 0].mean() > 12
        assert shift[..., 1].mean() < -10
        assert shift.std((0, 1)).max() < 3

    def test_a_lipstick_stays_on_the_lips(self) -> None:
        points = points_of(FACE, frame_of({"image": FACE}, CONTEXT), CONTEXT)
        assert points is not None
        parts = parts_of(points * 256, 256)
        stick = np.zeros((256, 256, 4), np.uint8)
        around = ndimage.binary_dilation(parts.lips + parts.mouth > 0.5, iterations=2)
        stick[around] = (170, 20, 60, 255)
        after = seen(FACE, brushed(image=FACE, strokes=Layer(stick)))
        change = np.abs(after - FACE.pixels).sum(2)
        assert change[parts.lips > 0.9].mean() > 20
        beyond = ndimage.binary_dilation(parts.lips > 0.05, iterations=6)
        assert change[~beyond].max() <= 1

    def test_a_thin_line_is_drawn_and_nothing_beyond_it_changes(self) -> None:
        canvas = Image.new("RGBA", (256, 256), (0, 0, 0, 0))
        ImageDraw.Draw(canvas).line([(60, 60), (120, 50), (190, 62)], fill=(25, 18, 15, 255), width=4)
        line = Layer(np.asarray(canvas))
        after, before = seen(FACE, brushed(image=FACE, strokes=line)), FACE.pixels.astype(int)
        drawn = line.pixels[..., 3] > 0
        assert (before[drawn].mean() - after[drawn].mean()) > 0.6 * (before[drawn].mean() - 20)
        assert np.array_equal(
            after[ndimage.distance_transform_edt(~drawn) > 8], before[ndimage.distance_transform_edt(~drawn) > 8]
        )

    def test_a_tint_a_line_and_a_mass_on_one_layer_all_happen(self) -> None:
        canvas = np.array(PALE.pixels)
        canvas[150:160, 40:60] = (*moved(slice(150, 160), slice(40, 60), (20, -10, 0)), 255)
        canvas[40:43, 60:190] = (20, 15, 10, 255)
        change = np.abs(seen(FACE, brushed(image=FACE, strokes=Layer(canvas))) - FACE.pixels).mean(2)
        assert change[152:158, 45:55].mean() > 4
        assert change[41, 70:180].mean() > 15
        assert change[195:215, 115:140].mean() > 4

    def test_the_selection_bounds_tints_and_lines_as_well(self) -> None:
        canvas = np.zeros((256, 256, 4), np.uint8)
        canvas[150:160, 40:60] = (*moved(slice(150, 160), slice(40, 60), (20, -10, 0)), 255)
        canvas[80:83, 60:190] = (20, 15, 10, 255)
        layer = brushed(image=FACE, strokes=Layer(canvas), mask=selection(0, 0, 128, 256))
        assert layer.bounds.right <= 128


class TestPath:
    def test_any_order_and_any_memory_give_the_same_layer(self) -> None:
        """One by one in a worker that is warm, and all at once in one that knows nothing."""
        spots = [strokes(x=x, y=y, radius=0.05) for x, y in ((0.4, 0.65), (0.6, 0.65), (0.5, 0.25))]

        def together(layers: list[Layer]) -> Layer:
            pixels = np.zeros((256, 256, 4), np.uint8)
            for layer in layers:
                pixels = np.where(layer.pixels[..., 3:] > 0, layer.pixels, pixels)
            return Layer(pixels)

        at_once = brushed(ModelCache(), image=FACE, strokes=together(spots))
        for order in ((0, 1, 2), (2, 0, 1)):
            for count in (1, 2, 3):
                live = brushed(image=FACE, strokes=together([spots[i] for i in order[:count]]))
            assert live.bounds == at_once.bounds
            assert np.array_equal(live.pixels, at_once.pixels)


class TestPlace:
    def test_a_face_in_a_larger_picture_and_an_offset(self) -> None:
        canvas = on_canvas(portrait(200), 400, 500, 250, 120)
        image = Layer(canvas, Point(-40, 30))
        pixels = np.zeros((400, 500, 4), np.uint8)
        pixels[120 + 155 : 120 + 165, 250 + 90 : 250 + 110] = (200, 30, 50, 255)
        layer = brushed(image=image, strokes=Layer(pixels, Point(-40, 30)))
        assert Bounds(210, 150, 200, 200).contains(layer.bounds)

    def test_the_one_under_the_strokes(self) -> None:
        canvas = on_canvas(portrait(150), 200, 400, 10, 20)
        canvas[30:180, 230:380] = portrait(150)
        pixels = np.zeros((200, 400, 4), np.uint8)
        pixels[30 + 115 : 30 + 125, 230 + 65 : 230 + 85] = (200, 30, 50, 255)
        assert brushed(image=Layer(canvas), strokes=Layer(pixels)).bounds.x > 200

    def test_the_selection_where_no_face_is_found(self) -> None:
        plain = Layer(np.full((256, 256, 3), 150, np.uint8))
        assert "No face" in refused(image=plain, strokes=MOUTH).message
        notes: list[str] = []
        layer = brushed(image=plain, strokes=MOUTH, mask=selection(40, 40, 216, 216), notes=notes)
        assert any("taken as the face" in note for note in notes)
        assert Bounds(40, 40, 176, 176).contains(layer.bounds)

    def test_outside_the_selection_alpha_is_0(self) -> None:
        mask = selection(60, 100, 200, 205)
        layer = brushed(image=FACE, strokes=MOUTH, mask=mask, locality=0)
        assert layer.pixels[..., 3].any()
        assert not layer.crop(FACE.bounds).pixels[mask.pixels[..., 0] == 0].any()

    def test_nothing_moves_outside_the_second_mask(self) -> None:
        within = selection(0, 150, 256, 256)
        layer = brushed(image=FACE, strokes=MOUTH, within=within, locality=0)
        assert layer.pixels[..., 3].any()
        assert not layer.crop(FACE.bounds).pixels[:150].any()


class TestBadInputs:
    def test_nothing_painted(self) -> None:
        empty = Layer(np.zeros((256, 256, 4), np.uint8))
        assert "Nothing is painted" in refused(image=FACE, strokes=empty).message

    def test_strokes_beside_the_face(self) -> None:
        canvas = Layer(on_canvas(portrait(150), 200, 500, 10, 20))
        pixels = np.zeros((200, 500, 4), np.uint8)
        pixels[50:60, 400:420] = 255
        assert "on no face" in refused(image=canvas, strokes=Layer(pixels)).message

    def test_an_empty_selection(self) -> None:
        assert "selection is empty" in refused(image=FACE, strokes=MOUTH, mask=selection(0, 0, 0, 0)).message

    def test_a_transparent_layer(self) -> None:
        clear = Layer(np.zeros((256, 256, 4), np.uint8))
        mask = selection(40, 40, 200, 200)
        assert refused(image=clear, strokes=MOUTH, mask=mask).code == "missing_input"

    @pytest.mark.parametrize(
        "bad", [{"strength": 1.5}, {"mode": "blur"}, {"steps": 0}, {"locality": -1}, {"fit": "all"}]
    )
    def test_parameters(self, bad: dict[str, Any]) -> None:
        assert refused(image=FACE, strokes=MOUTH, **bad).code == "invalid_parameter"

    def test_published_weights_that_are_not_here(self) -> None:
        with pytest.raises(ScumbleError) as raised:
            brushed(image=FACE, strokes=PALE, model="ian-simple")
        assert raised.value.code == "weights_missing"
        assert "scumble weights pull ian-simple" in raised.value.hint


@pytest.mark.parametrize("depth", ["uint16", "float16", "float32"])
def test_depths(depth: str) -> None:
    image = Layer(stored(portrait() / 255, depth))
    layer = brushed(image=image, strokes=MOUTH)
    assert layer.depth == depth
    full = np.iinfo(depth).max if depth == "uint16" else 1
    change = composite(image, layer).pixels.astype(float) / full * 255
    assert np.abs(change - seen(FACE, brushed(image=FACE, strokes=MOUTH))).max() < 2.5


def test_gray_alpha_and_linear() -> None:
    gray = Layer(portrait().mean(axis=2, keepdims=True).astype(np.uint8))
    assert brushed(image=gray, strokes=MOUTH).layout == "graya"
    alpha = np.concatenate([portrait(), np.full((256, 256, 1), 255, np.uint8)], axis=2)
    alpha[:, :100, 3] = 0
    half = brushed(image=Layer(alpha), strokes=MOUTH, locality=0)
    assert not half.crop(FACE.bounds).pixels[:, :100, 3].any()
    linear = Layer(((portrait() / 255) ** 2.2).astype(np.float32), colour=LINEAR)
    layer = brushed(image=linear, strokes=MOUTH)
    assert layer.colour.kind == "linear"
    assert layer.pixels[..., 3].any()
