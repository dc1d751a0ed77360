"""What the style network is to come near: zero where it is reached, and blind to what does not count."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from scumble_training.style.style_losses import (
    checkers,
    content_distance,
    gram_distance,
    statistics_distance,
    structure_distance,
    tone_distance,
    unrest,
)
from tests.support.style import photograph


def maps(seed: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.rand(2, 8 + tap, 12, 12, generator=generator).sub(0.4).relu() for tap in range(7)]


def picture(seed: int) -> Tensor:
    return torch.from_numpy(photograph(seed, 64, 64)).permute(2, 0, 1)[None].contiguous()


def test_the_same_statistics_in_other_places_are_no_distance() -> None:
    given = maps(0)
    moved = [tap.flip(3).transpose(2, 3) for tap in given]
    assert gram_distance(moved, given).max() < 0.01
    assert statistics_distance(moved, given).max() < 1e-6
    assert (content_distance(moved, given) > 0.5).all()


def test_other_statistics_are_a_distance() -> None:
    assert (gram_distance(maps(0), [tap * torch.rand(tap.shape[1])[:, None, None] for tap in maps(0)]) > 0.1).all()
    assert (statistics_distance([2 * tap for tap in maps(0)], maps(0)) > 0.1).all()


def test_gain_and_shift_of_channels_are_not_content() -> None:
    assert content_distance([3 * tap + 1 for tap in maps(0)], maps(0)).max() < 0.05


def test_structure_is_neither_light_nor_contrast() -> None:
    given = picture(1)
    assert structure_distance(given, given) < 0.01
    assert structure_distance(0.6 * given + 0.3, given) < 0.25
    assert structure_distance(picture(2), given) > 0.5


def test_tone_is_what_is_seen_from_afar() -> None:
    flat = torch.full((1, 3, 64, 64), 0.5)
    strokes = flat + 0.2 * (-1.0) ** torch.arange(64)
    island = flat.clone()
    island[..., 16:48, 16:48] -= 0.2
    assert float(tone_distance(strokes, flat)) < 1e-6
    assert float(tone_distance(island, flat)) > 0.04


@pytest.mark.parametrize("made", ["checkers", "stripes"])
def test_a_grid_on_a_flat_part_is_unrest(made: str) -> None:
    flat, busy = torch.full((1, 3, 64, 64), 0.5), picture(1)
    y, x = np.indices((64, 64))
    pattern = torch.from_numpy(((x + y) % 2 if made == "checkers" else x % 2).astype(np.float32)) - 0.5
    assert unrest(flat + 0.1 * pattern, flat) > 10 * unrest(flat, flat)
    assert unrest(flat + 0.1 * pattern, flat) > 2 * unrest(flat + 0.1 * pattern, busy)
    if made == "checkers":
        assert checkers(flat + 0.1 * pattern) > 0.03
    else:
        assert checkers(flat + 0.1 * pattern) < 1e-6
