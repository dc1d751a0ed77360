"""Reading the weights that restore mosaics."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import load_file

from scumble.weights.formats.numbered import count
from scumble_client.errors import ScumbleError

from .network import MosaicNetwork


def load(path: Path) -> MosaicNetwork:
    """What a file that its trainer wrote holds.

    Raises
    ------
    ScumbleError
        `weights_missing` where the file is damaged or holds something else.
    """
    try:
        state = {name: tensor.float() for name, tensor in load_file(path).items()}
        width, fine = state["head.weight"].shape[0], state["last.weight"].shape[1]
        network = MosaicNetwork(width, count(state, r"body\.(\d+)\."), fine, count(state, r"tail\.(\d+)\."))
        network.load_state_dict(state)
    except Exception as error:  # whatever a damaged file makes its reader raise
        raise ScumbleError(
            "weights_missing",
            f"“{path.name}” can't be read as the weights for mosaics.",
            "Install Scumble again, or train it anew: scumble train inpaint-mosaic",
        ) from error
    return network.eval()
