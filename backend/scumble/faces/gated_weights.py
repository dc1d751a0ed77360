"""What both embedded networks of gated blocks have in common in their files: sizes told by weights, and how a damaged file is said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from safetensors.torch import load_file
from torch import Tensor, nn

from scumble.weights.formats.numbered import count
from scumble_client.errors import ScumbleError

Network = TypeVar("Network", bound=nn.Module)
Four = tuple[int, int, int, int]


def scales(tensors: dict[str, Tensor]) -> tuple[Four, Four]:
    """Widths and numbers of blocks at the four scales on the way down."""
    widths = [tensors[f"down_blocks.{level}.0.gate.weight"].shape[0] for level in range(4)]
    depths = [count(tensors, rf"down_blocks\.{level}\.(\d+)\.") for level in range(4)]
    return (widths[0], widths[1], widths[2], widths[3]), (depths[0], depths[1], depths[2], depths[3])


def read(path: Path, device: str, task: str, build: Callable[[dict[str, Tensor]], Network]) -> Network:
    """The network that `build` makes of the file's weights, in evaluation mode.

    Raises
    ------
    ScumbleError
        `weights_missing` where the file is not its weights, or is damaged; `task` names the network in the sentence.
    """
    try:
        network = build({name: tensor.float() for name, tensor in load_file(path).items()})
    except Exception as error:  # whatever a damaged file makes its reader raise
        raise ScumbleError(
            "weights_missing",
            f"“{path.name}” can't be read as weights of the face {task} network.",
            "Install Scumble again.",
        ) from error
    return network.eval().requires_grad_(False).to(device)
