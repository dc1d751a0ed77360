"""The style network's trainer: it learns, goes on where it was, measures, and leaves a file that the operation reads."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from scumble.style.paint.style_network import StyleNetwork
from scumble_training.common import lpips
from scumble_training.common.trainer import Run
from scumble_training.registry import find
from scumble_training.style import network as trainer
from scumble_training.style.style_examples import Squares
from tests.scumble_training.common.test_lpips import published
from tests.support.small_collections import collection
from tests.support.style import photograph, stored


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three small collections in the form of the project's."""
    monkeypatch.setattr(trainer, "MEASURED_AT", 64)
    for kind in ("photos", "art", "paintings"):
        heldout = range(5, 10) if kind != "paintings" else range(0)
        colours = [photograph(number, 80, 90) * (0.2 if number in heldout else 1.0) for number in range(10)]
        collection(tmp_path, kind, [stored(one) for one in colours], heldout)
    return tmp_path


def trained(data: Path, folder: Path, steps: int, minutes: float | None = None, **more: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    network, heads, _ = published(data)
    given: dict[str, Any] = {
        "steps": steps, "batch": 2, "side": 64, "style_side": 64, "measure_every": 2, "keep_every": 1,
        "lpips_network": str(network), "lpips_heads": str(heads), **more,
    }  # fmt: skip
    chosen = find("style").validate(given)
    return trainer.train(Run(data, folder, minutes=minutes, say=lambda text: None), chosen)


def test_it_measures_and_leaves_half_precision(data: Path, tmp_path: Path) -> None:
    path = trained(data, tmp_path / "run", 2)
    figures = json.loads((tmp_path / "run" / "style-metrics.jsonl").read_text().splitlines()[-1])
    assert {"style", "statistics", "content", "structure", "calm", "gram", "kept"} <= figures.keys()
    assert all(math.isfinite(figure) for figure in figures.values())
    assert (tmp_path / "run" / "style-sheet.jpg").is_file()
    tensors = load_file(path)
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float16}
    StyleNetwork().load_state_dict(tensors)


def test_stopped_and_gone_on_with_it_ends_with_the_same_bits(data: Path, tmp_path: Path) -> None:
    whole = load_file(trained(data, tmp_path / "whole", 3))
    trained(data, tmp_path / "parts", 3, minutes=0)
    parts = load_file(trained(data, tmp_path / "parts", 3))
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_it_learns(data: Path) -> None:
    """The same squares over and over: what is to become small does."""
    network, heads, _ = published(data)
    judge = lpips.chosen(str(network), str(heads))
    settings = trainer.StyleSettings.model_validate({"side": 64, "style_side": 64, "own": 0.0})
    batch = Squares(data).batch(2, 64, 64, 0.0, np.random.default_rng(0))
    torch.manual_seed(0)
    learner = StyleNetwork()
    optimizer = torch.optim.AdamW(learner.parameters(), lr=2e-3)
    totals = []
    for _ in range(12):
        losses = trainer.losses_of(learner, judge, batch, settings, np.random.default_rng(0), "cpu")
        total = torch.stack(list(losses.values())).sum()
        optimizer.zero_grad()
        total.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        totals.append(float(total.detach()))
    assert totals[-1] < totals[0]


def test_held_out_pictures_are_not_learned_from(data: Path) -> None:
    batch = Squares(data).batch(24, 64, 64, 0.0, np.random.default_rng(1))
    assert float(batch.before.mean((1, 2, 3)).min()) > 0.25


def test_a_picture_may_be_its_own_style(data: Path) -> None:
    batch = Squares(data).batch(3, 48, 64, 1.0, np.random.default_rng(2))
    assert batch.same.tolist() == [1, 1, 1]
    assert torch.equal(batch.pictures, batch.styles[:, :, :48, :48])
