"""The losses of neural style: against their definitions, and gradients against finite differences."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from scumble.style.losses import (
    FULL,
    Objective,
    Photorealism,
    as_picture,
    as_tensor,
    gram,
    masks_at_layers,
    style_target,
    total_variation,
)
from scumble.vision.matting_laplacian import matting_laplacian
from scumble.vision.vgg.network import Vgg, random_weights
from tests.support.style import photograph

NETWORK = Vgg(random_weights((2, 1), (6, 8)), "average")
LAYERS = ["relu1_1", "relu2_1"]
CONTENT, STYLE = photograph(1, 14, 18), photograph(2, 16, 15)
LEFT = np.zeros((2, 14, 18), np.float32)
LEFT[0, :, :9], LEFT[1, :, 9:] = 1, 1


def objective(masked: bool = False, **more: object) -> Objective:
    masks = torch.from_numpy(LEFT) if masked else None
    style_masks = torch.stack([torch.ones(16, 15), torch.ones(16, 15)]) if masked else None
    with torch.no_grad():
        content = NETWORK(as_tensor(CONTENT), ["relu1_2"])
    return Objective(
        NETWORK,
        content,
        [style_target(NETWORK, as_tensor(STYLE), LAYERS, style_masks)],
        None if masks is None else masks_at_layers(NETWORK, masks, LAYERS),
        **more,  # type: ignore[arg-type]
    )


def test_gram_is_the_normalized_product_of_channels() -> None:
    features = torch.rand(1, 3, 4, 5)
    flat = features[0].reshape(3, 20).numpy()
    assert gram(features).numpy() == pytest.approx(flat @ flat.T / 60, rel=1e-5)


def test_a_masked_gram_is_that_of_the_part_alone() -> None:
    features, mask = torch.rand(1, 3, 4, 6), torch.zeros(4, 6)
    mask[:, :3] = 1
    assert torch.allclose(gram(features, mask), gram(features[..., :3]), atol=1e-6)
    assert not gram(features, torch.zeros(4, 6)).any()


def test_masks_follow_the_network_s_sizes_and_soften() -> None:
    seen = masks_at_layers(NETWORK, torch.from_numpy(LEFT), LEFT_LAYERS)
    assert [tuple(seen[name].shape) for name in LEFT_LAYERS] == [(2, 14, 18), (2, 7, 9)]
    assert float(seen["relu1_1"][0, 7, 8]) == pytest.approx(2 / 3)


LEFT_LAYERS = ["relu1_1", "relu2_1"]


def test_total_variation_has_the_published_gradient() -> None:
    picture = torch.rand(1, 1, 5, 5, requires_grad=True)
    total_variation(picture).backward()  # type: ignore[no-untyped-call]
    assert picture.grad is not None
    x = picture.detach()[0, 0]
    centre = 4 * x[2, 2] - x[1, 2] - x[3, 2] - x[2, 1] - x[2, 3]
    assert float(picture.grad[0, 0, 2, 2]) == pytest.approx(float(centre), abs=1e-5)


def test_photorealism_has_the_published_gradient() -> None:
    laplacian = matting_laplacian(CONTENT, 1e-3)
    picture = (as_tensor(STYLE[:14, :15]) * FULL).requires_grad_()
    laplacian = matting_laplacian(CONTENT[:, :15], 1e-3)
    Photorealism(laplacian, "cpu")(picture).backward()  # type: ignore[no-untyped-call]
    assert picture.grad is not None
    columns = as_picture(picture).reshape(-1, 3) / 255
    assert as_picture(picture.grad).reshape(-1, 3) == pytest.approx(2 * (laplacian @ columns), abs=1e-3)


def _all(masked: bool) -> Objective:
    full = objective(masked, tv_weight=0.1, photorealism_weight=30.0)
    full.photorealism = Photorealism(matting_laplacian(CONTENT, 1e-2), "cpu")
    return full


@pytest.mark.parametrize(
    "make",
    [
        lambda: objective(style_weight=0.0, tv_weight=0.0),
        lambda: objective(content_weight=0.0, tv_weight=0.0, style_weight=1e4),
        lambda: objective(True, content_weight=0.0, tv_weight=0.0, style_weight=1e4),
        lambda: _all(False),
        lambda: _all(True),
    ],
    ids=["content", "style", "style per segment", "everything", "everything per segment"],
)
def test_gradients_agree_with_finite_differences(make: Callable[[], Objective]) -> None:
    loss = make()
    loss.network = _doubled(loss.network)
    loss.content = {name: x.double() for name, x in loss.content.items()}
    loss.styles = [type(t)({n: g.double() for n, g in t.grams.items()}, t.weight) for t in loss.styles]
    if loss.masks is not None:
        loss.masks = {name: mask.double() for name, mask in loss.masks.items()}
    if loss.photorealism is not None:
        loss.photorealism.matrix = loss.photorealism.matrix.double()
    start = torch.from_numpy(np.moveaxis(photograph(5, 14, 18), 2, 0)[None].astype(np.float64) * FULL)
    picture = start.clone().requires_grad_()
    loss(picture).backward()  # type: ignore[no-untyped-call]
    assert picture.grad is not None
    for seed in range(5):
        direction = torch.randn(start.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        step = 1e-4
        slope = float(loss(start + step * direction) - loss(start - step * direction)) / (2 * step)
        assert slope == pytest.approx(float((picture.grad * direction).sum()), rel=1e-3)


def _doubled(network: Vgg) -> Vgg:
    made = Vgg(random_weights((2, 1), (6, 8)), "average")
    return made.double()


def test_normalized_gradients_have_the_layer_s_weight_as_their_size() -> None:
    loss = objective(normalise=True, content_weight=7.0, style_weight=0.0, tv_weight=0.0)
    loss.styles = []
    identity = Vgg(random_weights((1,), (3,)), "average")
    loss.network = identity
    seen = torch.rand(1, 3, 4, 4, requires_grad=True)
    wrapped = loss._seen(seen, 7.0)
    (wrapped.square().sum() * 100).backward()  # type: ignore[no-untyped-call]
    assert seen.grad is not None
    assert float(seen.grad.abs().sum()) == pytest.approx(7.0, rel=1e-3)


def test_at_the_content_its_loss_is_nothing() -> None:
    loss = objective()
    loss(as_tensor(CONTENT) * FULL)
    assert loss.parts["content"] == pytest.approx(0, abs=1e-6)
    assert loss.parts["style"] > 0
