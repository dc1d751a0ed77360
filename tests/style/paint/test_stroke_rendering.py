"""Rendering a painting larger: each stroke reads the style at that size, however it was turned."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scumble.imaging.geometry import Bounds
from scumble.style.paint.blocks import turned
from scumble.style.paint.painting import Painted
from scumble.style.paint.stroke_rendering import renderer


def smooth(height: int, width: int, scale: float) -> torch.Tensor:
    """The same smooth picture at any size."""
    y = (torch.arange(height) + 0.5) / scale
    x = (torch.arange(width) + 0.5) / scale
    return torch.stack(
        [0.5 + 0.4 * torch.sin(0.3 * y[:, None] + 0.2 * x), 0.02 * y[:, None] + 0 * x, 0.02 * x + 0 * y[:, None]]
    )[None]


@pytest.mark.parametrize("variant", range(4))
def test_a_whole_variant_is_the_style_turned_at_the_larger_size(variant: int) -> None:
    height, width, factor = 24, 30, 3
    small, large = smooth(height, width, 1), smooth(height * factor, width * factor, factor)
    seen = turned(small, variant)
    size = seen.shape[2:]
    origins = torch.arange(height * width).view(*size) + variant * height * width
    painted = Painted(seen, origins, torch.zeros_like(seen), ((height, width),), 4)
    bounds = Bounds(5, -3, size[1] * factor, size[0] * factor)
    found = renderer(painted, [large], factor, bounds)(bounds)
    expected = np.moveaxis(turned(large, variant)[0].numpy(), 0, 2)
    assert found.shape == expected.shape
    assert np.abs(found - expected)[factor:-factor, factor:-factor].max() < 0.01


def test_strips_agree_with_the_whole() -> None:
    small = smooth(16, 20, 1)
    origins = torch.randint(16 * 20, (16, 20), generator=torch.Generator().manual_seed(0))
    painted = Painted(small, origins, 0.1 * small, ((16, 20),), 1)
    bounds = Bounds(0, 0, 40, 32)
    part = renderer(painted, [smooth(32, 40, 2)], 2, bounds)
    whole = part(bounds)
    assert np.abs(part(Bounds(0, 8, 40, 10)) - whole[8:18]).max() < 1e-5


def test_two_styles_are_told_apart() -> None:
    black, white = torch.zeros(1, 3, 6, 6), torch.ones(1, 3, 5, 7)
    origins = torch.cat([torch.zeros(4, 4), torch.full((4, 4), 36)], 1).long()
    painted = Painted(torch.zeros(1, 3, 4, 8), origins, torch.zeros(1, 3, 4, 8), ((6, 6), (5, 7)), 1)
    found = renderer(painted, [black, white], 2, Bounds(0, 0, 16, 8))(Bounds(0, 0, 16, 8))
    assert found[:, :7].max() == 0
    assert found[:, 9:].min() == pytest.approx(1)


def test_at_the_solved_size_it_is_the_solved_picture() -> None:
    small = smooth(6, 8, 1).clamp(0, 1)
    painted = Painted(small, torch.zeros(6, 8, dtype=torch.int64), small, ((6, 8),), 1)
    found = renderer(painted, [small], 1, Bounds(2, 3, 8, 6))(Bounds(2, 5, 8, 2))
    assert np.array_equal(found, np.moveaxis(small[0, :, 2:4].numpy(), 0, 2))
