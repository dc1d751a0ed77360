"""Grids of cells: their pixels, means, interpolation, and fills that keep the means."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scumble.mosaic.cells import Axes, bicubic, masked_means, project, smooth_start
from scumble.mosaic.grid import Grid, cell_numbers, edges

GENERATOR = torch.Generator().manual_seed(0)


def test_cells_begin_at_rounded_places() -> None:
    assert edges(4, 0, 10).tolist() == [0, 4, 8, 10]
    assert edges(4, 6, 10).tolist() == [0, 2, 6, 10]
    assert edges(2.5, -1, 9).tolist() == [0, 2, 4, 7, 9]  # -1, 1.5, 4, 6.5, 9
    assert cell_numbers(4, 6, 10).tolist() == [0, 0, 1, 1, 1, 1, 2, 2, 2, 2]
    assert edges(20, 3, 3).tolist() == [0, 3]


def test_a_cell_has_at_least_a_pixel() -> None:
    with pytest.raises(ValueError, match="at least one pixel"):
        Grid(0.5, 4)


def test_moving_and_scaling_keep_cells_on_their_pixels() -> None:
    grid = Grid(6, 5, 2, 1)
    assert edges(6, grid.moved(4, 0).origin_x, 20).tolist() == [0, 4, 10, 16, 20]
    assert grid.scaled(2, 2) == Grid(12, 10, 4, 2)


def test_means_are_those_of_the_cells() -> None:
    x = torch.rand(2, 3, 11, 13, generator=GENERATOR)
    axes = Axes.of([Grid(4, 3, 1, 2), Grid(5, 5, 0, 0)], 11, 13)
    means = axes.means(x)
    assert torch.allclose(means[0, :, 1, 1], x[0, :, 2:5, 1:5].mean((1, 2)), atol=1e-6)
    assert torch.allclose(means[1, :, 2, 2], x[1, :, 10:, 10:].mean((1, 2)), atol=1e-6)
    flat = axes.spread(means)
    assert torch.equal(flat[0, :, 2, 1], flat[0, :, 4, 4])
    assert torch.allclose(axes.means(flat), means, atol=1e-6)


def test_interpolation_is_exact_on_slopes() -> None:
    """Cubic convolution reproduces straight lines between centres, whatever the size and phase of cells."""
    slope = torch.arange(48.0).view(1, 1, 1, 48).expand(1, 1, 8, 48) / 48
    for grid in (Grid(6, 8), Grid(6, 8, 4), Grid(5, 8, 3)):
        axes = Axes.of([grid], 8, 48)
        made = axes.cubic(axes.means(slope))
        assert torch.allclose(made[..., 14:34], slope[..., 14:34], atol=1e-5)


def test_the_smooth_start_has_nearly_the_mosaic_s_means() -> None:
    x = torch.rand(1, 3, 40, 40, generator=GENERATOR)
    mask = torch.zeros(1, 1, 40, 40)
    mask[..., 8:32, 8:32] = 1
    axes = Axes.of([Grid(8, 8)], 40, 40)
    mosaic = torch.where(mask > 0, axes.spread(axes.means(x)), x)
    wanted = masked_means(axes, mosaic, mask)
    errors = [
        float((masked_means(axes, made, mask) - wanted).abs().max())
        for made in (bicubic(axes, mosaic, mask), smooth_start(axes, mosaic, mask))
    ]
    assert errors[1] < 0.1 * errors[0]
    assert torch.equal(smooth_start(axes, mosaic, mask)[..., :8, :], x[..., :8, :])


@pytest.mark.parametrize("extreme", [0.0, 1.0, 0.97])
def test_projection_keeps_whole_cells_and_bounds(extreme: float) -> None:
    rng = np.random.default_rng(0)
    made = torch.from_numpy(rng.normal(0.5, 0.6, (1, 3, 30, 30)).astype(np.float32))
    mask = torch.zeros(1, 1, 30, 30)
    mask[..., 3:27, 3:27] = 1
    axes = Axes.of([Grid(6, 6)], 30, 30)
    cells = torch.full((1, 3, 5, 5), extreme)
    out = project(axes, made, cells, mask, bounded_rounds=40)
    rounded = torch.round(out.clamp(0, 1) * 255) / 255
    whole = (slice(None), slice(None), slice(1, 4), slice(1, 4))
    assert float((axes.means(rounded)[whole] - extreme).abs().max()) < 2 / 255
    assert torch.equal(out[..., :3, :], made[..., :3, :])
    exact = project(axes, made, cells, mask)
    assert torch.allclose(axes.means(exact)[whole], cells[whole], atol=1e-5)
    assert torch.equal(exact[..., 3:6, 3:6], made[..., 3:6, 3:6])  # a cell that is cut is not moved
