"""Reading the weights of the embedded network that completes a face."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from scumble.faces import gated_weights

from .network import FaceSketchNetwork, FaceSketchSize


def load(path: Path, device: str = "cpu") -> FaceSketchNetwork:
    """The network; its size is read from the names and shapes of its weights. Raises ScumbleError as `gated_weights.read`."""
    return gated_weights.read(path, device, "completion", _built)


def _built(tensors: dict[str, Tensor]) -> FaceSketchNetwork:
    polish = tensors["polish.0.weight"].shape[0] if "polish.0.weight" in tensors else 0
    network = FaceSketchNetwork(FaceSketchSize(*gated_weights.scales(tensors), polish=polish))
    network.load_state_dict(tensors)
    return network
