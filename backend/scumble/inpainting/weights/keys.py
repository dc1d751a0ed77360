"""The names of weights in published inpainting checkpoints, and what Scumble's networks call them."""

from __future__ import annotations

import re
from collections.abc import Iterable

import torch

State = dict[str, torch.Tensor]

TENSORFLOW_SCOPES = ("inpaint_net/", "G_en/", "G_de/", "CB1/")
"""Beginnings of the names that are read from a TensorFlow checkpoint: optimizers and discriminators stay out."""


def _kernel(tensor: torch.Tensor) -> torch.Tensor:
    """(height, width, in, out) to (out, in, height, width)."""
    return tensor.permute(3, 2, 0, 1).contiguous()


def _number(layer: str) -> int:
    """Keras numbers layers as it makes them: p_conv2d, p_conv2d_1, …"""
    found = re.search(r"_(\d+)$", layer)
    return int(found.group(1)) if found else 0


def _layers(keys: Iterable[str], weight: str) -> list[str]:
    """Layers that have a weight of this name, in the order in which Keras made them."""
    found = {key.rpartition("/")[0] for key in keys if key.rpartition("/")[2] == weight}
    return sorted(found, key=_number)


# --- PConv-Keras -----------------------------------------------------------------------------------------------------


def is_pconv_keras(keys: Iterable[str]) -> bool:
    return len(_layers(keys, "img_kernel")) >= 4


def from_pconv_keras(state: State) -> State:
    """Layers `p_conv2d_*` (img_kernel, bias), `EncBN1`…, `batch_normalization_*`, and the last `conv2d*` or `outputs_img`."""
    partial = _layers(state, "img_kernel")
    if len(partial) % 2:
        raise ValueError(f"{len(partial)} partial convolutions, where encoder and decoder have as many each")
    depth = len(partial) // 2
    out: State = {}
    for number, layer in enumerate(partial):
        place = f"encoder.{number}" if number < depth else f"decoder.{number - depth}"
        out[f"{place}.conv.weight"] = _kernel(state[f"{layer}/img_kernel"])
        out[f"{place}.conv.bias"] = state[f"{layer}/bias"]
    norms = _layers(state, "moving_variance")
    encoder = sorted((n for n in norms if n.startswith("EncBN")), key=lambda n: int(n.removeprefix("EncBN")))
    decoder = [n for n in norms if not n.startswith("EncBN")]
    for side, layers, first in (("encoder", encoder, 1), ("decoder", decoder, 0)):
        for number, layer in enumerate(layers, start=first):
            for ours, theirs in (
                ("weight", "gamma"),
                ("bias", "beta"),
                ("running_mean", "moving_mean"),
                ("running_var", "moving_variance"),
            ):
                out[f"{side}.{number}.norm.{ours}"] = state[f"{layer}/{theirs}"]
            out[f"{side}.{number}.norm.num_batches_tracked"] = torch.tensor(0)
    (last,) = [layer for layer in _layers(state, "kernel") if state[f"{layer}/kernel"].shape[:2] == (1, 1)]
    out["output.weight"], out["output.bias"] = _kernel(state[f"{last}/kernel"]), state[f"{last}/bias"]
    return out


# --- naoto0804 -------------------------------------------------------------------------------------------------------


def is_naoto(keys: Iterable[str]) -> bool:
    return {"enc_1.conv.conv2d.weight", "dec_1.conv.conv2d.weight"} <= set(keys)


def from_naoto(state: State) -> State:
    """`enc_1` … from the outside in, `dec_7` … `dec_1` from the inside out; `mask2d` are ones that never change."""
    depth = sum(bool(re.fullmatch(r"enc_\d+\.conv\.conv2d\.weight", key)) for key in state)
    out: State = {}
    for key, tensor in state.items():
        found = re.fullmatch(r"(enc|dec)_(\d+)\.(conv\.conv2d|bn)\.(\w+)", key)
        if found is None:
            continue
        side, number = found[1], int(found[2])
        place = f"encoder.{number - 1}" if side == "enc" else f"decoder.{depth - number}"
        out[f"{place}.{'norm' if found[3] == 'bn' else 'conv'}.{found[4]}"] = tensor
    return out


# --- DeepFill v2 -----------------------------------------------------------------------------------------------------


def is_deepfill(keys: Iterable[str]) -> bool:
    return {"inpaint_net/conv1/kernel", "inpaint_net/allconv17/kernel"} <= set(keys)


def from_deepfill(state: State) -> State:
    """`inpaint_net/conv1/kernel`, and with a level more for upsampling layers (`conv13_upsample/conv13_upsample_conv`)."""
    out: State = {}
    for key, tensor in state.items():
        parts = key.split("/")
        if parts[0] != "inpaint_net" or len(parts) < 3 or parts[-1] not in ("kernel", "bias"):
            continue
        weight = _kernel(tensor) if parts[-1] == "kernel" else tensor
        out[f"layers.{parts[1]}.conv.{'weight' if parts[-1] == 'kernel' else 'bias'}"] = weight
    return out


# --- DeepCreamPy -----------------------------------------------------------------------------------------------------


def is_deepcreampy(keys: Iterable[str]) -> bool:
    return {"G_en/Conv/weights", "G_de/Conv_8/weights", "CB1/ML/weights"} <= set(keys)


def from_deepcreampy(state: State) -> State:
    """`G_en/Conv` to `Conv_9`, `G_de/Conv` to `Conv_8`, and the join of the contextual block, `CB1/ML`."""
    places = {"CB1/ML": "context.join", "G_de/Conv_8": "output"}
    for number in range(10):
        places["G_en/Conv" + (f"_{number}" if number else "")] = f"encoder.{number}"
    for number in range(8):
        places["G_de/Conv" + (f"_{number}" if number else "")] = f"decoder.{number // 2}.{number % 2}"
    out: State = {}
    for theirs, ours in places.items():
        out[f"{ours}.weight"] = _kernel(state[f"{theirs}/weights"])
        out[f"{ours}.bias"] = state[f"{theirs}/biases"]
    return out
