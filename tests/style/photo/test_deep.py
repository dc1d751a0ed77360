"""`photo-style` with `method=deep`: through the operation, with the embedded network and few iterations."""

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

QUICK: dict[str, Any] = {"method": "deep", "iterations": 3, "filter_radius": 3, "segments": "none"}


def deep(image: Layer = CONTENT, **more: Any) -> Layer:
    return run("photo-style", **{"image": image, "style": STYLE, **QUICK, **more})


def test_moves_towards_the_style() -> None:
    layer = deep(start="image", style_option=1, iterations=25, content_weight=0.0, affine_weight=1.0)
    goal, before = working(STYLE).mean(axis=(0, 1)), working(CONTENT).mean(axis=(0, 1))
    after = working(layer).mean(axis=(0, 1))
    assert np.abs(after - goal).sum() < 0.7 * np.abs(before - goal).sum()


@pytest.mark.parametrize(
    "changed",
    [{"style_option": 0}, {"style_option": 1}, {"style_option": 2}, {"optimizer": "adam"}, {"pooling": "average"},
     {"refine": True}, {"smooth": False}, {"start": "image"}, {"tv_weight": 0}, {"style_layers": "relu1_1, relu3_1"},
     {"content_layers": "relu3_1,conv4_1"}, {"laplacian_epsilon": 1e-4}, {"segments": "automatic"}],
    ids=str,
)  # fmt: skip
def test_every_option_runs(changed: dict[str, Any]) -> None:
    layer = deep(**changed)
    assert layer.bounds == CONTENT.bounds
    assert np.isfinite(layer.pixels).all()


def test_nothing_beyond_the_selection_changes() -> None:
    hole = Bounds(10, 8, 40, 30)
    result = composite(CONTENT, deep(mask=selection(CONTENT.bounds, hole)))
    outside = np.ones(CONTENT.extent.shape, np.bool_)
    outside[hole.slices] = False
    assert np.array_equal(result.pixels[outside], CONTENT.pixels[outside])
    assert not np.array_equal(result.pixels, CONTENT.pixels)


def test_a_larger_document_keeps_its_detail() -> None:
    image = Layer(stored(photograph(1, 96, 128)))
    layer = deep(image, size=64, start="image", style_option=1)
    assert layer.bounds == image.bounds
    detail = [np.abs(np.diff(working(one)[..., 1], axis=1)).ravel() for one in (layer, image)]
    assert np.corrcoef(detail[0], detail[1])[0, 1] > 0.8


def test_the_network_s_digest_is_stored() -> None:
    operation = find("photo-style")
    context = Context(0, "cpu", ModelCache(), lambda fraction, message: None)
    operation.run({"image": CONTENT, "style": STYLE}, operation.validate(QUICK), context)
    assert len(context.weights["scumble-features"]) == 64


def test_previews_are_layers_like_the_picture() -> None:
    shown: list[Layer] = []
    operation = find("photo-style")
    context = Context(0, "cpu", ModelCache(), lambda fraction, message: None, preview=shown.append)
    operation.run({"image": CONTENT, "style": STYLE}, operation.validate({**QUICK, "preview_every": 2}), context)
    assert [(layer.extent, layer.depth) for layer in shown] == [(CONTENT.extent, "uint8")] * 2


def test_cancels_in_the_middle() -> None:
    def report(fraction: float, message: str) -> None:
        if "Stage 2, step 2" in message:
            raise ScumbleError("cancelled", "Cancelled.")

    with pytest.raises(ScumbleError, match="Cancelled"):
        deep(report=report)


@pytest.mark.parametrize("text", ["", "relu9_1", "relu1_1,,face", "fc6"])
def test_layers_that_no_vgg_has_are_refused(text: str) -> None:
    with pytest.raises(ScumbleError) as raised:
        deep(style_layers=text)
    assert raised.value.code == "invalid_parameter"


def test_a_layer_that_only_the_whole_vgg_has_is_refused() -> None:
    with pytest.raises(ScumbleError, match="no layer relu5_4"):
        deep(style_layers="relu5_4")


def test_weights_that_are_not_here_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("SCUMBLE_WEIGHTS", str(tmp_path))
    with pytest.raises(ScumbleError) as raised:
        deep(features="vgg19-torchvision")
    assert raised.value.code == "weights_missing"
    assert "scumble weights pull vgg19-torchvision" in raised.value.hint


def test_too_small_a_part_is_refused() -> None:
    with pytest.raises(ScumbleError, match="too little"):
        deep(Layer(CONTENT.pixels[:8]))
