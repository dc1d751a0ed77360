"""What is not seen is not there: colours under an alpha of 0 make no difference to any method of any operation.

The runs are those of `support/scenes.py`, with a part of every layer hidden. Each is done twice, with other colours in the hidden part:
what is seen of the results, their previews and notes must not differ by a bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from scumble.imaging.layer import Layer, composite
from scumble.operations import find
from scumble.worker.execute import execute
from scumble.worker.models import ModelCache

from .support import scenes
from .support.scenes import Run

RUNS = scenes.runs()

models = ModelCache()


def with_hidden_part(layer: Layer, seed: int) -> Layer:
    """The lower right of a layer is transparent, beside a soft edge; of one that has alpha, what was hidden stays so, too."""
    pixels = layer.pixels
    if not layer.has_alpha:
        pixels = np.concatenate([pixels, np.full_like(pixels[..., :1], 255)], axis=2)
    pixels = pixels.copy()
    height, width = pixels.shape[:2]
    rows, columns = np.mgrid[:height, :width]
    soft = np.clip((0.55 * (height + width) - rows - columns) / 12 + 1, 0, 1)
    pixels[..., -1] = np.minimum(pixels[..., -1], np.rint(255 * soft)).astype(np.uint8)
    hidden = pixels[..., -1] == 0
    colours = [(255, 0, 255), None][seed] or np.random.default_rng(1).integers(0, 256, (int(hidden.sum()), 3))
    pixels[hidden, :3] = colours
    return Layer(pixels, layer.offset, layer.colour)


def hidden_layers(run: Run, seed: int) -> Mapping[str, Layer]:
    kinds = {role.name: role.kind for role in find(run.operation).roles}
    return {
        name: layer if kinds[name] == "mask" or name in ("sketch", "strokes") else with_hidden_part(layer, seed)
        for name, layer in run.layers.items()
    }


def seen(layer: Layer) -> list[Any]:
    shown = np.where(layer.pixels[..., -1:] > 0, layer.pixels, 0) if layer.has_alpha else layer.pixels
    return [layer.bounds, shown.tobytes()]


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_hidden_colours_make_no_difference(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for constant, value in run.scene.constants.items():
        monkeypatch.setattr(constant, value)
    found = []
    for seed in range(2):
        layers = hidden_layers(run, seed)
        assert (layers["image"].alpha() == 0).any()
        shown: list[Layer] = []
        parameters = {**run.scene.parameters, **run.parameters}
        made = execute(run.operation, parameters, layers, 3, "cpu", models, lambda fraction, said: None, shown.append)
        whole = [composite(layers["image"], output.layer) for _, output in made.layers]
        found.append([made.notes, *map(seen, [*(o.layer for _, o in made.layers), *shown, *whole])])
        if find(run.operation).name in ("photo-style", "paint-style", "restore-mosaic", "identity"):
            # these change colours, and nothing of the picture's shape
            for one in whole:
                assert np.array_equal(one.pixels[..., -1], layers["image"].pixels[..., -1])
    assert found[0] == found[1]


@pytest.mark.parametrize("colour", [np.nan, np.inf, 1e30])
def test_hidden_values_that_are_no_colours_are_not_mentioned(colour: float) -> None:
    pixels = np.full((24, 24, 4), 0.5, np.float32)
    pixels[:8, :8] = (colour, colour, colour, 0)
    mask = np.zeros((24, 24, 1), np.uint8)
    mask[10:14, 10:14] = 255
    layers = {"image": Layer(pixels), "mask": Layer(mask)}
    made = execute("inpaint", {"method": "smooth"}, layers, 0, "cpu", models, lambda fraction, said: None)
    assert made.notes == []
    assert made.layers[0][1].layer.pixels[..., :3] == pytest.approx(0.5)
