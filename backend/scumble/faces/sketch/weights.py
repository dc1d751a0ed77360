"""Reading the weights of the embedded networks that complete a face, and finish it."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import load_file

from scumble.weights.formats.numbered import count
from scumble_client.errors import ScumbleError

from .finishing import FaceFinishNetwork, FaceFinishSize
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
        raise _unreadable(path, "completion") from error
    return network.eval().requires_grad_(False).to(device)


def load_finishing(path: Path, device: str = "cpu") -> FaceFinishNetwork:
    """The finishing network, as `load` reads the completion network."""
    try:
        tensors = {name: tensor.float() for name, tensor in load_file(path).items()}
        widths = [tensors[f"down_blocks.{level}.0.gate.weight"].shape[0] for level in range(4)]
        depths = [count(tensors, rf"down_blocks\.{level}\.(\d+)\.") for level in range(4)]
        size = FaceFinishSize(
            (widths[0], widths[1], widths[2], widths[3]),
            (depths[0], depths[1], depths[2], depths[3]),
            tensors["widen.weight"].shape[0],
        )
        network = FaceFinishNetwork(size)
        network.load_state_dict(tensors)
    except Exception as error:
        raise _unreadable(path, "finishing") from error
    return network.eval().requires_grad_(False).to(device)


def _unreadable(path: Path, task: str) -> ScumbleError:
    return ScumbleError(
        "weights_missing",
        f"“{path.name}” can't be read as weights of the face {task} network.",
        "Install Scumble again.",
    )
