"""Checkpoints, the averaged weights and the file of figures."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch import nn

from scumble_training.common.checkpoints import WeightAverage, append_metrics, load_checkpoint, save_checkpoint


def test_a_checkpoint_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "run" / "state.pt"
    assert load_checkpoint(path) is None
    save_checkpoint(path, {"step": 3, "weights": {"a": torch.arange(3.0)}})
    found = load_checkpoint(path)
    assert found is not None
    assert found["step"] == 3
    assert torch.equal(found["weights"]["a"], torch.arange(3.0))
    assert [file.name for file in path.parent.iterdir()] == ["state.pt"]


def test_the_average_follows_and_resumes() -> None:
    network = nn.Linear(2, 1)
    average = WeightAverage(network, decay=0.9)
    with torch.no_grad():
        network.weight.fill_(5.0)
    for _ in range(200):
        average.update(network)
    assert torch.allclose(average.state["weight"], torch.full((1, 2), 5.0), atol=1e-3)
    again = WeightAverage(nn.Linear(2, 1), decay=0.9)
    again.load_state_dict(average.state_dict())
    assert again.steps == 200
    assert torch.equal(again.state["weight"], average.state["weight"])


def test_figures_are_lines_of_json(tmp_path: Path) -> None:
    append_metrics(tmp_path / "metrics.jsonl", step=1, loss=0.5)
    append_metrics(tmp_path / "metrics.jsonl", step=2, loss=0.25)
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["loss"] for line in lines] == [0.5, 0.25]
