"""SC-FEGAN: its published TensorFlow checkpoint, read by the names of its variables, and Scumble's own safetensors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from scumble.weights.formats.tensor_bundle import BundleError, is_bundle, read_bundle
from scumble_client.errors import ScumbleError

from .sc_fegan import ScFegan, tensorflow_names

SCOPE = "generator/"


ARCHITECTURE = "sc_fegan"
"""What a safetensors file notes that holds it."""

FIRST = f"{SCOPE}gconv1_ds/kernel"
"""A variable that no other network's checkpoint has."""


def load(path: Path, device: str = "cpu") -> ScFegan:
    """The generator; its width is read from the first layer.

    Raises
    ------
    ScumbleError
        `weights_missing` where the files are not this network's, or one is missing or damaged.
    """
    try:
        network = _from_safetensors(path) if path.suffix == ".safetensors" else _from_checkpoint(path)
    except Exception as error:  # whatever a damaged file makes its reader raise
        raise ScumbleError(
            "weights_missing",
            f"“{path.name}” can't be read as SC-FEGAN's weights.",
            "The published checkpoint consists of three files, SC-FEGAN.ckpt.index, .meta and .data-00000-of-00001; put "
            "them side by side, and bring them into Scumble's form by scumble weights convert.",
        ) from error
    return network.eval().requires_grad_(False).to(device)


def is_checkpoint(path: Path) -> bool:
    """Whether a file belongs to a TensorFlow checkpoint of SC-FEGAN."""
    if not is_bundle(path):
        return False
    try:
        return FIRST in read_bundle(path, (FIRST,))
    except (BundleError, OSError):
        return False


def save(network: ScFegan, path: Path, half: bool = False) -> None:
    """As safetensors; with `half`, in float16."""
    state = {name: (t.half() if half else t).contiguous() for name, t in network.state_dict().items()}
    save_file(state, path, metadata={"architecture": ARCHITECTURE})


def _from_safetensors(path: Path) -> ScFegan:
    with safe_open(path, framework="pt") as opened:
        state = {name: opened.get_tensor(name).float() for name in opened.keys()}  # noqa: SIM118
    network = ScFegan(state["down.0.feature.weight"].shape[0])
    network.load_state_dict(state)
    return network


def _from_checkpoint(path: Path) -> ScFegan:
    arrays = read_bundle(path, (SCOPE,))
    network = ScFegan(arrays[FIRST].shape[3])
    parameters = dict(network.named_parameters())
    with torch.no_grad():
        for ours, theirs in tensorflow_names():
            values = np.asarray(arrays[theirs], np.float32)
            if values.ndim == 4:  # (h, w, in, out), for deconvolutions (h, w, out, in): both end as torch has them
                values = values.transpose(3, 2, 0, 1)
            if tuple(parameters[ours].shape) != values.shape:
                raise ValueError(f"{theirs} has the shape {values.shape}")
            parameters[ours].copy_(torch.from_numpy(np.array(values, order="C")))
    return network
