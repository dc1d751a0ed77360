"""`inpaint` with another picture to take from: of the same place, of another place, and of little."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from scumble.imaging.geometry import Bounds, Point
from scumble.imaging.layer import Layer, composite
from scumble.operations import find
from scumble.operations.base import Output
from scumble_client.errors import ScumbleError
from tests.support.inpainting import context, selection
from tests.support.two_views import place, seen_from

FRAME = Bounds(0, 0, 260, 200)
HOLE = Bounds(100, 70, 60, 50)

SAME, ANOTHER = "The reference shows the same place", "The reference shows another place"


def stored(picture: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.round(picture * 255).astype(np.uint8)


def damaged(picture: NDArray[np.float32], hole: Bounds = HOLE) -> NDArray[np.uint8]:
    """Somebody in magenta stands in the hole."""
    pixels = stored(picture)
    pixels[hole.slices] = (255, 0, 255)
    return pixels


def filled(
    image: Layer, reference: Layer, mask: Layer | None = None, **parameters: Any
) -> tuple[list[Output], list[str]]:
    asked = context()
    layers = {"image": image, "mask": mask or selection(FRAME, HOLE), "reference": reference}
    operation = find("inpaint")
    return list(operation.run(layers, operation.validate(parameters), asked)), asked.notes


def error(image: Layer, output: Output, truth: NDArray[np.float32], part: Bounds = HOLE) -> float:
    """Root mean square in the hole."""
    made = composite(image, output.layer).pixels[..., :3].astype(np.float32) / 255
    return float(np.sqrt(((made - truth)[part.slices] ** 2).mean()))


@pytest.mark.parametrize("method", ["auto", "patchmatch", "network", "smooth"])
def test_the_same_place_in_another_light_gives_what_is_missing(method: str) -> None:
    truth = place(11)
    image = Layer(damaged(truth))
    outputs, notes = filled(image, Layer(stored(seen_from(truth).picture)), method=method)
    assert error(image, outputs[0], truth) < 0.035
    assert any(SAME in note for note in notes)


def test_where_layers_lie_does_not_matter() -> None:
    """The picture lies elsewhere in the document, the reference is a file of its own size."""
    truth = place(12)
    at = Point(-40, 33)
    image = Layer(damaged(truth), at)
    mask = selection(FRAME.moved(at), HOLE.moved(at))
    reference = Layer(stored(seen_from(truth, degrees=-20, size=0.8).picture)[10:, 15:], Point(500, 7))
    outputs, _ = filled(image, reference, mask)
    assert error(image, outputs[0], truth) < 0.04
    assert outputs[0].layer.bounds == HOLE.moved(at)


def test_what_the_reference_does_not_show_is_filled_as_ever() -> None:
    """Of the hole it shows the left half alone."""
    truth = place(13)
    image = Layer(damaged(truth))
    pixels = np.concatenate([stored(truth), np.full((200, 260, 1), 255, np.uint8)], -1)
    pixels[:, 130:, 3] = 0
    outputs, notes = filled(image, Layer(pixels))
    assert any(SAME in note for note in notes)
    assert error(image, outputs[0], truth, Bounds(100, 70, 26, 50)) < 0.02
    made = composite(image, outputs[0].layer).pixels[HOLE.slices]
    assert not (made == (255, 0, 255)).all(-1).any()


def test_of_another_place_the_texture_is_copied() -> None:
    """The picture is red, the reference blue; the fill is blue."""
    red, blue = np.zeros((120, 140, 3), np.uint8), np.zeros((90, 90, 3), np.uint8)
    grain = np.random.default_rng(0).integers(60, 200, (120, 140))
    red[..., 0], blue[..., 2] = grain, grain[:90, :90]
    hole = Bounds(50, 40, 36, 30)
    outputs, notes = filled(
        Layer(red), Layer(blue), selection(Bounds(0, 0, 140, 120), hole), blend="none", method="patchmatch"
    )
    pixels = outputs[0].layer.pixels
    assert pixels.shape == (30, 36, 4)
    assert (pixels[..., 2] >= 50).all()
    assert not pixels[..., 0].any()
    assert any(ANOTHER in note for note in notes)


@pytest.mark.parametrize("method", ["network", "smooth"])
def test_methods_that_copy_nothing_say_that_it_was_left_out(method: str) -> None:
    image = Layer(damaged(place(14)))
    outputs, notes = filled(image, Layer(stored(place(15))), method=method)
    plain = find("inpaint").run(
        {"image": image, "mask": selection(FRAME, HOLE)}, find("inpaint").validate({"method": method}), context()
    )
    assert np.array_equal(outputs[0].layer.pixels, plain[0].layer.pixels)
    assert any("left out" in note for note in notes)


def test_variations_after_the_first_do_not_repeat_it() -> None:
    truth = place(11)
    image = Layer(damaged(truth))
    outputs, _ = filled(image, Layer(stored(seen_from(truth).picture)), variations=2, method="patchmatch")
    first, second = (error(image, one, truth) for one in outputs)
    assert first < 0.035 < second


def test_another_thing_at_the_rim_does_not_flow_in() -> None:
    """In the reference somebody in white stands over a part of the hole's rim: inside, only what is there is white."""
    truth = place(16)
    image = Layer(damaged(truth))
    other = seen_from(truth, degrees=0, size=1, tilt=0, gain=1, offset=0)
    pixels = stored(other.picture)
    x, y = (round(float(v)) for v in other.matrix[:2, 2])
    pixels[60 + y : 80 + y, 90 + x : 112 + x] = 255
    outputs, _ = filled(image, Layer(pixels))
    assert error(image, outputs[0], truth, Bounds(118, 84, 40, 34)) < 0.03


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("depth", ["uint8", "uint16", "float32"])
def test_every_kind_of_layer(channels: int, depth: str) -> None:
    truth = place(11)
    colours = truth if channels > 2 else truth.mean(-1, keepdims=True)
    opaque = np.ones((*truth.shape[:2], 1), np.float32)
    values = np.concatenate([colours, opaque], -1) if channels in (2, 4) else colours
    pixels = values if depth == "float32" else np.round(values * np.iinfo(depth).max).astype(depth)
    image = Layer(damaged(truth))
    outputs, notes = filled(image, Layer(pixels))
    assert any(SAME in note for note in notes)
    assert outputs[0].layer.depth == "uint8"


def test_a_reference_of_nothing_is_refused() -> None:
    for empty in (np.zeros((20, 20, 4), np.uint8), np.zeros((0, 20, 3), np.uint8)):
        with pytest.raises(ScumbleError) as raised:
            filled(Layer(damaged(place(11))), Layer(empty))
        assert raised.value.code == "missing_input"
        assert "reference" in raised.value.message


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (12, 12)])
def test_a_tiny_reference_is_no_reason_to_fail(shape: tuple[int, int]) -> None:
    image = Layer(damaged(place(11)))
    outputs, _ = filled(image, Layer(np.full((*shape, 3), 90, np.uint8)), method="patchmatch")
    assert (outputs[0].layer.pixels[..., 3] == 255).all()


def test_a_hole_over_everything_is_taken_from_it() -> None:
    """All but a strip is selected."""
    truth = place(17)
    hole = Bounds(0, 0, 200, 200)
    image = Layer(damaged(truth, hole))
    outputs, _ = filled(image, Layer(stored(truth)), selection(FRAME, hole))
    assert outputs[0].layer.bounds == hole
