"""Fine contrast that was averaged away comes back, inside the hole only, and no more than the sources have."""

from __future__ import annotations

import pytest
import torch

from scumble.inpainting.contrast_restoration import MOST, restore_contrast
from scumble.vision.gaussian import blurred


@pytest.fixture
def scene() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """A noisy picture; its hole filled with noise of the same kind, softened; taken from the part above it."""
    picture = torch.rand(48, 48, 3, generator=torch.Generator().manual_seed(0))
    hole = torch.zeros(48, 48, dtype=torch.bool)
    hole[24:44, 14:34] = True
    soft = blurred(picture.permute(2, 0, 1)[None], 0.6)[0].permute(1, 2, 0)
    places = torch.stack(torch.meshgrid(torch.arange(48), torch.arange(48), indexing="ij"), -1)
    places[24:44, :, 0] -= 22
    return picture, torch.where(hole[..., None], soft, picture), hole, places


def contrast(picture: torch.Tensor) -> float:
    return float(picture[26:42, 16:32].diff(dim=1).abs().mean())


def test_contrast_comes_back(scene: tuple[torch.Tensor, ...]) -> None:
    picture, fill, hole, places = scene
    raised = restore_contrast(fill.clone(), hole, places)
    assert contrast(fill) < 0.75 * contrast(picture)
    assert 1.1 * contrast(fill) < contrast(raised) < 1.1 * contrast(picture)
    assert torch.equal(raised[~hole], fill[~hole])


def test_by_the_amount(scene: tuple[torch.Tensor, ...]) -> None:
    _, fill, hole, places = scene
    nothing, half, all_of_it = (
        contrast(restore_contrast(fill.clone(), hole, places, amount)) for amount in (0, 0.5, 1)
    )
    assert contrast(fill) == nothing < half < all_of_it


def test_a_fill_that_lost_nothing_gets_no_more_than_the_extra(scene: tuple[torch.Tensor, ...]) -> None:
    picture, _, hole, places = scene
    assert contrast(restore_contrast(picture.clone(), hole, places)) == pytest.approx(contrast(picture), rel=0.03)
    assert contrast(restore_contrast(picture.clone(), hole, places, extra=1.3)) < 1.4 * contrast(picture)


def test_no_more_than_the_most(scene: tuple[torch.Tensor, ...]) -> None:
    _, fill, hole, places = scene
    flat = torch.where(hole[..., None], 0.5 + 0.02 * (fill - 0.5), fill)
    assert contrast(restore_contrast(flat.clone(), hole, places)) < MOST * 1.01 * contrast(flat)
