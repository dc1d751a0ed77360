"""What restores mosaics: where it begins, what it sees, orientations, tiles, and that cells keep their means."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import torch
from torch.nn import functional

from scumble.mosaic import restoration
from scumble.mosaic.cells import Axes, masked_means, project, smooth_start
from scumble.mosaic.grid import Grid
from scumble.mosaic.network import MosaicNetwork, restored

GENERATOR = torch.Generator().manual_seed(0)


def trained(width: int = 8, blocks: int = 1) -> MosaicNetwork:
    """A network that adds something, whatever it is."""
    torch.manual_seed(1)
    network = MosaicNetwork(width, blocks, fine=8, fine_blocks=1)
    torch.nn.init.normal_(network.last.weight, std=0.05)
    return network.eval()


def test_it_begins_with_the_smooth_picture() -> None:
    picture = torch.rand(2, 3, 40, 56, generator=GENERATOR)
    mask = torch.zeros(2, 1, 40, 56)
    mask[..., 8:32, 8:40] = 1
    assert (MosaicNetwork(8, 2)(picture, mask) == 0).all()
    axes = Axes.of([Grid(8, 8)], 40, 56).repeated(2)
    smooth = smooth_start(axes, picture, mask)
    made = restored(MosaicNetwork(8, 2), picture, mask)
    assert torch.allclose(made, project(axes, smooth, masked_means(axes, picture, mask), mask))


def test_it_sees_the_picture_around_the_mosaic_in_full() -> None:
    """Pixels of one known cell that keep their mean change the fill beside it."""
    picture = torch.full((1, 3, 40, 40), 0.5)
    mask = torch.zeros(1, 1, 40, 40)
    mask[..., 16:32, 16:32] = 1
    other = picture.clone()
    other[..., 16:24, 8:12] += 0.2
    other[..., 16:24, 12:16] -= 0.2
    network = trained()
    with torch.inference_mode():
        one, two = restored(network, picture, mask), restored(network, other, mask)
    assert (one - two)[..., 16:32, 16:32].abs().max() > 1e-4


def test_means_are_kept_and_the_rest_is_left_alone() -> None:
    picture = torch.rand(1, 3, 64, 64, generator=GENERATOR)
    mask = torch.zeros(1, 1, 64, 64)
    mask[..., 16:48, 16:56] = 1
    flat = functional.interpolate(functional.avg_pool2d(picture, 8), scale_factor=8.0)
    damaged = torch.where(mask > 0, flat, picture)
    made = restored(trained(), damaged, mask)
    assert torch.equal(made[(mask == 0).expand_as(made)], picture[(mask == 0).expand_as(made)])
    assert torch.allclose(
        functional.avg_pool2d(made, 8)[..., 2:6, 2:7], functional.avg_pool2d(picture, 8)[..., 2:6, 2:7], atol=1e-5
    )


@pytest.mark.parametrize(
    "grid", [Grid(5, 5, 2, 3), Grid(11, 11, 4, 0), Grid(7.3, 7.3, 1.5, 6), Grid(9, 6, 2, 2)], ids=str
)
def test_any_cells_in_pieces_as_at_once(grid: Grid, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scumble.mosaic.network.fast", lambda device: nullcontext())  # exact enough to compare
    picture = torch.rand(60, 80, 3, generator=GENERATOR)
    mask = torch.zeros(60, 80, dtype=torch.bool)
    mask[10:50, 15:70] = True
    network = trained()
    whole = restoration.fill(network, picture, mask, grid, turn=3, bounded=False)
    pieces = restoration.fill(network, picture, mask, grid, turn=3, bounded=False, tile=40)
    assert torch.allclose(whole, pieces, atol=1e-4)
    assert torch.equal(whole[~mask], picture[~mask])


def test_orientations_are_one_where_nothing_tells_them_apart() -> None:
    """Nothing learned: every orientation gives the smooth picture; others differ."""
    picture = torch.rand(64, 64, 3, generator=GENERATOR)
    mask = torch.zeros(64, 64, dtype=torch.bool)
    mask[16:48, 16:48] = True
    plain = [restoration.fill(MosaicNetwork(8, 1), picture, mask, Grid(8, 8), turn) for turn in (1, 2, 4, 7)]
    assert all(torch.allclose(made, plain[0], atol=1e-3) for made in plain)
    network = trained()
    several = [restoration.fill(network, picture, mask, Grid(8, 8), turn) for turn in range(8)]
    assert all(not torch.allclose(a, b, atol=1e-3) for i, a in enumerate(several) for b in several[:i])
