"""Gated convolutions, contextual attention and the discriminator; and TensorFlow's sizes, on which they depend."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from scumble.inpainting.networks.contextual_attention import contextual_attention, propagated
from scumble.inpainting.networks.gated_conv import GatedConv2d, GatedGenerator, PatchDiscriminator
from scumble.vision.tensorflow_sizes import nearest_aligned, same_padded


def test_same_padding_puts_the_odd_zero_to_the_right() -> None:
    x = torch.ones(1, 1, 6, 7)
    assert same_padded(x, 3, 2).shape == (1, 1, 7, 9)  # 6 rows need one more, 7 columns two
    assert torch.equal(same_padded(x, 3, 2)[0, 0, 0], torch.tensor([0.0, 1, 1, 1, 1, 1, 1, 1, 0]))
    assert torch.equal(same_padded(x, 3, 2)[0, 0, :, 1], torch.tensor([1.0, 1, 1, 1, 1, 1, 0]))
    assert same_padded(x, 5, 2).shape == (1, 1, 9, 11)
    assert same_padded(x, 3, 1, 4).shape == (1, 1, 14, 15)


def test_aligned_resizing_keeps_both_ends() -> None:
    x = torch.arange(4.0).view(1, 1, 1, 4)
    # place i of 8 comes from round(i * 3 / 7)
    assert nearest_aligned(x, 1, 8)[0, 0, 0].tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert nearest_aligned(torch.arange(8.0).view(1, 1, 1, 8), 1, 4)[0, 0, 0].tolist() == [0, 2, 5, 7]


def test_a_gate_multiplies_the_activated_half() -> None:
    layer = GatedConv2d(2, 6)
    x = torch.rand(1, 2, 5, 5)
    both = functional.conv2d(functional.pad(x, (1, 1, 1, 1)), layer.conv.weight, layer.conv.bias)
    assert torch.allclose(layer(x), functional.elu(both[:, :3]) * torch.sigmoid(both[:, 3:]), atol=1e-6)
    assert GatedConv2d(2, 3, gated=False)(x).shape[1] == 3


class TestAttention:
    @pytest.mark.parametrize("like", [0, 1])
    def test_copies_what_resembles(self, like: int) -> None:
        """Two known halves of different features; the hole, across both, resembles one of them."""
        kinds = torch.randn(2, 16, generator=torch.Generator().manual_seed(0))
        features = kinds[0][None, :, None, None].expand(1, -1, 32, 32).clone()
        features[..., 16:] = kinds[1][None, :, None, None]
        hole = torch.zeros(1, 1, 32, 32)
        hole[..., 10:22, 10:22] = 1
        features = torch.where(hole > 0, kinds[like][None, :, None, None], features)
        made = contextual_attention(features, hole)[..., 14:18, 14:18].mean((0, 2, 3))
        distances = (made[None] - kinds).norm(dim=1)
        assert float(distances[like]) < 0.1 * float(distances[1 - like])

    def test_nothing_comes_out_of_the_hole(self) -> None:
        features = torch.rand(2, 4, 16, 20)
        hole = torch.zeros(1, 1, 16, 20)
        hole[..., 4:12, 6:14] = 1
        out = contextual_attention(features, hole)
        assert out.shape == features.shape
        # what only lies in the hole's middle is in no patch that is copied
        spike = features.clone()
        spike[..., 8, 10] = 50
        changed = contextual_attention(spike, hole)
        assert float(changed.max()) < 5

    def test_propagation_is_along_rows_and_columns(self) -> None:
        likeness = torch.zeros(12, 12)
        likeness[5, 5] = 1
        spread = propagated(likeness, 3, 4)
        assert spread[5, 5] == 1
        assert spread[4, 4] == spread[6, 6] == spread[1, 1] == spread[9, 9] == 1
        assert spread[5, 6] == 0


class TestGenerator:
    @pytest.mark.parametrize("guided", [False, True])
    def test_both_stages_have_the_picture_s_size(self, guided: bool) -> None:
        network = GatedGenerator(8, guided).eval()
        hole = torch.zeros(2, 1, 32, 40)
        hole[..., 8:20, 10:30] = 1
        coarse, fine = network(torch.rand(2, 3, 32, 40) * 2 - 1, hole, torch.ones(2, 1, 32, 40) if guided else None)
        assert coarse.shape == fine.shape == (2, 3, 32, 40)
        assert float(fine.detach().abs().max()) <= 1

    def test_the_hole_s_content_is_of_no_meaning_and_a_sketch_is(self) -> None:
        network = GatedGenerator(8, guided=True).eval()
        hole = torch.zeros(1, 1, 32, 32)
        hole[..., 8:20, 10:30] = 1
        x = torch.rand(1, 3, 32, 32)
        lines = torch.zeros(1, 1, 32, 32)
        plain = network(x, hole, lines)[1]
        assert torch.equal(network(torch.where(hole > 0, 0.3, x), hole, lines)[1], plain)
        lines[..., 12, :] = 1
        assert not torch.equal(network(x, hole, lines)[1], plain)
        outside = torch.zeros_like(lines)
        outside[..., 25, :] = 1
        assert torch.equal(network(x, hole, outside)[1], plain)

    def test_has_the_published_channels(self) -> None:
        state = GatedGenerator(12).state_dict()  # a quarter of the published 48
        found = {n: tuple(state[f"layers.{n}.conv.weight"].shape) for n in ("conv1", "conv17", "xconv1", "allconv11")}
        assert found == {
            "conv1": (12, 5, 5, 5),
            "conv17": (3, 3, 3, 3),
            "xconv1": (12, 3, 5, 5),
            "allconv11": (48, 48, 3, 3),
        }


def test_the_discriminator_is_bounded() -> None:
    """Spectral normalization: no convolution can enlarge a difference by more than its kernel overlaps itself."""
    judge = PatchDiscriminator(4, 8)
    with torch.no_grad():
        for layer in judge.layers:
            layer.parametrizations.weight.original.mul_(100)  # type: ignore[union-attr,operator]
    for _ in range(30):
        judge(torch.rand(1, 4, 64, 64))
    judge.eval()
    weight = judge.layers[0].weight
    assert isinstance(weight, torch.Tensor)
    assert float(torch.linalg.matrix_norm(weight.detach().flatten(1), 2)) == pytest.approx(1, abs=0.05)
    assert judge(torch.rand(3, 4, 64, 64)).shape == (3, 32, 1, 1)
