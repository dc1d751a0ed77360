"""What lets a training go on where it was stopped: checkpoints, an averaged copy of the weights, a file of figures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from .curves import write_table


def save_checkpoint(path: Path, content: Mapping[str, Any]) -> None:
    """Write tensors, numbers, texts, and dictionaries and lists of them. What was there is kept until this is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.part")
    torch.save(dict(content), unfinished)
    unfinished.replace(path)


def load_checkpoint(path: Path, device: str = "cpu") -> dict[str, Any] | None:
    """What `save_checkpoint` wrote, or None where there is nothing yet. No pickled code is executed."""
    if not path.is_file():
        return None
    content: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
    return content


class WeightAverage:
    """An exponential moving average of a network's weights and buffers: what is measured and shipped.

    Parameters
    ----------
    decay
        Share that the average keeps at each step; less in the first steps, so that the start is forgotten.
    """

    def __init__(self, network: nn.Module, decay: float = 0.999) -> None:
        self.decay = decay
        self.steps = 0
        self.state = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        self.steps += 1
        share = 1 - min(self.decay, (1 + self.steps) / (10 + self.steps))
        for name, tensor in network.state_dict().items():
            if tensor.is_floating_point():
                self.state[name].lerp_(tensor.detach(), share)
            else:
                self.state[name].copy_(tensor)

    def state_dict(self) -> dict[str, Any]:
        return {"steps": self.steps, "state": self.state}

    def load_state_dict(self, content: Mapping[str, Any]) -> None:
        self.steps = int(content["steps"])
        for name, tensor in content["state"].items():
            self.state[name].copy_(tensor)


def append_metrics(path: Path, **figures: float | int | str) -> None:
    """One line of JSON at the end of the file, and the table (CSV) beside it with all that it has."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(figures) + "\n")
    write_table(path)
