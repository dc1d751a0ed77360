"""`paint-style` with `method=gatys`: through the operation, with the embedded network and few iterations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from scumble.imaging.geometry import Bounds
from scumble.imaging.layer import Layer, composite
from scumble.operations import find
from scumble.operations.context import Context
from scumble.worker.models import ModelCache
from scumble_client.errors import ScumbleError
from tests.support.inpainting import selection
from tests.support.style import CONTENT, STYLE, photograph, run, stored, working

QUICK: dict[str, Any] = {"method": "gatys", "iterations": 3, "scales": 1}


def gatys(image: Layer = CONTENT, **more: Any) -> Layer:
    return run("paint-style", **{"image": image, "style": STYLE, **QUICK, **more})


def test_moves_towards_the_style() -> None:
    layer = gatys(iterations=25, content_weight=0.0)
    goal, before = working(STYLE).mean(axis=(0, 1)), working(CONTENT).mean(axis=(0, 1))
    after = working(layer).mean(axis=(0, 1))
    assert np.abs(after - goal).sum() < 0.7 * np.abs(before - goal).sum()


@pytest.mark.parametrize(
    "changed",
    [{"optimizer": "adam"}, {"pooling": "max"}, {"start": "noise"}, {"tv_weight": 0.1}, {"scales": 2},
     {"normalize_gradients": True, "content_weight": 500.0}, {"style_layers": "relu1_1, relu3_1"},
     {"content_layers": "relu3_1,conv4_1"}, {"style_scale": 0.5}, {"style_scale": 2.0}, {"corrections": 1},
     {"original_colors": True}, {"second_painting": "bedroom", "blend": "1,2"}, {"strength": 0.5}],
    ids=str,
)  # fmt: skip
def test_every_option_changes_the_picture(changed: dict[str, Any]) -> None:
    layer = gatys(**changed)
    assert layer.bounds == CONTENT.bounds
    assert not np.array_equal(layer.pixels, gatys().pixels)


def test_nothing_beyond_the_selection_changes() -> None:
    hole = Bounds(10, 8, 40, 30)
    result = composite(CONTENT, gatys(mask=selection(CONTENT.bounds, hole)))
    outside = np.ones(CONTENT.extent.shape, np.bool_)
    outside[hole.slices] = False
    assert np.array_equal(result.pixels[outside], CONTENT.pixels[outside])
    assert not np.array_equal(result.pixels, CONTENT.pixels)


def test_begins_with_the_picture_that_is_given() -> None:
    start = Layer(stored(photograph(9, tint=(0.1, 0.8, 0.1))))
    found = [working(one).mean(axis=(0, 1)) for one in (gatys(iterations=1), gatys(iterations=1, start="image"))]
    layers = {"image": CONTENT, "style": STYLE, "initial": start}
    operation = find("paint-style")
    context = Context(0, "cpu", ModelCache(), lambda fraction, message: None)
    (output,) = operation.run(layers, operation.validate({**QUICK, "iterations": 1}), context)
    green = working(output.layer).mean(axis=(0, 1))
    assert np.array_equal(*found)
    assert green[1] - green[0] > found[0][1] - found[0][0] + 0.3


def test_a_larger_document_is_filled() -> None:
    layer = gatys(Layer(stored(photograph(1, 96, 128))), size=64)
    assert layer.extent == (128, 96)


def test_previews_and_cancelling() -> None:
    shown: list[Layer] = []
    operation = find("paint-style")

    def report(fraction: float, message: str) -> None:
        if "step 3" in message:
            raise ScumbleError("cancelled", "Cancelled.")

    context = Context(0, "cpu", ModelCache(), report, preview=shown.append)
    with pytest.raises(ScumbleError, match="Cancelled"):
        operation.run({"image": CONTENT}, operation.validate({**QUICK, "preview_every": 1}), context)
    assert [layer.extent for layer in shown] == [CONTENT.extent] * 2


def test_the_network_s_digest_is_stored() -> None:
    operation = find("paint-style")
    context = Context(0, "cpu", ModelCache(), lambda fraction, message: None)
    operation.run({"image": CONTENT, "style": STYLE}, operation.validate(QUICK), context)
    assert len(context.weights["scumble-features"]) == 64


@pytest.mark.parametrize("more", [{"style_layers": "relu9_1"}, {"content_layers": ""}, {"style_layers": "relu5_4"}])
def test_layers_that_are_not_there_are_refused(more: dict[str, Any]) -> None:
    with pytest.raises(ScumbleError) as raised:
        gatys(**more)
    assert raised.value.code == "invalid_parameter"


def test_too_small_a_part_is_refused() -> None:
    with pytest.raises(ScumbleError, match="too little"):
        gatys(Layer(CONTENT.pixels[:8]))


def test_a_transparent_start_is_refused() -> None:
    operation = find("paint-style")
    layers = {"image": CONTENT, "style": STYLE, "initial": Layer(np.zeros((9, 9, 4), np.uint8))}
    context = Context(0, "cpu", ModelCache(), lambda fraction, message: None)
    with pytest.raises(ScumbleError, match="begin with is transparent"):
        operation.run(layers, operation.validate(QUICK), context)
