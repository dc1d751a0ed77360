"""Reading the weights of the face finder and of the landmark network: one safetensors file with both."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn

from scumble.operations.context import Context
from scumble.operations.weight_file import weight_file
from scumble_client.errors import ScumbleError

from .network import FaceFinder, FaceLandmarks
from .search import FaceNetworks

LANDMARKS = "scumble-face-landmarks"
"""Entry of the weights' manifest."""


def face_networks(context: Context) -> FaceNetworks:
    """The face finder and the landmark network, warm where they were used before."""
    path = weight_file(LANDMARKS, context)
    return context.models.get(f"{LANDMARKS}, {context.device}", lambda: load(path, context.device))


def load(path: Path, device: str = "cpu") -> FaceNetworks:
    """Both networks. Raises ScumbleError `weights_missing` where the file is not theirs, or is damaged."""
    try:
        tensors = load_file(path)
        finder, landmarks = FaceFinder(tensors["finder.head.weight"].shape[1]), FaceLandmarks()
        for name, network in (("finder", finder), ("landmarks", landmarks)):
            _fill(network, {k.removeprefix(f"{name}."): v for k, v in tensors.items() if k.startswith(f"{name}.")})
    except Exception as error:  # whatever a damaged file makes its reader raise
        raise ScumbleError(
            "weights_missing", f"“{path.name}” can't be read as weights of the face finder.", "Install Scumble again."
        ) from error
    return FaceNetworks(finder.eval().to(device), landmarks.eval().to(device))


def _fill(network: nn.Module, tensors: dict[str, torch.Tensor]) -> None:
    wanted = {name for name in network.state_dict() if not name.endswith("num_batches_tracked")}
    if set(tensors) != wanted:
        raise ValueError("the names of the tensors differ")
    network.load_state_dict({name: tensor.float() for name, tensor in tensors.items()}, strict=False)
