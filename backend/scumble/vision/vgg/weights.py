"""The published forms of VGG-19's weights, read into the one form that `scumble.vision.vgg.network` takes.

- torchvision's `vgg19-dcbb9e9d.pth`: RGB, normalized by ImageNet's mean and deviation;
- Caffe's in Torch names, `vgg19-d01eb7cb.pth` (Johnson): BGR in 0 to 255 less the mean; the same keys as torchvision's;
- normalised, `vgg_normalised.pth` (of AdaIN): one Sequential that begins with a 1 × 1 convolution on colours, with reflected
  borders;
- TensorFlow's `vgg19.npy`: a dictionary of (height, width, in, out) kernels, for BGR in 0 to 255 less the mean;
- Scumble's own safetensors.

No pickle is executed: `.pth` files are read with `weights_only`, and `.npy` by an unpickler that knows arrays alone.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from scumble_client.errors import ScumbleError

from .network import VGG19, VggWeights

Form = Literal["torchvision", "caffe", "normalised", "tensorflow", "scumble"]

NAMES = [f"conv{block}_{number}" for block, count in enumerate(VGG19, start=1) for number in range(1, count + 1)]

IMAGENET_MEAN, IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CAFFE_MEAN = (103.939, 116.779, 123.68)
"""Blue, green, red."""

CAFFE_FILE = "d01eb7cb"
"""In the name of Johnson's file: nothing inside tells it from torchvision's."""


def load(path: Path, form: Form | None = None) -> VggWeights:
    """Read a file of any of these forms.

    Parameters
    ----------
    form
        Which one it is; found out by default. Caffe's numbers under another name than the published one have to be
        named, as they look like torchvision's.

    Raises
    ------
    ScumbleError
        `weights_missing` where the file is not one of these, or is damaged.
    """
    try:
        if path.suffix == ".safetensors":
            return _scumble(path)
        if path.suffix == ".npy":
            return _tensorflow(_read_npy(path))
        state = torch.load(path, map_location="cpu", weights_only=True)
        return _torch(state, form or ("caffe" if CAFFE_FILE in path.name else None))
    except ScumbleError:
        raise
    except Exception as error:  # whatever a damaged file makes its reader raise
        raise ScumbleError(
            "weights_missing",
            f"“{path.name}” can't be read as weights of VGG-19.",
            "Download the file again; torchvision's, Caffe's, the normalised and TensorFlow's forms are known.",
        ) from error


def caffe_colours() -> dict[str, torch.Tensor]:
    """RGB in 0 to 1 to BGR in 0 to 255, less the mean of the training pictures."""
    return {
        "colour.matrix": torch.eye(3).flip(0) * 255,
        "colour.offset": -torch.tensor(CAFFE_MEAN),
    }


def _torch(state: Mapping[str, torch.Tensor], form: Form | None) -> VggWeights:
    if "0.weight" in state:
        return _normalised(state)
    kernels = sorted((k for k in state if k.startswith("features.") and k.endswith(".weight")), key=_position)
    if form == "caffe":
        colours = caffe_colours()
    else:
        deviation = torch.tensor(IMAGENET_DEVIATION)
        colours = {
            "colour.matrix": torch.diag(1 / deviation),
            "colour.offset": -torch.tensor(IMAGENET_MEAN) / deviation,
        }
    return _checked(colours | _in_order(state, kernels))


def _normalised(state: Mapping[str, torch.Tensor]) -> VggWeights:
    kernels = sorted((k for k in state if k.endswith(".weight")), key=_position)
    first, rest = kernels[0], kernels[1:]
    if state[first].shape != (3, 3, 1, 1):
        raise ValueError("the first convolution is not one on colours")
    colours = {"colour.matrix": state[first][:, :, 0, 0], "colour.offset": state[first.replace("weight", "bias")]}
    return _checked(colours | _in_order(state, rest), "reflect")


def _position(key: str) -> int:
    return int(key.split(".")[-2])


def _in_order(state: Mapping[str, torch.Tensor], kernels: list[str]) -> dict[str, torch.Tensor]:
    """The convolutions by their places; a file may end early (AdaIN's goes to relu4_1 in some copies)."""
    found = {}
    for name, key in zip(NAMES, kernels, strict=False):
        found[f"{name}.weight"] = state[key]
        found[f"{name}.bias"] = state[key.removesuffix("weight") + "bias"]
    return found


def _tensorflow(layers: Mapping[str, Any]) -> VggWeights:
    found = {}
    for name in NAMES:
        kernel, bias = layers[name]
        found[f"{name}.weight"] = torch.from_numpy(np.ascontiguousarray(np.transpose(kernel, (3, 2, 0, 1))))
        found[f"{name}.bias"] = torch.from_numpy(np.ascontiguousarray(bias))
    return _checked(caffe_colours() | found)


def _scumble(path: Path) -> VggWeights:
    with safe_open(path, framework="pt") as file:
        padding = (file.metadata() or {}).get("padding", "zeros")
    return _checked(load_file(path), "reflect" if padding == "reflect" else "zeros", whole=False)


def _checked(
    tensors: dict[str, torch.Tensor], padding: Literal["zeros", "reflect"] = "zeros", whole: bool = True
) -> VggWeights:
    """That every convolution takes what the one before it gives."""
    before = 3
    if "conv1_1.weight" not in tensors or tensors["colour.matrix"].shape != (3, 3):
        raise ValueError("there is no first convolution")
    for name in NAMES:
        if f"{name}.weight" not in tensors:
            continue
        kernel, bias = tensors[f"{name}.weight"], tensors[f"{name}.bias"]
        if kernel.shape[1:] != (before, 3, 3) or bias.shape != kernel.shape[:1]:
            raise ValueError(f"{name} does not fit: {tuple(kernel.shape)} after {before} channels")
        if whole and kernel.shape[0] % 64:
            raise ValueError(f"{name} has {kernel.shape[0]} channels")
        before = kernel.shape[0]
    return VggWeights({name: tensor.float() for name, tensor in tensors.items()}, padding)


class _ArraysOnly(pickle.Unpickler):
    """Builds arrays, and the plain containers that pickle makes by itself; refuses every other name."""

    ALLOWED = {  # noqa: RUF012
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        ("numpy.core.multiarray", "_reconstruct"): np._core.multiarray._reconstruct,  # type: ignore[attr-defined]
        ("numpy._core.multiarray", "_reconstruct"): np._core.multiarray._reconstruct,  # type: ignore[attr-defined]
        ("_codecs", "encode"): lambda text, encoding: text.encode("latin-1"),
    }

    def find_class(self, module: str, name: str) -> Any:
        try:
            return self.ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"{module}.{name} is not part of an array") from None


def _read_npy(path: Path) -> Mapping[str, Any]:
    """The dictionary in a one-element object array, as `np.save` writes it (its Python 2 form, too)."""
    with path.open("rb") as file:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version[0] == 1 else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(file)
        if not dtype.hasobject or shape != ():
            raise ValueError("this is not a dictionary of layers")
        content = _ArraysOnly(io.BytesIO(file.read()), encoding="latin1").load()
    layers = content.item() if isinstance(content, np.ndarray) else content
    if not isinstance(layers, dict):
        raise ValueError("this is not a dictionary of layers")
    return {key.decode() if isinstance(key, bytes) else key: value for key, value in layers.items()}
