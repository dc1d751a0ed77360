"""Reading the weights of the embedded network that completes a face."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import load_file

from scumble.weights.formats.numbered import count
from scumble_client.errors import ScumbleError

from .network import FaceSketchNetwork, FaceSketchSize


def load(path: Path, device: str = "cpu") -> FaceSketchNetwork:
    """The network; its size is read from the names and shapes of its weights.

    Raises
    ------
    ScumbleError
        `weights_missing` where the file is not its weights, or is damaged.
    """
    try:
        tensors = {name: tensor.float() for name, tensor in load_file(path).items()}
        widths = [tensors[f"down_blocks.{level}.0.gate.weight"].shape[0] for level in range(4)]
        depths = [count(tensors, rf"down_blocks\.{level}\.(\d+)\.") for level in range(4)]
        polish = tensors["polish.0.weight"].shape[0] if "polish.0.weight" in tensors else 0
        size = FaceSketchSize(
            (widths[0], widths[1], widths[2], widths[3]), (depths[0], depths[1], depths[2], depths[3]), polish=polish
        )
        network = FaceSketchNetwork(size)
        network.load_state_dict(tensors)
    except Exception as error:  # whatever a damaged file makes its reader raise
        raise ScumbleError(
            "weights_missing",
            f"“{path.name}” can't be read as weights of the face completion network.",
            "Install Scumble again.",
        ) from error
    return network.eval().requires_grad_(False).to(device)
