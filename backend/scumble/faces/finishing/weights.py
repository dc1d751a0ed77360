"""Reading the weights of the network that finishes soft faces."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from scumble.faces import gated_weights

from .network import FaceFinishNetwork, FaceFinishSize, widened


def load(path: Path, device: str = "cpu") -> FaceFinishNetwork:
    """The network; its size is read from the names and shapes of its weights. Raises ScumbleError as `gated_weights.read`."""
    return gated_weights.read(path, device, "finishing", _built)


def _built(tensors: dict[str, Tensor]) -> FaceFinishNetwork:
    size = FaceFinishSize(*gated_weights.scales(tensors), tensors["widen.weight"].shape[0])
    network = FaceFinishNetwork(size)
    network.load_state_dict(widened(tensors, size))
    return network
