"""Learns two colours from photographs (`scumble train duotone-colours`): the mean of their dark halves, and of their light ones."""

from __future__ import annotations

from pathlib import Path

import torch
from pydantic import Field
from safetensors.torch import save_file

from scumble_training.common import datasets
from scumble_training.common.trainer import Run, Trainer, TrainerSettings
from scumble_training.common.training_loop import Stateful, TrainingLoop


class ColourSettings(TrainerSettings):
    steps: int = Field(100, ge=1, description="Steps of training.")


def train(run: Run, settings: ColourSettings) -> Path:
    """Leaves `duotone-colours.safetensors`: `dark` and `light`, three values from 0 to 1 each."""
    torch.manual_seed(run.seed)
    colours = torch.nn.Embedding(2, 3).to(run.device)
    optimizer = torch.optim.Adam(colours.parameters(), lr=0.1)
    parts: dict[str, Stateful] = {"network": colours, "optimizer": optimizer}
    loop = TrainingLoop(run, "duotone-colours", settings.steps, parts)
    names = [row["file"] for row in datasets.rows(run.data, "photos", "train")]
    pictures = list(datasets.pictures(run.data, "photos", names))
    for step in loop.steps():  # goes on where it was stopped
        chosen = pictures[int(loop.generator(step).integers(len(pictures)))]
        pixels = torch.from_numpy(chosen.reshape(-1, 3) / 255).float().to(run.device)
        light = pixels.mean(1) > pixels.mean(1).median()
        truth = torch.stack([pixels[~light].mean(0), pixels[light].mean(0) if light.any() else pixels.mean(0)])
        loss = (colours.weight - truth).square().mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it without
        optimizer.step()
    finished = run.folder / "duotone-colours.safetensors"
    dark, light_colour = colours.weight.detach().cpu().clamp(0, 1)
    save_file({"dark": dark.contiguous(), "light": light_colour.contiguous()}, finished)
    return finished


TRAINER = Trainer("Two colours for the add-on's duotone.", ("photos",), ColourSettings, train)
