"""SC-FEGAN's layers against TensorFlow's definitions, and the network as a whole."""

from __future__ import annotations

import numpy as np
import torch

from scumble.faces.sketch.sc_fegan import (
    GatedConvolution,
    GatedDeconvolution,
    ScFegan,
    ScFeganDiscriminator,
    inputs_of,
    normalized,
    tensorflow_names,
)
from scumble.vision.tensorflow_sizes import same_padded


def test_local_response_normalization_by_definition() -> None:
    x = torch.randn(1, 14, 2, 3)
    for channel in range(14):
        around = x[:, max(0, channel - 5) : channel + 6]
        expected = x[:, channel] / (5e-5 + (around**2).sum(1)) ** 0.5
        assert torch.allclose(normalized(x)[:, channel], expected, atol=1e-5)


def test_gated_convolution() -> None:
    torch.manual_seed(0)
    layer, x = GatedConvolution(3, 12, 3, lrn=False), torch.randn(1, 3, 6, 6)
    inner = torch.nn.functional.pad(x, (1, 1, 1, 1))
    feature = torch.nn.functional.leaky_relu(layer.feature(inner), 0.2)
    assert torch.allclose(layer(x), feature * torch.sigmoid(layer.gate(inner)), atol=1e-6)


def test_deconvolution_is_the_gradient_of_the_convolution() -> None:
    """TensorFlow defines conv2d_transpose so."""
    torch.manual_seed(0)
    layer, x = GatedDeconvolution(4, 2), torch.randn(1, 4, 3, 5)
    large = torch.zeros(1, 2, 6, 10, requires_grad=True)
    down = torch.nn.functional.conv2d(same_padded(large, 5, 2, 1), layer.conv.weight, stride=2)
    (plain,) = torch.autograd.grad(down, large, x)
    assert layer.conv.bias is not None
    active = torch.nn.functional.leaky_relu(plain + layer.conv.bias[:, None, None], 0.2)
    assert torch.allclose(layer(x), active * torch.sigmoid(active), atol=1e-5)


def test_network() -> None:
    torch.manual_seed(0)
    network = ScFegan(4)
    inputs = torch.randn(1, 9, 128, 256)
    inputs[:, 7] = 0
    inputs[:, 7, :, 128:] = 1
    inputs[:, :3] *= 1 - inputs[:, 7:8]
    with torch.no_grad():
        out = network(inputs)
        completed = network.completed(inputs)
    assert out.shape == (1, 3, 128, 256)
    assert out.abs().max() <= 1
    assert torch.equal(completed[..., :128], inputs[:, :3, :, :128])
    assert torch.allclose(completed[..., 128:], out[..., 128:])


def test_discriminator() -> None:
    found = ScFeganDiscriminator(width=4)(torch.randn(2, 8, 128, 192))
    assert found.shape == (2, 16, 2, 3)


def test_every_parameter_has_a_name_in_the_checkpoint() -> None:
    pairs = dict(tensorflow_names())
    assert set(pairs) == set(dict(ScFegan(2).named_parameters()))
    assert len(set(pairs.values())) == len(pairs)
    assert "generator/gconv1_ds_g/kernel" in pairs.values()
    assert "generator/deconv7/biases1" in pairs.values()
    with torch.device("meta"):
        count = sum(np.prod(p.shape) for p in ScFegan().parameters())
    assert 60e6 < count < 120e6


def test_inputs_are_as_the_published_program_makes_them() -> None:
    picture = torch.tensor([1.0, 0.5, 0.0])[None, :, None, None].expand(1, 3, 2, 2)
    hole, lines, given, noise = (torch.zeros(1, 1, 2, 2) for _ in range(4))
    hole[..., 1] = 1
    lines[:] = noise[:] = 1
    given[..., 0, :] = 1
    found = inputs_of(picture, hole, lines, picture, given, noise)
    assert found.shape == (1, 9, 2, 2)
    bgr = [-1.0, 0.0, 1.0]
    assert found[0, :, 0, 0].tolist() == [*bgr, 0, 0, 0, 0, 0, 0]
    assert found[0, :, 0, 1].tolist() == [0, 0, 0, 1, *bgr, 1, 1]
    assert found[0, :, 1, 1].tolist() == [0, 0, 0, 1, -1, -1, -1, 1, 1], "no colour is black there"
    open_ = inputs_of(picture, hole, lines, picture, given, noise, no_colour=0.0)
    assert open_[0, 4:7, 1, 1].tolist() == [0, 0, 0]
