"""Reading the weights that restore mosaics."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import load_file

from scumble.networks.mosaic import MosaicNetwork
from scumble_client.errors import ScumbleError


def load(path: Path) -> MosaicNetwork:
    """What a file that its trainer wrote holds.

    Raises
    ------
    ScumbleError
        `weights_missing` where the file is damaged or holds something else.
    """
    try:
        state = {name: tensor.float() for name, tensor in load_file(path).items()}

        sides = (name.split(".")[:2] for name in state if name.startswith(("body.", "tail.")))
        numbers = {"body": 0, "tail": 0}
        for stage, number in sides:
            numbers[stage] = max(numbers[stage], int(number) + 1)
        width, fine = state["head.weight"].shape[0], state["last.weight"].shape[1]
        network = MosaicNetwork(width, numbers["body"], fine, numbers["tail"])
        network.load_state_dict(state)
    except Exception as error:  # whatever a damaged file makes its reader raise
        raise ScumbleError(
            "weights_missing",
            f"“{path.name}” can't be read as the weights for mosaics.",
            "Install Scumble again, or train it anew: scumble train inpaint-mosaic",
        ) from error
    return network.eval()
