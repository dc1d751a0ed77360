"""Partial convolutions against the paper's equation, written slowly; the U-Net's shapes, holes and published variants."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import nn

from scumble.inpainting.networks.partial_conv import KERAS, NAOTO, PartialConv2d, PartialConvUNet, Stage, UNetForm

GENERATOR = torch.Generator().manual_seed(0)


def by_the_equation(layer: PartialConv2d, x: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Liu et al. (2018), equations 1 and 2, window by window; `mask` has a channel for each of the picture's, or one."""
    pad, stride, dilation = layer.padding[0], layer.stride[0], layer.dilation[0]
    kernel = layer.kernel_size[0]
    x, mask = (nn.functional.pad(t, (int(pad),) * 4) for t in (x, mask))
    span = dilation * (kernel - 1) + 1
    height, width = ((side - span) // stride + 1 for side in x.shape[2:])
    out = torch.zeros(len(x), layer.out_channels, height, width)
    new = torch.zeros(len(x), 1, height, width)
    per_group_in, per_group_out = x.shape[1] // layer.groups, layer.out_channels // layer.groups
    assert layer.bias is not None
    for b in range(len(x)):
        for row in range(height):
            for column in range(width):
                rows = slice(row * stride, row * stride + span, dilation)
                columns = slice(column * stride, column * stride + span, dilation)
                m = mask[b, :, rows, columns]
                if m.sum() == 0:
                    continue
                new[b, 0, row, column] = 1
                ratio = m.numel() / m.sum()
                for channel in range(layer.out_channels):
                    group = slice(
                        *(
                            n * (channel // per_group_out) + o
                            for n, o in ((per_group_in, 0), (per_group_in, per_group_in))
                        )
                    )
                    window = x[b, group, rows, columns] * (m[group] if len(m) > 1 else m)
                    out[b, channel, row, column] = (layer.weight[channel] * window).sum() * ratio + layer.bias[channel]
    return out, new


def holes(shape: tuple[int, ...]) -> torch.Tensor:
    mask = (torch.rand(shape, generator=GENERATOR) > 0.4).float()
    mask[..., 2:8, 1:7] = 0  # windows that know nothing
    return mask


@pytest.mark.parametrize("multi_channel", [False, True])
@pytest.mark.parametrize(
    "how",
    [
        {"kernel_size": 3, "padding": 1},
        {"kernel_size": 3, "padding": 1, "stride": 2},
        {"kernel_size": 5, "padding": 2, "stride": 2},
        {"kernel_size": 3, "padding": 2, "dilation": 2},
        {"kernel_size": 2},
    ],
    ids=str,
)
def test_is_the_equation(how: dict[str, Any], multi_channel: bool) -> None:
    layer = PartialConv2d(3, 4, multi_channel=multi_channel, return_mask=True, **how)
    x = torch.rand(2, 3, 9, 10, generator=GENERATOR)
    mask = holes((2, 3 if multi_channel else 1, 9, 10))
    out, new = layer(x, mask)
    wanted, wanted_mask = by_the_equation(layer, x, mask)
    assert torch.allclose(out, wanted, atol=1e-5)
    assert new.shape[1] == (4 if multi_channel else 1)
    assert torch.equal(new[:, :1], wanted_mask)
    assert (wanted_mask == 0).any()
    assert (out * (1 - new) == 0).all()


def test_what_is_unknown_has_no_influence() -> None:
    layer = PartialConv2d(3, 5, 3, padding=1)
    mask = holes((1, 1, 12, 12))
    x = torch.rand(1, 3, 12, 12, generator=GENERATOR)
    assert torch.equal(layer(x, mask), layer(x + 1000 * (1 - mask), mask))


def test_as_padding_the_border_counts_as_unknown() -> None:
    layer = PartialConv2d(2, 3, 3, padding=1, return_mask=False)
    x = torch.rand(1, 2, 6, 7, generator=GENERATOR)
    wanted, _ = by_the_equation(layer, x, torch.ones(1, 1, 6, 7))
    assert torch.allclose(layer(x), wanted, atol=1e-6)
    flat = PartialConv2d(2, 1, 3, padding=1, bias=False)
    nn.init.constant_(flat.weight, 0.1)
    made = flat(torch.ones(1, 2, 6, 7))
    assert torch.allclose(made, made[..., 3:4, 3:4].expand_as(made), atol=1e-6)  # zeros would darken the rim
    assert torch.allclose(layer(x[..., :4]), by_the_equation(layer, x[..., :4], torch.ones(1, 1, 6, 4))[0], atol=1e-6)


def test_groups_see_their_own_mask() -> None:
    layer = PartialConv2d(4, 4, 3, padding=1, groups=2, multi_channel=True, return_mask=True)
    x, mask = torch.rand(1, 4, 8, 8, generator=GENERATOR), torch.ones(1, 4, 8, 8)
    mask[:, 2:, 1:7, 1:7] = 0
    out, new = layer(x, mask)
    assert (new[:, :2] == 1).all()
    assert (new[:, 2:, 3, 3] == 0).all()
    assert (out[:, 2:, 3, 3] == 0).all()
    assert (out[:, :2, 3, 3] != 0).all()


def test_the_published_variants() -> None:
    """PConv-Keras: ratio by kernel area, bias everywhere; naoto0804: the plain mean over what is known."""
    x, mask = torch.rand(1, 3, 9, 9, generator=GENERATOR), holes((1, 3, 9, 9))
    keras = Stage(3, 4, 3, 1, False, None, KERAS).conv
    assert keras.bias is not None
    nn.init.normal_(keras.bias)
    total = nn.functional.conv2d(mask, torch.ones(1, 3, 3, 3), padding=1)
    plain = nn.functional.conv2d(x * mask, keras.weight, padding=1)
    wanted = plain * (9 / (total + 1e-8) * total.clamp(0, 1)) + keras.bias[:, None, None]
    assert torch.allclose(keras(x, mask)[0], wanted, rtol=1e-4, atol=1e-4)
    naoto = Stage(3, 4, 3, 1, False, None, NAOTO).conv
    assert naoto.bias is not None
    nn.init.normal_(naoto.bias)
    plain = nn.functional.conv2d(x * mask, naoto.weight, padding=1)
    wanted = torch.where(total > 0, plain / total.clamp(min=1) + naoto.bias[:, None, None], 0)
    assert torch.allclose(naoto(x, mask)[0], wanted, rtol=1e-4, atol=1e-4)


def test_gradients_reach_what_is_known_only() -> None:
    layer = PartialConv2d(1, 1, 3, padding=1)
    x, mask = torch.rand(1, 1, 8, 8).requires_grad_(), holes((1, 1, 8, 8))
    layer(x, mask).sum().backward()
    assert x.grad is not None
    assert (x.grad[mask == 0] == 0).all()
    assert torch.isfinite(x.grad).all()


class TestUNet:
    small = UNetForm(widths=(4, 8, 8))

    def test_fills_at_the_picture_s_size(self) -> None:
        network = PartialConvUNet(self.small).eval()
        mask = holes((2, 1, 16, 24))
        assert network(torch.rand(2, 3, 16, 24), mask).shape == (2, 3, 16, 24)
        assert network.multiple_of == 8

    def test_the_hole_s_content_is_of_no_meaning(self) -> None:
        network = PartialConvUNet(self.small).eval()
        x, mask = torch.rand(1, 3, 16, 16), holes((1, 1, 16, 16))
        assert torch.equal(network(x, mask), network(torch.where(mask > 0, x, 7.0), mask))

    def test_has_the_paper_s_layers(self) -> None:
        assert UNetForm().widths == (64, 128, 256, 512, 512, 512, 512, 512)
        sixteenth = tuple(width // 16 for width in UNetForm().widths)
        network = PartialConvUNet(UNetForm(sixteenth))
        shapes = [tuple(s.conv.weight.shape) for s in [*network.encoder, *network.decoder] if isinstance(s, Stage)]
        assert [s[0] for s in shapes] == [4, 8, 16, 32, 32, 32, 32, 32, 32, 32, 32, 32, 16, 8, 4, 3]
        assert [s[2] for s in shapes] == [7, 5, 5, 3, 3, 3, 3, 3] + [3] * 8
        assert [s[1] for s in shapes][8:] == [64, 64, 64, 64, 48, 24, 12, 7]
        without = [n for n, s in enumerate([*network.encoder, *network.decoder]) if s.norm is None]
        assert without == [0, 15]

    def test_frozen_statistics_stay(self) -> None:
        network = PartialConvUNet(self.small)
        network.freeze_encoder_norm = True
        network.train()
        before = {name: buffer.clone() for name, buffer in network.named_buffers()}
        network(torch.rand(2, 3, 16, 16), torch.ones(1, 1, 16, 16))
        changed = {name for name, buffer in network.named_buffers() if not torch.equal(buffer, before[name])}
        assert changed
        assert all(name.startswith("decoder") for name in changed)

    def test_starts_with_values_of_moderate_size(self) -> None:
        for form in (self.small, UNetForm(widths=(4, 8, 8), window="one"), UNetForm(widths=(4, 8, 8), window="area")):
            torch.manual_seed(1)
            out = PartialConvUNet(form)(torch.rand(2, 3, 32, 32), holes((2, 1, 32, 32))).detach()
            assert 0.01 < float(out.std()) < 20
            assert math.isfinite(float(out.sum()))
