"""VGG's shape: layers and their sizes, preparation of colours, pooling, borders."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from scumble.vision.vgg.network import VGG19, Vgg, VggWeights, layer_names, random_weights, reflected

SMALL = random_weights((2, 2, 1), (4, 6, 8))
PICTURE = torch.rand(1, 3, 21, 30, generator=torch.Generator().manual_seed(0))


def test_has_the_published_layers_in_order() -> None:
    names = layer_names(VGG19)
    assert names[:5] == ["conv1_1", "relu1_1", "conv1_2", "relu1_2", "pool1"]
    assert sum(name.startswith("conv") for name in names) == 16
    assert names[-2:] == ["relu5_4", "pool5"]


def test_each_pooling_halves_and_keeps_an_odd_rest() -> None:
    found = Vgg(SMALL)(PICTURE, ["relu1_2", "relu2_1", "relu3_1"])
    assert [tuple(x.shape[1:]) for x in found.values()] == [(4, 21, 30), (6, 11, 15), (8, 6, 8)]


def test_is_the_plain_sequence_of_its_operations() -> None:
    weights = VggWeights(SMALL.tensors, "zeros")
    x = torch.einsum("ij,bjhw->bihw", weights.tensors["colour.matrix"], PICTURE)
    x = x + weights.tensors["colour.offset"][:, None, None]
    for name in ("conv1_1", "conv1_2"):
        x = functional.relu(
            functional.conv2d(x, weights.tensors[f"{name}.weight"], weights.tensors[f"{name}.bias"], padding=1)
        )
    assert torch.allclose(Vgg(weights)(PICTURE, ["relu1_2"])["relu1_2"], x, atol=1e-6)


def test_relu_does_not_change_what_was_handed_out_before_it() -> None:
    found = Vgg(SMALL)(PICTURE, ["conv1_1", "relu1_1"])
    assert (found["conv1_1"] < 0).any()
    assert torch.equal(found["relu1_1"], found["conv1_1"].clamp(min=0))


def test_poolings_differ() -> None:
    largest, mean = (Vgg(SMALL, pooling)(PICTURE, ["pool1"])["pool1"] for pooling in ("max", "average"))
    assert (largest >= mean - 1e-6).all()
    assert not torch.equal(largest, mean)


def test_pictures_of_one_pixel_go_through() -> None:
    assert Vgg(SMALL)(torch.rand(1, 3, 1, 1), ["relu3_1"])["relu3_1"].shape == (1, 8, 1, 1)


@pytest.mark.parametrize("size", [(2, 2), (2, 5), (7, 6), (1, 4)])
def test_reflection_and_its_gradient_are_the_same_on_every_device(size: tuple[int, int], device: str) -> None:
    picture = torch.rand(2, 3, *size, generator=torch.Generator().manual_seed(1))
    weight = torch.rand(2, 3, size[0] + 2, size[1] + 2, generator=torch.Generator().manual_seed(2))
    wanted, given = picture.clone().requires_grad_(), picture.to(device).requires_grad_()
    mode = "reflect" if min(size) > 1 else "replicate"
    padded, found = functional.pad(wanted, (1, 1, 1, 1), mode=mode), reflected(given)
    assert torch.equal(found.detach().cpu(), padded.detach())
    (padded * weight).sum().backward()  # type: ignore[no-untyped-call]
    (found * weight.to(device)).sum().backward()  # type: ignore[no-untyped-call]
    assert wanted.grad is not None
    assert given.grad is not None
    torch.testing.assert_close(given.grad.cpu(), wanted.grad)


def test_nothing_of_it_is_trained() -> None:
    network = Vgg(SMALL)
    assert not list(network.parameters())
    picture = PICTURE.clone().requires_grad_()
    network(picture, ["relu3_1"])["relu3_1"].sum().backward()
    assert picture.grad is not None


def test_an_unknown_layer_is_named() -> None:
    with pytest.raises(ValueError, match="no layer relu4_1"):
        Vgg(SMALL)(PICTURE, ["relu4_1"])
