"""Reading the network that restores mosaics."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import load_file

from scumble.networks.mosaic import MosaicNet
from scumble_client.errors import ScumbleError


def load(path: Path) -> MosaicNet:
    """The network in a file that its trainer wrote; widths are read from the shapes.

    Raises
    ------
    ScumbleError
        `weights_missing` where the file is damaged or holds something else.
    """
    try:
        state = {name: tensor.float() for name, tensor in load_file(path).items()}

        blocks = len({name.split(".")[1] for name in state if name.startswith("body.")})
        network = MosaicNet(int(state["head.bias"].shape[0]), blocks)
        network.load_state_dict(state)
    except Exception as error:  # whatever a damaged file makes its reader raise
        raise ScumbleError(
            "weights_missing",
            f"“{path.name}” can't be read as the network for mosaics.",
            "Install Scumble again, or train it anew: scumble train inpaint-mosaic",
        ) from error
    return network.eval().requires_grad_(False)
