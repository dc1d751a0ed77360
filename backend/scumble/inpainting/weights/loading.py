"""Loading inpainting networks from every form in which they are published; the architecture is found by the keys.

`load(path, device)` gives an `Inpainter`. Read are: safetensors that Scumble wrote (`scumble weights convert`, or a
trainer), Keras' HDF5 of PConv-Keras, TensorFlow checkpoints of DeepFill v2 and DeepCreamPy, the PyTorch checkpoint of
naoto0804's partial convolutions, TorchScript of LaMa and MI-GAN, and MI-GAN's ONNX. No pickle is executed, and TorchScript and
ONNX only where the caller says that it may.
"""

from __future__ import annotations

import hashlib
import io
import json
import warnings
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from scumble.inpainting.networks.deepcreampy import DeepCreamPyNet
from scumble.inpainting.networks.gated_conv import GatedGenerator
from scumble.inpainting.networks.partial_conv import KERAS, NAOTO, PartialConvUNet, UNetForm
from scumble.weights.formats.keras_h5 import read_keras
from scumble.weights.formats.tensor_bundle import is_bundle, read_bundle
from scumble_client.errors import ScumbleError

from . import keys as keys
from . import onnx_migan
from .inpainters import (
    DeepCreamPyInpainter,
    GatedInpainter,
    Inpainter,
    LamaInpainter,
    MiganInpainter,
    PartialConvInpainter,
    Requirements,
)

__all__ = ["Converted", "Inpainter", "Requirements", "convert", "load"]

State = dict[str, torch.Tensor]
T = TypeVar("T")


@dataclass(frozen=True)
class Converted:
    """A published state in Scumble's own names."""

    architecture: str
    state: State
    form: UNetForm | None = None
    """Of a partial-convolution U-Net."""

    def network(self) -> nn.Module:
        """Raises ValueError or RuntimeError where keys or shapes do not fit."""
        network: nn.Module
        if self.architecture == "partial_conv":
            network = PartialConvUNet(self.form)
        elif self.architecture == "gated_conv":
            width = self.state["layers.conv1.conv.weight"].shape[0]
            network = GatedGenerator(width, guided=self.state["layers.conv1.conv.weight"].shape[1] == 6)
        else:
            network = DeepCreamPyNet(self.state["encoder.0.weight"].shape[0])
        network.load_state_dict({name: tensor.float() for name, tensor in self.state.items()})
        return network

    def inpainter(self) -> Inpainter:
        network = self.network()
        if isinstance(network, PartialConvUNet):
            return PartialConvInpainter(network)
        if isinstance(network, GatedGenerator):
            return GatedInpainter(network)
        assert isinstance(network, DeepCreamPyNet)
        return DeepCreamPyInpainter(network)

    def save(self, path: Path, half: bool = False) -> None:
        """As safetensors; with `half`, weights of networks become float16."""
        notes = {"architecture": self.architecture}
        if self.form is not None:
            notes["form"] = json.dumps(asdict(self.form))
        state = {
            name: (t.half() if half and t.is_floating_point() else t).contiguous() for name, t in self.state.items()
        }
        save_file(state, path, metadata=notes)


@dataclass(frozen=True)
class Published:
    """One published form: the keys that it is known by, and how they become Scumble's."""

    what: str
    detect: Callable[[Iterable[str]], bool]
    convert: Callable[[State], Converted]


def _unet(state: State, form: UNetForm) -> Converted:
    encoder = sorted(int(k.split(".")[1]) for k in state if k.startswith("encoder.") and k.endswith("conv.weight"))
    widths = tuple(int(state[f"encoder.{n}.conv.weight"].shape[0]) for n in encoder)
    kernels = tuple(int(state[f"encoder.{n}.conv.weight"].shape[2]) for n in encoder)
    return Converted("partial_conv", state, replace(form, widths=widths, kernels=kernels))


FORMS = (
    Published("PConv-Keras", keys.is_pconv_keras, lambda s: _unet(keys.from_pconv_keras(s), KERAS)),
    Published("partial convolutions in PyTorch (naoto0804)", keys.is_naoto, lambda s: _unet(keys.from_naoto(s), NAOTO)),
    Published("DeepFill v2", keys.is_deepfill, lambda s: Converted("gated_conv", keys.from_deepfill(s))),
    Published("DeepCreamPy", keys.is_deepcreampy, lambda s: Converted("deepcreampy", keys.from_deepcreampy(s))),
)


def load(path: Path, device: str = "cpu", may_run: Callable[[str], bool] = lambda sha256: False) -> Inpainter:
    """The network in a file, ready to fill on that device.

    Parameters
    ----------
    path
        The file; of a TensorFlow checkpoint any of its files, or their common beginning.
    may_run
        TorchScript is a program, and a graph of ONNX runs in a library that trusts it: whether the one with this SHA-256
        (hexadecimal) may be run. It is asked only for these, about the very bytes that run then (`WeightStore.may_run`).

    Raises
    ------
    ScumbleError
        `weights_missing` where the file is not there, is damaged, or holds something else; `unauthorized` for a program that is
        not to be run.
    """

    def work() -> Inpainter:
        is_onnx = path.suffix == onnx_migan.SUFFIX
        if is_onnx or is_torchscript(path):
            program = path.read_bytes()  # once: what was looked at is what runs, whatever becomes of the file
            if not may_run(hashlib.sha256(program).hexdigest()):
                kind = "ONNX" if is_onnx else "TorchScript"
                raise ScumbleError(
                    "unauthorized",
                    f"“{path.name}” is {kind}, a program that would run on this computer, and is not known to be the published one.",
                    "If you know where it is from, allow this very file with: scumble weights trust NAME (its name in scumble weights list)",
                )
            return _from_onnx(program) if is_onnx else _from_torchscript(program)
        return _read(path).inpainter()

    return _guarded(path, work).to(device).eval()


def convert(path: Path) -> Converted:
    """A published file in Scumble's own names, to be saved as safetensors. Raises ScumbleError as `load` does."""
    if path.is_file() and (path.suffix == onnx_migan.SUFFIX or is_torchscript(path)):
        kind = "ONNX" if path.suffix == onnx_migan.SUFFIX else "TorchScript"
        raise ScumbleError(
            "bad_request",
            f"“{path.name}” is {kind}, a program with its weights, which has no other form.",
            "Put it into the folder of weights as it is.",
        )
    converted = _guarded(path, lambda: _read(path))
    _guarded(path, converted.network)  # what does not fit is found now, not at the first use
    return converted


def _guarded(path: Path, work: Callable[[], T]) -> T:
    try:
        return work()
    except ScumbleError:
        raise
    except FileNotFoundError as error:
        raise ScumbleError(
            "weights_missing",
            f"The file “{Path(error.filename or path).name}” is missing.",
            "Name the file; a TensorFlow checkpoint consists of .index and .data files that lie together.",
        ) from error
    except Exception as error:  # whatever a damaged file makes its reader raise
        raise ScumbleError(
            "weights_missing",
            f"“{path.name}” can't be read as weights of an inpainting network: {_short(error)}.",
            "Download the file again; see scumble weights list for the networks that are known.",
        ) from error


def _short(error: Exception) -> str:
    text = str(error).strip().split("\n")[0].rstrip(".")
    return text if 0 < len(text) <= 160 else type(error).__name__


def _read(path: Path) -> Converted:
    state, notes = _state(path)
    architecture = notes.get("architecture")
    if architecture in ("partial_conv", "gated_conv", "deepcreampy"):
        if architecture != "partial_conv":
            return Converted(architecture, state)
        form = json.loads(notes["form"]) if "form" in notes else {}
        given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in form.items()}
        return _unet(state, UNetForm(**given))
    for form in FORMS:
        if form.detect(state):
            return form.convert(state)
    raise ValueError("its keys are those of no network that Scumble knows")


def _state(path: Path) -> tuple[State, Mapping[str, str]]:
    """Tensors by name, and what a safetensors file notes beside them."""
    if is_bundle(path):
        arrays = read_bundle(path, keys.TENSORFLOW_SCOPES)
        return {name: torch.from_numpy(array.copy()) for name, array in arrays.items()}, {}
    with path.open("rb") as file:
        magic = file.read(8)
    if magic.startswith(b"\x89HDF"):
        return {name: torch.from_numpy(array.copy()) for name, array in read_keras(path).items()}, {}
    if path.suffix == ".safetensors":
        with safe_open(path, framework="pt") as opened:
            return {name: opened.get_tensor(name) for name in opened.keys()}, opened.metadata() or {}  # noqa: SIM118
    content = torch.load(path, map_location="cpu", weights_only=True)
    for inner in ("model", "state_dict", "generator"):
        if isinstance(content, Mapping) and isinstance(content.get(inner), Mapping):
            content = content[inner]
    if not isinstance(content, Mapping):
        raise ValueError("it holds no weights by name")
    return {str(name): value for name, value in content.items() if isinstance(value, torch.Tensor)}, {}


def is_torchscript(path: Path) -> bool:
    """Whether a file is a program of TorchScript: an archive with code in it."""
    if not path.is_file() or not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any("/code/" in name or name.startswith("code/") for name in archive.namelist())


def _from_onnx(program: bytes) -> Inpainter:
    onnx_migan.check_installed()
    return onnx_migan.OnnxMiganInpainter(onnx_migan.OnnxGraph(program))


def _from_torchscript(program: bytes) -> Inpainter:
    """LaMa takes a picture and a mask, MI-GAN one tensor of both: that is how they are told apart."""
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # torch would have new models exported otherwise; these exist
        module = torch.jit.load(io.BytesIO(program), map_location="cpu")  # type: ignore[no-untyped-call]
    inputs = len(module.forward.schema.arguments) - 1
    if inputs == 2:
        return LamaInpainter(module)
    if inputs == 1:
        return MiganInpainter(module)
    raise ValueError(f"it takes {inputs} inputs, and no network of that kind is known")
