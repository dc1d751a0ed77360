"""What restores mosaics: which map a cell gets, overlaps, orientations, tiles, and that cells keep their means."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from scumble.algorithms.mosaic_grid import Grid
from scumble.networks import mosaic_fill
from scumble.networks.mosaic import PATCH, MosaicExperts, nearest, overlap, restored, smooth, surroundings

GENERATOR = torch.Generator().manual_seed(0)


def experts(count: int = 4) -> MosaicExperts:
    network = MosaicExperts(count)
    for name in ("anchors", "maps"):
        network.get_buffer(name).copy_(torch.randn(network.get_buffer(name).shape, generator=GENERATOR) * 0.1)
    return network


def test_surroundings_do_not_know_brightness_or_contrast() -> None:
    cells = torch.rand(1, 3, 7, 8, generator=GENERATOR)
    seen, shape, spread = surroundings(cells)
    assert seen.shape == (3 * 4, 3, 50)
    assert shape.shape == (12, 25)
    darker, same, narrower = surroundings(cells * 0.5 + 0.3)
    assert torch.allclose(spread - 0.01, 2 * (narrower - 0.01), atol=1e-5)
    # but for what keeps flat places flat
    assert torch.allclose(shape * spread[:, None], 2 * same * narrower[:, None], atol=1e-5)
    assert torch.allclose(seen * spread[:, None, None], 2 * darker * narrower[:, None, None], atol=1e-5)


def test_each_cell_gets_the_map_of_its_anchor() -> None:
    network = MosaicExperts(2)
    anchors, maps = network.get_buffer("anchors"), network.get_buffer("maps")
    anchors[0, :12], anchors[0, 13:] = -1, 1  # brighter to the right and below
    anchors[1] = -anchors[0]
    maps[0, 25 + 24], maps[1, 25 + 24] = 1, 3  # times the lightness of the last cell
    slope = torch.arange(9.0).view(1, 1, 1, 9).expand(1, 3, 9, 9) / 20 + torch.arange(9.0).view(1, 1, 9, 1) / 20
    _, shape, spread = surroundings(slope)
    assert (nearest(shape, anchors) == 0).all()
    assert (nearest(-shape, anchors) == 1).all()
    made = network(slope)[..., 32:40, 32:40]
    last = shape.view(5, 5, 25)[2, 2, 24] * spread.view(5, 5)[2, 2]
    assert torch.allclose(made, last.expand_as(made), atol=1e-4)


def test_overlaps_are_averaged() -> None:
    assert overlap().shape == (PATCH, PATCH)
    assert overlap()[7, 7] == overlap().max()
    network = MosaicExperts(1)
    network.get_buffer("maps")[:, 25 + 24] = torch.arange(PATCH**2).float()
    made = network(torch.rand(1, 3, 5, 6, generator=GENERATOR))
    assert made.shape == (1, 3, 40, 48)
    assert torch.isfinite(made).all()


def test_the_smooth_picture_has_the_means() -> None:
    cells = torch.rand(2, 3, 6, 7, generator=GENERATOR)
    assert torch.allclose(functional.avg_pool2d(smooth(cells), 8), cells, atol=0.02)


def test_means_are_kept_and_the_rest_is_left_alone() -> None:
    picture = torch.rand(1, 3, 64, 64, generator=GENERATOR)
    mask = torch.zeros(1, 1, 64, 64)
    mask[..., 16:48, 16:56] = 1
    flat = functional.interpolate(functional.avg_pool2d(picture, 8), scale_factor=8.0)
    damaged = torch.where(mask > 0, flat, picture)
    made = restored(experts(), damaged, mask)
    assert torch.equal(made[(mask == 0).expand_as(made)], picture[(mask == 0).expand_as(made)])
    assert torch.allclose(
        functional.avg_pool2d(made, 8)[..., 2:6, 2:7], functional.avg_pool2d(picture, 8)[..., 2:6, 2:7], atol=1e-5
    )


@pytest.mark.parametrize(
    "grid", [Grid(5, 5, 2, 3), Grid(11, 11, 4, 0), Grid(7.3, 7.3, 1.5, 6), Grid(9, 6, 2, 2)], ids=str
)
def test_any_cells_in_pieces_as_at_once(grid: Grid) -> None:
    picture = torch.rand(60, 80, 3, generator=GENERATOR)
    mask = torch.zeros(60, 80, dtype=torch.bool)
    mask[10:50, 15:70] = True
    network = experts()
    whole = mosaic_fill.fill(network, picture, mask, grid, turn=3, bounded=False)
    pieces = mosaic_fill.fill(network, picture, mask, grid, turn=3, bounded=False, tile=40)
    assert torch.allclose(whole, pieces, atol=1e-4)
    assert torch.equal(whole[~mask], picture[~mask])


def test_orientations_are_one_where_nothing_tells_them_apart() -> None:
    """Maps of zeros: every orientation gives the smooth picture; others differ."""
    picture = torch.rand(64, 64, 3, generator=GENERATOR)
    mask = torch.zeros(64, 64, dtype=torch.bool)
    mask[16:48, 16:48] = True
    plain = [mosaic_fill.fill(MosaicExperts(1), picture, mask, Grid(8, 8), turn) for turn in (1, 2, 4, 7)]
    assert all(torch.allclose(made, plain[0], atol=1e-3) for made in plain)
    network = experts()
    several = [mosaic_fill.fill(network, picture, mask, Grid(8, 8), turn) for turn in range(8)]
    assert all(not torch.allclose(a, b, atol=1e-3) for i, a in enumerate(several) for b in several[:i])
