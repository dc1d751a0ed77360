"""VGG-19's published forms: files of the same structure, with few channels where the reader does not mind, give one network."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from scumble.vision.vgg import weights as vgg_weights
from scumble.vision.vgg.network import VGG19, Vgg, VggWeights
from scumble_client.errors import ScumbleError

WIDTH = 64
"""Of every convolution: the published structure, narrow enough for a test."""

PICTURE = torch.rand(1, 3, 20, 24, generator=torch.Generator().manual_seed(1))
LAYERS = ["relu1_1", "relu3_4", "relu5_4"]


@pytest.fixture(scope="module")
def kernels() -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Weight and bias by name."""
    generator = torch.Generator().manual_seed(0)
    found, before = {}, 3
    for name in vgg_weights.NAMES:
        weight = torch.randn(WIDTH, before, 3, 3, generator=generator) * (2 / (9 * before)) ** 0.5
        found[name] = (weight, torch.randn(WIDTH, generator=generator) * 0.1)
        before = WIDTH
    return found


Kernels = dict[str, tuple[torch.Tensor, torch.Tensor]]


def torch_state(kernels: Kernels) -> dict[str, torch.Tensor]:
    """Keys as torchvision's Sequential numbers them: convolution, ReLU, pooling."""
    state, place, names = {}, 0, iter(vgg_weights.NAMES)
    for count in VGG19:
        for _ in range(count):
            weight, bias = kernels[next(names)]
            state[f"features.{place}.weight"], state[f"features.{place}.bias"] = weight, bias
            place += 2
        place += 1
    state["classifier.0.weight"] = torch.zeros(4, 4)
    return state


def normalised_state(kernels: Kernels) -> dict[str, torch.Tensor]:
    """AdaIN's Sequential: colours, then padding, convolution, ReLU, and pooling after each block."""
    state = {
        "0.weight": torch.eye(3).flip(0)[:, :, None, None] * 255,
        "0.bias": torch.tensor([-103.939, -116.779, -123.68]),
    }
    place, names = 2, iter(vgg_weights.NAMES)
    for count in VGG19:
        for _ in range(count):
            state[f"{place}.weight"], state[f"{place}.bias"] = kernels[next(names)]
            place += 3
        place += 1
    return state


def answers(weights: VggWeights, picture: torch.Tensor = PICTURE) -> list[torch.Tensor]:
    return list(Vgg(weights)(picture, LAYERS).values())


def by_hand(kernels: Kernels, prepared: torch.Tensor) -> list[torch.Tensor]:
    """The network on a picture that was prepared already."""
    tensors = {"colour.matrix": torch.eye(3), "colour.offset": torch.zeros(3)}
    for name, (weight, bias) in kernels.items():
        tensors |= {f"{name}.weight": weight, f"{name}.bias": bias}
    return answers(VggWeights(tensors), prepared)


def close(one: list[torch.Tensor], two: list[torch.Tensor]) -> bool:
    return all(torch.allclose(a, b, rtol=1e-3, atol=1e-3 * float(b.abs().max())) for a, b in zip(one, two, strict=True))


def bgr() -> torch.Tensor:
    return PICTURE.flip(1) * 255 - torch.tensor([103.939, 116.779, 123.68])[:, None, None]


def test_torchvision(kernels: Kernels, tmp_path: Path) -> None:
    path = tmp_path / "vgg19-dcbb9e9d.pth"
    torch.save(torch_state(kernels), path)
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    prepared = (PICTURE - mean[:, None, None]) / deviation[:, None, None]
    assert close(answers(vgg_weights.load(path)), by_hand(kernels, prepared))


@pytest.mark.parametrize(("name", "form"), [("vgg19-d01eb7cb.pth", None), ("mine.pth", "caffe")])
def test_caffe_in_torch(kernels: Kernels, tmp_path: Path, name: str, form: vgg_weights.Form | None) -> None:
    torch.save(torch_state(kernels), tmp_path / name)
    assert close(answers(vgg_weights.load(tmp_path / name, form)), by_hand(kernels, bgr()))


def test_normalised(kernels: Kernels, tmp_path: Path) -> None:
    path = tmp_path / "vgg_normalised.pth"
    torch.save(normalised_state(kernels), path)
    weights = vgg_weights.load(path)
    assert weights.padding == "reflect"
    inner = np.s_[..., 1:-1, 1:-1]
    found, wanted = answers(weights)[0], by_hand(kernels, bgr())[0]  # beyond the border the two differ
    assert torch.allclose(found[inner], wanted[inner], rtol=1e-3, atol=0.05)


@pytest.mark.parametrize("python2", [False, True])
def test_tensorflow(kernels: Kernels, tmp_path: Path, python2: bool) -> None:
    layers: dict[str, Any] = {n: [w.permute(2, 3, 1, 0).numpy(), b.numpy()] for n, (w, b) in kernels.items()}
    layers["fc8"] = [np.zeros((4, 4), np.float32), np.zeros(4, np.float32)]
    path = tmp_path / "vgg19.npy"
    holder = np.empty((), object)
    holder[()] = layers
    if python2:  # as it was published: protocol 2, names of the older NumPy
        with path.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, {"descr": "|O", "fortran_order": False, "shape": ()})
            file.write(pickle.dumps(holder, protocol=2).replace(b"numpy._core.multiarray", b"numpy.core.multiarray"))
    else:
        np.save(path, holder, allow_pickle=True)
    assert close(answers(vgg_weights.load(path)), by_hand(kernels, bgr()))


def test_scumble_s_own_file(kernels: Kernels, tmp_path: Path) -> None:
    weights = vgg_weights._torch(torch_state(kernels), "caffe")
    save_file(dict(weights.tensors), tmp_path / "vgg.safetensors", metadata={"padding": "reflect"})
    found = vgg_weights.load(tmp_path / "vgg.safetensors")
    assert found.padding == "reflect"
    assert close(answers(found), answers(VggWeights(weights.tensors, "reflect")))


class _Evil:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.marker}",)


@pytest.mark.parametrize("name", ["vgg19.npy", "vgg19.pth"])
def test_no_pickle_is_executed(tmp_path: Path, name: str) -> None:
    marker = tmp_path / "was-here"
    if name.endswith(".npy"):
        holder = np.empty((), object)
        holder[()] = {"conv1_1": _Evil(marker)}
        np.save(tmp_path / name, holder, allow_pickle=True)
    else:
        torch.save({"0.weight": _Evil(marker)}, tmp_path / name)
    with pytest.raises(ScumbleError, match="can't be read"):
        vgg_weights.load(tmp_path / name)
    assert not marker.exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.pth", b"no"), ("a.npy", b"\x93NUMPY\x01\x00no"), ("a.safetensors", b"\x00" * 20), ("b.npy", b"")],
)
def test_damaged_files_are_refused_in_a_sentence(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ScumbleError) as raised:
        vgg_weights.load(tmp_path / name)
    assert raised.value.code == "weights_missing"
    assert name in raised.value.message


def test_convolutions_that_do_not_follow_each_other_are_refused(kernels: Kernels, tmp_path: Path) -> None:
    state = torch_state(kernels)
    state["features.2.weight"] = torch.zeros(WIDTH, 5, 3, 3)
    torch.save(state, tmp_path / "vgg.pth")
    with pytest.raises(ScumbleError, match="can't be read"):
        vgg_weights.load(tmp_path / "vgg.pth")
