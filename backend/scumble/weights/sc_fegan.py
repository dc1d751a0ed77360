"""SC-FEGAN's published TensorFlow checkpoint, read by the names of its variables under `generator/`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from scumble.networks.sc_fegan import ScFegan, tensorflow_names
from scumble_client.errors import ScumbleError

from .tensor_bundle import BundleError, read_bundle

SCOPE = "generator/"


def load(path: Path, device: str = "cpu") -> ScFegan:
    """The generator; its width is read from the first layer.

    Raises
    ------
    ScumbleError
        `weights_missing` where the files are not this checkpoint's, or one is missing or damaged.
    """
    try:
        arrays = read_bundle(path, (SCOPE,))
        network = ScFegan(arrays["generator/gconv1_ds/kernel"].shape[3])
        parameters = dict(network.named_parameters())
        with torch.no_grad():
            for ours, theirs in tensorflow_names():
                values = np.asarray(arrays[theirs], np.float32)
                if values.ndim == 4:  # (h, w, in, out), for deconvolutions (h, w, out, in): both end as torch has them
                    values = values.transpose(3, 2, 0, 1)
                if tuple(parameters[ours].shape) != values.shape:
                    raise ValueError(f"{theirs} has the shape {values.shape}")
                parameters[ours].copy_(torch.from_numpy(np.array(values, order="C")))
    except (BundleError, OSError, KeyError, ValueError, IndexError) as error:
        raise ScumbleError(
            "weights_missing",
            f"“{path.name}” can't be read as SC-FEGAN's checkpoint.",
            "It consists of three files, SC-FEGAN.ckpt.index, .meta and .data-00000-of-00001; put them side by side.",
        ) from error
    return network.eval().requires_grad_(False).to(device)
