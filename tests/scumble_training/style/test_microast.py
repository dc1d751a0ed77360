"""MicroAST's reader: the published form, in small, with random numbers."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from scumble_client.errors import ScumbleError
from scumble_training.style import microast


def shapes() -> dict[str, dict[str, tuple[int, ...]]]:
    """Weights' shapes as published."""
    same: tuple[int, ...] = (64, 64, 3, 3)
    encoder: dict[str, tuple[int, ...]] = {
        "enc1.0": (16, 3, 9, 9), "enc1.2": (32, 1, 3, 3), "enc1.4": (32, 32, 1, 1), "enc1.6": (64, 1, 3, 3),
        "enc1.8": (64, 64, 1, 1), "enc1.10.conv1": same, "enc1.10.conv2": same, "enc2.0.conv1": same, "enc2.0.conv2": same,
    }  # fmt: skip
    decoder: dict[str, tuple[int, ...]] = {f"dec{n}.conv{m}": same for n in (1, 2) for m in (1, 2)}
    decoder |= {"dec3.1": (32, 2, 3, 3), "dec3.3": (32, 32, 1, 1), "dec3.6": (16, 2, 3, 3), "dec3.8": (16, 16, 1, 1)}
    decoder["dec3.10"] = (3, 16, 9, 9)
    modulator: dict[str, tuple[int, ...]] = {
        f"{kind}{n}.0": (64, 1, 3, 3) for kind in ("weight", "bias") for n in (1, 2)
    }
    return {"content_encoder": encoder, "style_encoder": encoder, "modulator": modulator, "decoder": decoder}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    generator = torch.Generator().manual_seed(0)
    for part, layers in shapes().items():
        tensors: dict[str, Tensor] = {}
        for name, shape in layers.items():
            spread = (shape[1] * shape[2] * shape[3]) ** -0.5
            tensors[f"{name}.conv_layer.weight"] = torch.randn(shape, generator=generator) * spread
            tensors[f"{name}.conv_layer.bias"] = torch.zeros(shape[0])
        torch.save(tensors, tmp_path / f"{part}_iter_160000.pth.tar")
    return tmp_path


def test_a_picture_keeps_its_size_and_answers_to_the_style(folder: Path) -> None:
    network = microast.load(folder)
    content = torch.rand(1, 3, 24, 32, generator=torch.Generator().manual_seed(1))
    one, other = (network(content, style) for style in (torch.zeros(1, 3, 20, 16), content[..., :16] ** 2))
    assert one.shape == content.shape
    assert not torch.allclose(one, other, atol=1e-3)


def test_a_missing_or_damaged_file_is_told(folder: Path) -> None:
    (folder / "decoder_iter_160000.pth.tar").write_bytes(b"nothing")
    with pytest.raises(ScumbleError) as raised:
        microast.load(folder)
    assert raised.value.code == "weights_missing"
