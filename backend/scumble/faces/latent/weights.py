"""Reading the weights of the embedded face model."""

from __future__ import annotations

from pathlib import Path

from safetensors.torch import load_file

from scumble_client.errors import ScumbleError

from .network import LinearFaceModel


def load(path: Path, device: str = "cpu") -> LinearFaceModel:
    """The model. Raises ScumbleError `weights_missing` where the file is not its weights, or is damaged."""
    try:
        tensors = {name: tensor.float() for name, tensor in load_file(path).items()}
        widths = tuple(
            tensors[name].shape[0] for name in ("at_8.0.first.weight", "at_16.0.first.weight", "last.weight")
        )
        fine = tensors["last.weight"].shape[1]
        model = LinearFaceModel((widths[0], widths[1], fine), latents=len(tensors["latent_mean"]))
        model.load_state_dict(tensors)
    except Exception as error:  # whatever a damaged file makes its reader raise
        raise ScumbleError(
            "weights_missing", f"“{path.name}” can't be read as weights of the face model.", "Install Scumble again."
        ) from error
    return model.eval().requires_grad_(False).to(device)
