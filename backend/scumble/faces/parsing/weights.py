"""Reading the weights of the network that tells a face's parts."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from scumble.faces import gated_weights

from .network import FaceParser, FaceParserSize


def load(path: Path, device: str = "cpu") -> FaceParser:
    """The network; its size is read from the names and shapes of its weights. Raises ScumbleError as `gated_weights.read`."""
    return gated_weights.read(path, device, "parsing", _built)


def _built(tensors: dict[str, Tensor]) -> FaceParser:
    network = FaceParser(FaceParserSize(*gated_weights.scales(tensors), tensors["widen.weight"].shape[0]))
    network.load_state_dict(tensors)
    return network
