"""Published networks on every device: they are not at hand in tests, so random ones of the same form are used.

`NETWORKS` has one for every architecture that the operations' choices name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from scumble.faces.latent.ian import Ian, IanSimple
from scumble.faces.sketch.sc_fegan import ScFegan, inputs_of
from scumble.inpainting.networks.deepcreampy import DeepCreamPyNet
from scumble.inpainting.networks.gated_conv import GatedGenerator
from scumble.inpainting.networks.partial_conv import KERAS, PartialConvUNet, UNetForm
from scumble.inpainting.weights.inpainters import (
    DeepCreamPyInpainter,
    GatedInpainter,
    Inpainter,
    LamaInpainter,
    MiganInpainter,
    PartialConvInpainter,
)
from scumble.operations import operations
from scumble.vision.vgg.network import Vgg, random_weights
from scumble.weights import load_manifest

from .support.devices import is_real_gpu

PICTURE = torch.rand(289, 213, 3, generator=torch.Generator().manual_seed(0))
"""Larger than what some of them take, so that it is made smaller; no side divides another."""

HOLE = torch.zeros(289, 213, dtype=torch.bool)
HOLE[101:167, 53:120] = True


class _Known(nn.Module):
    """In place of a program in TorchScript: its input without its last channels."""

    def forward(self, *given: torch.Tensor) -> torch.Tensor:
        return given[0][:, -3:] * 0.5


def fills(make: Callable[[], Inpainter]) -> Callable[[str], torch.Tensor]:
    def run(device: str) -> torch.Tensor:
        network = make().to(device).eval()
        lines = (PICTURE[..., 0] > 0.9).to(device) if network.takes_sketch else None
        filled = network.fill(PICTURE.to(device), HOLE.to(device), network.takes_mosaic, lines)
        assert torch.equal(filled.cpu()[~HOLE], PICTURE[~HOLE])
        return filled

    return run


def face(make: Callable[[], Any]) -> Callable[[str], torch.Tensor]:
    def run(device: str) -> torch.Tensor:
        network = make().to(device).eval()
        picture: torch.Tensor = network(PICTURE[:64, :64].permute(2, 0, 1)[None].to(device) * 2 - 1)
        return picture

    return run


def sketched(device: str) -> torch.Tensor:
    network = ScFegan(4).to(device).eval()
    picture = PICTURE[:256, :128].permute(2, 0, 1)[None].to(device)
    hole = HOLE[:256, :128].to(device).float()[None, None]
    found: torch.Tensor = network(inputs_of(picture, hole, hole * 0, picture, hole * 0, hole))
    return found


def seen(device: str) -> torch.Tensor:
    network = Vgg(random_weights((2, 2, 1), (4, 6, 8))).to(device)
    picture = PICTURE.permute(2, 0, 1)[None].to(device).requires_grad_()
    total = sum(layer.square().mean() for layer in network(picture, ["relu1_2", "relu2_1", "relu3_1"]).values())
    assert isinstance(total, torch.Tensor)
    (slope,) = torch.autograd.grad(total, picture)
    return slope


NETWORKS: dict[str, Callable[[str], torch.Tensor]] = {
    "partial_conv": fills(lambda: PartialConvInpainter(PartialConvUNet(UNetForm(widths=(4, 8, 8))))),
    "gated_conv": fills(lambda: GatedInpainter(GatedGenerator(8, guided=True))),
    "deepcreampy": fills(lambda: DeepCreamPyInpainter(DeepCreamPyNet(4))),
    "lama": fills(lambda: LamaInpainter(_Known())),
    "migan": fills(lambda: MiganInpainter(_Known())),
    "sc_fegan": sketched,
    "ian": face(lambda: Ian(4, 12)),
    "ian_simple": face(lambda: IanSimple(4, 12)),
    "vgg19": seen,
    "vgg19_normalised": seen,
}


def test_every_architecture_that_can_be_chosen_is_here() -> None:
    published = {entry.name: entry.architecture for entry in load_manifest() if not entry.embedded}
    described = [p for o in operations().values() for p in o.describe()["parameters"]]
    choices = {choice for parameter in described for choice in parameter.get("choices", [])}
    assert {published[choice] for choice in choices if choice in published} == set(NETWORKS)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_gives_the_same_on_every_device(name: str, device: str) -> None:
    torch.manual_seed(0)
    wanted = NETWORKS[name]("cpu")
    torch.manual_seed(0)
    compare(NETWORKS[name](device), wanted, device)


def test_a_keras_form_too(device: str) -> None:
    """Its masks are counted otherwise."""
    torch.manual_seed(0)
    network = PartialConvInpainter(PartialConvUNet(UNetForm(**{**vars(KERAS), "widths": (4, 8, 8)}))).eval()
    wanted = network.fill(PICTURE, HOLE)
    compare(network.to(device).fill(PICTURE.to(device), HOLE.to(device)), wanted, device)


def compare(given: torch.Tensor, wanted: torch.Tensor, device: str) -> None:
    """A real GPU's convolutions have fewer digits (TensorFloat-32)."""
    allowed = 0.02 if is_real_gpu(device) else 1e-4
    torch.testing.assert_close(given.cpu(), wanted, rtol=10 * allowed, atol=allowed)
