"""One photograph gives one look, whatever space its file is in: sRGB, Display P3 and ProPhoto, in every method of every operation.

With 16 bits the files hold the same colours, and hardly a pixel of the results may differ. With 8 bits the files themselves differ, by a
level and more; what copies from elsewhere may then choose otherwise, but no colour may get the upper hand.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from scumble.imaging.colour import Colour
from scumble.imaging.io.colour_tags import D65, P3
from scumble.imaging.layer import Layer, composite
from scumble.imaging.profiles import from_srgb, profile_of
from scumble.operations import find
from scumble.worker.execute import execute
from scumble.worker.models import ModelCache

from .support import scenes
from .support.scenes import Run

SPACES = {
    "p3": profile_of(P3, D65, 2.2),
    "prophoto": profile_of((0.7347, 0.2653, 0.1596, 0.8404, 0.0366, 0.0001), (0.3457, 0.3585), 1.8),
}
LEVELS = 2 / 255
FEW = 0.002
"""Share of the pixels that may differ by more where the files are the same: those where what is chosen among was equally good."""

models = ModelCache()


def one_of_each() -> list[Run]:
    """A run of every method of every operation."""
    found: dict[tuple[str, Any], Run] = {}
    for run in scenes.runs():
        found.setdefault((run.operation, run.parameters.get("method")), run)
    return list(found.values())


def in_space(layer: Layer, space: str, depth: str) -> Layer:
    """As a file in that space has it."""
    full = np.iinfo(depth).max
    planes = layer.unit_colours()
    icc = SPACES.get(space)
    if icc is not None:
        planes = from_srgb(planes, icc)
    planes = np.concatenate([planes, layer.alpha()[..., None]], axis=2)
    return Layer(
        np.rint(planes.clip(0, 1) * full).astype(depth), layer.offset, Colour("icc", icc) if icc else layer.colour
    )


def looks(run: Run, space: str, depth: str) -> list[NDArray[np.float32]]:
    """The results, laid into the picture, as sRGB."""
    kinds = {role.name: role.kind for role in find(run.operation).roles}
    photographs = ("image", "style", "marked")
    layers = {
        name: in_space(layer, space, depth) if kinds[name] != "mask" and name in photographs else layer
        for name, layer in run.layers.items()
    }
    parameters = {**run.scene.parameters, **run.parameters}
    made = execute(run.operation, parameters, layers, 3, "cpu", models, lambda fraction, said: None)
    assert made.layers
    return [composite(layers["image"], output.layer).to_working().rgb for _, output in made.layers]


@pytest.mark.parametrize("run", one_of_each(), ids=lambda run: f"{run.operation}-{run.parameters.get('method')}")
def test_one_photograph_is_one_look(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for constant, value in run.scene.constants.items():
        monkeypatch.setattr(constant, value)
    for depth in ("uint16", "uint8"):
        plain = looks(run, "srgb", depth)
        for space in SPACES:
            for first, second in zip(plain, looks(run, space, depth), strict=True):
                apart = second - first
                if depth == "uint16":
                    assert (np.abs(apart).max(axis=2) > LEVELS).mean() <= FEW, space
                assert np.abs(apart.mean(axis=(0, 1))).max() <= LEVELS / 2, (space, depth)


@pytest.mark.parametrize("space", SPACES)
def test_soft_edges_are_mixed_alike(space: str) -> None:
    below = Layer(np.full((4, 64, 3), (20, 60, 200), np.uint8))
    over = np.full((4, 64, 4), (240, 200, 10, 0), np.uint8)
    over[..., 3] = np.arange(64) * 4
    wanted = composite(in_space(below, "srgb", "uint16"), in_space(Layer(over), "srgb", "uint16"))
    found = composite(in_space(below, space, "uint16"), in_space(Layer(over), space, "uint16"))
    assert np.abs(found.to_working().rgb - wanted.to_working().rgb).max() <= 0.5 / 255
    assert np.array_equal(found.pixels[:, 0], in_space(below, space, "uint16").pixels[:, 0])


def test_what_is_no_number_stays_beside_a_soft_edge() -> None:
    icc = Colour("icc", SPACES["p3"])
    below = Layer(np.full((2, 3, 3), np.nan, np.float32), colour=icc)
    below.pixels[1] = 0.5
    over = Layer(np.full((2, 3, 4), 0.5, np.float32), colour=icc)
    found = composite(below, over).pixels
    assert np.isnan(found[0]).all()
    assert found[1] == pytest.approx(0.5, abs=1e-3)
