"""The published weights of the Neural Photo Editor, `IAN_simple.npz` and `IANv1.npz`: Lasagne's parameters by name.

What differs from torch: dense weights are (in, out); batch norm stores `inv_std` = 1 / sqrt(variance + 1e-4), not the
variance; the transposed convolutions were computed with cuDNN's “convolution” mode, so their kernels are turned by 180°
(their first axis is the input, as in torch); and the file holds a pickled text of metadata, which is never read.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from scumble_client.errors import ScumbleError

from .ian import Ian, IanSimple
from .ian_layers import EPSILON, AutoregressiveDense, DilatedBlock, MultiscaleDilated

Arrays = Mapping[str, NDArray[Any]]


def load(path: Path, device: str = "cpu") -> Ian | IanSimple:
    """The network, simple or full by what the file holds: a published `.npz`, or Scumble's own safetensors.

    Raises
    ------
    ScumbleError
        `weights_missing` where the file is not one of these, or is damaged.
    """
    try:
        network = _own(load_file(path)) if path.suffix == ".safetensors" else convert(read(path))
    except (
        OSError,
        ValueError,
        KeyError,
        IndexError,
        RuntimeError,
        EOFError,
        zipfile.BadZipFile,
        SafetensorError,
    ) as error:
        raise ScumbleError(
            "weights_missing",
            f"“{path.name}” can't be read as weights of the Neural Photo Editor.",
            "Download the file again; IAN_simple.npz and IANv1.npz are known.",
        ) from error
    return network.eval().requires_grad_(False).to(device)


def save(network: Ian | IanSimple, path: Path, half: bool = False) -> None:
    """Write Scumble's own form, in half precision or as it is."""
    state = {name: t for name, t in network.state_dict().items() if not name.endswith("num_batches_tracked")}
    save_file({name: (t.half() if half else t).contiguous() for name, t in state.items()}, path)


def _own(tensors: dict[str, torch.Tensor]) -> Ian | IanSimple:
    width, latents = tensors["encoder.0.conv.weight"].shape[0], tensors["mean.weight"].shape[0]
    network: Ian | IanSimple = Ian(width, latents) if "out.red.weight" in tensors else IanSimple(width, latents)
    wanted = {name for name in network.state_dict() if not name.endswith("num_batches_tracked")}
    if set(tensors) != wanted:
        raise ValueError("the names of the tensors differ")
    network.load_state_dict({name: tensor.float() for name, tensor in tensors.items()}, strict=False)
    return network


def read(path: Path) -> dict[str, NDArray[Any]]:
    """All arrays of the file but `metadata`, which holds a pickle. No pickle is ever loaded: object arrays are refused."""
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files if name != "metadata"}


def convert(arrays: Arrays) -> Ian | IanSimple:
    """The network with these parameters; width and number of latents are read from their shapes.

    Raises
    ------
    KeyError, ValueError
        For a parameter that is missing, or has another shape.
    """
    width = arrays["enc_conv1.W"].shape[0]
    latents = arrays["enc_mu.W"].shape[1]
    full = "RW" in arrays
    network: Ian | IanSimple = Ian(width, latents) if full else IanSimple(width, latents)
    with torch.no_grad():
        _encoder(network, arrays)
        if isinstance(network, Ian):
            _full_decoder(network, arrays)
        else:
            _simple_decoder(network, arrays)
    return network


def _encoder(network: Ian | IanSimple, arrays: Arrays) -> None:
    for number, layer in enumerate(network.encoder, start=1):
        _set(layer.conv.weight, arrays[f"enc_conv{number}.W"])  # type: ignore[union-attr, arg-type]
        if number == 1:
            _set(layer.conv.bias, arrays["enc_conv1.b"])  # type: ignore[union-attr, arg-type]
        else:
            _norm(layer.norm, arrays, f"bnorm{number}")  # type: ignore[arg-type]
    for dense, norm, name, norm_name in (
        (network.hidden, network.hidden_norm, "enc_fc1", "bnorm_enc_fc1"),
        (network.mean, network.mean_norm, "enc_mu", "mu_bnorm"),
        (network.log_sigma, network.log_sigma_norm, "enc_logsigma", "ls_bnorm"),
    ):
        _set(dense.weight, arrays[f"{name}.W"].T)
        _norm(norm, arrays, norm_name)
    _set(network.minibatch.theta, arrays["minibatch_discrim.theta"])
    _set(network.minibatch.log_scale, arrays["minibatch_discrim.log_weight_scale"])
    _set(network.minibatch.bias, arrays["minibatch_discrim.b"])
    _set(network.judge.weight, arrays["discrimi.W"].T)


def _simple_decoder(network: IanSimple, arrays: Arrays) -> None:
    _set(network.project.weight, arrays["l_dec_fc2.W"].T)
    _norm(network.project_norm, arrays, "bnorm_dec_fc2")
    for number, layer in enumerate(network.decoder, start=1):
        _deconvolution(layer, arrays, number)
    _set(network.out.weight, _turned(arrays["dec_out.W"]))


def _full_decoder(network: Ian, arrays: Arrays) -> None:
    for made, name in ((network.flow_mean, "l_IAF_mu"), (network.flow_log_sigma, "l_IAF_ls")):
        _made(made, arrays, name)
    _set(network.project.weight, arrays["l_dec_fc2.W"].T)
    _set(network.project.bias, arrays["l_dec_fc2.b"])
    number = 0
    for layer in network.decoder:
        if isinstance(layer, DilatedBlock):
            name = f"dec_conv{number + 1}a"
            for place, norm in enumerate(layer.norms):
                _norm(norm, arrays, f"{name}bnorm{place}")
            _dilated(layer.first, arrays, name)
            _dilated(layer.second, arrays, f"{name}2")
        else:
            number += 1
            _deconvolution(layer, arrays, number)
    for part, name in (
        (network.out.red, "R"),
        (network.out.green, "G_a"),
        (network.out.green_given, "G_b"),
        (network.out.blue, "B_a"),
        (network.out.blue_given, "B_b"),
    ):
        _dilated(part, arrays, name)


def _made(made: AutoregressiveDense, arrays: Arrays, name: str) -> None:
    for layer, mask, part in (
        (made.input, made.input_mask, "input"),
        (made.output, made.output_mask, "output_W"),
        (made.direct, made.direct_mask, "output_D"),
    ):
        _set(layer.weight, arrays[f"{name}_{part}.W"].T)
        _set(layer.bias, arrays[f"{name}_{part}.b"])
        stored = f"{name}_{part}.weights_mask"
        if stored in arrays:  # the published files leave the masks to the seed
            _set(mask, arrays[stored].T)


def _dilated(layer: MultiscaleDilated, arrays: Arrays, name: str) -> None:
    _set(layer.weight, arrays[f"{name}W"])
    shares = [arrays[f"{name}_coeff_base"]]
    shares += [arrays[f"{name}_coeff_{scale or '1x1'}"] for scale in layer.scales]
    _set(layer.coefficients, np.stack(shares))


def _deconvolution(layer: nn.Module, arrays: Arrays, number: int) -> None:
    _set(layer.conv.weight, _turned(arrays[f"dec_conv{number}.W"]))  # type: ignore[union-attr, arg-type]
    _norm(layer.norm, arrays, f"bnorm_dc{number}")  # type: ignore[arg-type]


def _turned(kernel: NDArray[Any]) -> NDArray[Any]:
    return kernel[:, :, ::-1, ::-1]


def _norm(norm: nn.Module, arrays: Arrays, name: str) -> None:
    assert isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    _set(norm.weight, arrays[f"{name}.gamma"])
    _set(norm.bias, arrays[f"{name}.beta"])
    _set(norm.running_mean, arrays[f"{name}.mean"])
    variance = 1 / np.asarray(arrays[f"{name}.inv_std"], np.float64) ** 2 - EPSILON
    _set(norm.running_var, variance)


def _set(target: torch.Tensor, values: NDArray[Any]) -> None:
    if tuple(target.shape) != values.shape:
        raise ValueError(f"a parameter has the shape {values.shape}, not {tuple(target.shape)}")
    target.copy_(torch.from_numpy(np.ascontiguousarray(values, np.float32)))


def names(full: bool) -> Iterator[str]:
    """The parameters that a published file holds."""
    for number in range(1, 5):
        yield f"enc_conv{number}.W"
    yield "enc_conv1.b"
    norms = [
        "bnorm2",
        "bnorm3",
        "bnorm4",
        "bnorm_enc_fc1",
        "mu_bnorm",
        "ls_bnorm",
        "bnorm_dc1",
        "bnorm_dc2",
        "bnorm_dc3",
    ]
    norms += ["bnorm_dc4"] if full else ["bnorm_dec_fc2"]
    yield from ("enc_fc1.W", "enc_mu.W", "enc_logsigma.W", "l_dec_fc2.W", "discrimi.W")
    yield from (f"minibatch_discrim.{part}" for part in ("theta", "log_weight_scale", "b"))
    yield from (f"dec_conv{number}.W" for number in range(1, 5 if full else 4))
    if full:
        yield "l_dec_fc2.b"
        for flow in ("l_IAF_mu", "l_IAF_ls"):
            yield from (f"{flow}_{part}.{kind}" for part in ("input", "output_W", "output_D") for kind in "Wb")
        scales = {
            f"dec_conv{n}a{second}": s for n, s in ((2, (0, 2)), (3, (0, 2, 3)), (4, (0, 2, 3))) for second in ("", "2")
        }
        scales |= dict.fromkeys(("R", "G_a", "G_b", "B_a", "B_b"), (2, 3, 4))
        for name, dilations in scales.items():
            yield f"{name}W"
            yield from (f"{name}_coeff_{part}" for part in ("base", *(d or "1x1" for d in dilations)))
        norms += [f"dec_conv{number}abnorm{place}" for number in (2, 3, 4) for place in range(3)]
    else:
        yield "dec_out.W"
    for norm in norms:
        yield from (f"{norm}.{part}" for part in ("beta", "gamma", "mean", "inv_std"))
