"""A run seen small: the part in view, its size, the parameters that shrink along, and the two pictures that come back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from PIL import ImageCms
from pydantic import Field, field_validator

from scumble.imaging.colour import Colour
from scumble.imaging.geometry import Bounds, Point
from scumble.imaging.layer import ORIGIN, Layer
from scumble.operations import operations
from scumble.operations.base import Operation, Output, Parameters, Role, hints
from scumble.operations.context import Context
from scumble.worker import execute as module
from scumble.worker.execute import execute
from scumble.worker.models import ModelCache
from scumble.worker.view import View, smaller
from scumble_client.errors import ScumbleError


class SquareParameters(Parameters):
    reach: int = Field(40, ge=0, json_schema_extra=hints(unit="pixels"))
    cell: float = Field(0.0, ge=0, json_schema_extra=hints(unit="pixels"))
    count: int = Field(9)
    variations: int = Field(4)

    @field_validator("cell")
    @classmethod
    def _size(cls, cell: float) -> float:
        if 0 < cell < 2:
            raise ValueError("too small")
        return cell


class Square(Operation[SquareParameters]):
    """Paints what is selected red, and keeps what it was given."""

    name = "square"
    title = "Square"
    help = "For tests."
    roles = (
        Role("image", "A picture", "Choose one.", required=True),
        Role("mask", "A selection", "Select.", kind="mask"),
        Role("style", "A style", "Choose one.", placed=False),
    )
    parameters = SquareParameters

    def __init__(self) -> None:
        self.layers: Mapping[str, Layer] = {}
        self.given: SquareParameters | None = None

    def run(self, layers: Mapping[str, Layer], parameters: SquareParameters, context: Context) -> Sequence[Output]:
        self.layers, self.given = layers, parameters
        image = layers["image"]
        alpha = layers["mask"].coverage(image.bounds) if "mask" in layers else np.ones(image.extent.shape)
        full = np.iinfo(image.depth).max if image.depth.startswith("u") else 1
        pixels = np.zeros((*image.extent.shape, 4), image.depth)
        pixels[..., 0], pixels[..., 3] = full, np.round(alpha * full) if full > 1 else alpha
        made = Layer(pixels, image.offset, image.colour)
        return [Output(made, context.seed + number) for number in range(parameters.variations)]


def look(
    monkeypatch: pytest.MonkeyPatch, layers: dict[str, Layer], view: dict[str, int], **parameters: Any
) -> tuple[Square, Layer, Layer]:
    square = Square()
    monkeypatch.setattr(module, "find", lambda name: square)
    outcome = execute("square", parameters, layers, 3, "cpu", ModelCache(), lambda f, m: None, view=view)
    assert [name for name, _ in outcome.layers] == ["Before", "After"]
    before, after = (output.layer for _, output in outcome.layers)
    return square, before, after


def ramp(height: int = 400, width: int = 600, offset: Point = ORIGIN) -> Layer:
    columns = np.linspace(0, 255, width).astype(np.uint8)
    return Layer(np.repeat(np.tile(columns, (height, 1))[..., None], 3, axis=2), offset)


def selection(bounds: Bounds) -> Layer:
    return Layer(np.full((*bounds.extent.shape, 1), 255, np.uint8), bounds.offset)


def box(x: int, y: int, width: int, height: int, side: int) -> dict[str, int]:
    return {"x": x, "y": y, "width": width, "height": height, "side": side}


def test_the_part_in_view_comes_back_at_the_size_of_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    layers = {"image": ramp(), "mask": selection(Bounds(200, 100, 100, 100))}
    _, before, after = look(monkeypatch, layers, box(100, 50, 400, 200, 100))
    assert before.bounds == after.bounds == Bounds(0, 0, 100, 50)
    assert before.layout == after.layout == "rgba"
    assert before.depth == "uint8"
    reds = (after.pixels == (255, 0, 0, 255)).all(axis=2)
    assert reds[13:37, 25:50].all()
    assert not reds[:12].any()
    assert not reds[:, :25].any()
    assert not reds[:, 50:].any()
    same = ~reds
    same[12:38, 25:50] = False
    assert (after.pixels[same] == before.pixels[same]).all()
    assert before.pixels[0, 0, 0] == pytest.approx(255 * 102 / 600, abs=1.5)


def test_it_is_never_made_larger(monkeypatch: pytest.MonkeyPatch) -> None:
    _, before, _ = look(monkeypatch, {"image": ramp(40, 60)}, box(10, 10, 20, 20, 500))
    assert before.bounds == Bounds(0, 0, 20, 20)
    assert (before.pixels[..., :3] == ramp(40, 60).pixels[10:30, 10:30]).all()


def test_what_is_beyond_the_picture_is_transparent(monkeypatch: pytest.MonkeyPatch) -> None:
    _, before, after = look(monkeypatch, {"image": ramp(40, 60, Point(-10, 5))}, box(-30, 0, 40, 40, 40))
    assert (before.pixels[:5, :, 3] == 0).all()
    assert (before.pixels[:, :20, 3] == 0).all()
    assert (before.pixels[5:, 20:, 3] == 255).all()
    assert (after.pixels[5:, 20:, 0] == 255).all()


def test_lengths_in_pixels_shrink_along_and_one_variation_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    square, _, _ = look(monkeypatch, {"image": ramp()}, box(0, 0, 400, 400, 100), reach=40, cell=20)
    assert square.given is not None
    assert (square.given.reach, square.given.cell, square.given.count, square.given.variations) == (10, 5.0, 9, 1)


def test_a_length_that_vanishes_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ScumbleError, match="too small to be seen"):
        look(monkeypatch, {"image": ramp()}, box(0, 0, 400, 400, 100), cell=4)


def test_something_around_goes_along_to_copy_from(monkeypatch: pytest.MonkeyPatch) -> None:
    square, _, _ = look(monkeypatch, {"image": ramp()}, box(200, 100, 200, 200, 100))
    assert square.layers["image"].bounds == Bounds(-25, -25, 150, 150)


def test_a_style_keeps_its_own_place_and_shrinks_as_the_picture_does(monkeypatch: pytest.MonkeyPatch) -> None:
    style = ramp(300, 200, Point(900, 900))
    square, _, _ = look(monkeypatch, {"image": ramp(), "style": style}, box(0, 0, 400, 400, 100))
    assert square.layers["style"].bounds == Bounds(0, 0, 50, 75)
    square, _, _ = look(monkeypatch, {"image": ramp(), "style": ramp(60, 40)}, box(0, 0, 400, 400, 100))
    assert square.layers["style"].extent.longest == 32


def test_a_view_beside_the_picture_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ScumbleError, match="Nothing of the layer is in view"):
        look(monkeypatch, {"image": ramp()}, box(700, 0, 100, 100, 100))


def test_colours_under_transparent_pixels_do_not_bleed_into_what_is_seen() -> None:
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[...] = (255, 0, 255, 0)
    pixels[:, ::2] = (10, 200, 30, 255)
    small = smaller(Layer(pixels), (0, 0, 8, 8), Bounds(0, 0, 4, 4))
    assert (small.pixels[..., :3] == (10, 200, 30)).all()
    assert (abs(small.pixels[..., 3].astype(int) - 128) <= 1).all()


@pytest.mark.parametrize("depth", ["uint8", "uint16", "float32"])
def test_what_is_shown_is_srgb_whatever_the_document_is(monkeypatch: pytest.MonkeyPatch, depth: str) -> None:
    full = np.iinfo(depth).max if depth.startswith("u") else 1
    grey = np.full((40, 40, 3), 0.2140411, np.float32) * full
    linear = Layer(grey.astype(depth), colour=Colour("linear"))
    _, before, _ = look(monkeypatch, {"image": linear}, box(0, 0, 40, 40, 20))
    assert (abs(before.pixels[..., :3].astype(int) - 127) <= 1).all()


def test_a_profile_of_the_document_is_gone_from_what_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = Layer(ramp(40, 40).pixels, colour=Colour("icc", icc))
    _, before, after = look(monkeypatch, {"image": picture}, box(0, 0, 40, 40, 40))
    assert before.colour.icc is None
    assert after.colour.icc is None
    assert (abs(before.pixels[..., :3].astype(int) - picture.pixels) <= 1).all()


@pytest.mark.parametrize("name", [name for name, o in operations().items() if not o.hidden])
def test_every_operation_can_be_looked_at(name: str) -> None:
    """With its defaults, on a picture of which a part is selected."""
    rng = np.random.default_rng(0)
    pixels = np.clip(ramp(300, 300).pixels + rng.normal(0, 8, (300, 300, 1)), 0, 255).astype(np.uint8)
    picture = Layer(pixels)
    layers = {"image": picture}
    for role in operations()[name].roles:
        if role.name in ("mask", "strokes"):
            layers[role.name] = selection(Bounds(120, 120, 60, 60))
    if name == "photo-style":
        layers["style"] = ramp(100, 100)
    outcome = execute(name, {}, layers, 0, "cpu", ModelCache(), lambda f, m: None, view=box(50, 50, 200, 200, 100))
    assert [layer.layer.bounds for _, layer in outcome.layers] == [Bounds(0, 0, 100, 100)] * 2


def test_the_described_view_is_read_back() -> None:
    view = View.of(box(1, -2, 300, 100, 150))
    assert view == View(Bounds(1, -2, 300, 100), 150)
    assert view.scale == 0.5
    assert view.shown == Bounds(0, 0, 150, 50)
