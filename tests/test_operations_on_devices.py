"""Every operation with every method on every device: what it gives there is what it gives on the CPU.

On CUDA, pretended or real, it is also looked whether it gives the same again, as docs/devices.md promises.

What a pretended device shows and what it can't is in `support/pretended_device.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from scumble.imaging.layer import Layer
from scumble.worker.execute import Outcome, execute
from scumble.worker.models import ModelCache

from .support import scenes
from .support.devices import is_real_gpu
from .support.pretended_device import unrepeatable
from .support.scenes import Run

RUNS = scenes.runs()

NEAR = 0.02
"""Mean difference of colours that half precision may make."""

ALIKE = 0.1
"""Difference of mean colours where random numbers differ, too."""

SWITCHED = 5e-4
"""Share of the pixels whose alpha may differ."""

models = ModelCache()
"""Of all devices together, as in a worker whose device ran out of memory: what is kept of one must not reach another."""

on_cpu: dict[str, Outcome] = {}


def outcome(run: Run, device: str, monkeypatch: pytest.MonkeyPatch) -> Outcome:
    for constant, value in run.scene.constants.items():
        monkeypatch.setattr(constant, value)
    parameters: Mapping[str, Any] = {**run.scene.parameters, **run.parameters}
    return execute(
        run.operation, parameters, run.layers, 3, device, models, lambda fraction, said: None, lambda shown: None
    )


def expected(run: Run, monkeypatch: pytest.MonkeyPatch) -> Outcome:
    if run.name not in on_cpu:
        on_cpu[run.name] = outcome(run, "cpu", monkeypatch)
    return on_cpu[run.name]


def test_every_operation_has_a_scene() -> None:
    assert scenes.missing() == []


def test_every_method_of_an_operation_is_run() -> None:
    methods = {(run.operation, run.parameters.get("method")) for run in RUNS}
    assert {("inpaint", "smooth"), ("paint-style", "gatys"), ("photo-style", "deep")} <= methods
    fits = {run.parameters.get("fit") for run in RUNS if run.operation == "face-brush"}
    assert fits == {"none", "latents", "last-layers"}


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.name)
def test_an_operation_gives_the_same_on_every_device(run: Run, device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = expected(run, monkeypatch)
    given = wanted if device == "cpu" else outcome(run, device, monkeypatch)
    assert given.notes == wanted.notes
    assert len(given.layers) == len(wanted.layers)
    for (_, made), (_, known) in zip(given.layers, wanted.layers, strict=True):
        assert made.layer.bounds == known.layer.bounds
        compare(made.layer, known.layer, device)
    repeats = run.parameters.get("method") != "deep"
    assert unrepeatable() <= (set() if repeats else {"sparse product"})
    if is_real_gpu(device) and repeats:
        again = outcome(run, device, monkeypatch)
        for (_, made), (_, known) in zip(again.layers, given.layers, strict=True):
            assert np.array_equal(made.layer.pixels, known.layer.pixels)


def compare(made: Layer, known: Layer, device: str) -> None:
    one, two = made.to_working(), known.to_working()
    apart = np.abs(one.alpha - two.alpha)
    # a pixel that changes by just about half a step of a byte is part of the layer, or is not
    assert (apart > (0 if device == "cpu" else 0.05)).mean() <= (0 if device == "cpu" else SWITCHED)
    seen = two.alpha > 0
    assert seen.any()
    assert np.isfinite(one.rgb).all()
    if is_real_gpu(device):  # other random numbers make another picture of the same kind
        assert np.abs(one.rgb[seen].mean(0) - two.rgb[seen].mean(0)).max() <= ALIKE
    else:
        assert np.abs(one.rgb - two.rgb)[seen].mean() <= (0 if device == "cpu" else NEAR)
