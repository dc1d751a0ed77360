"""Which way a picture runs, and how that is carried on to where it runs no way."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from scumble.style.paint.flow import carried_on, described, flow_planes


def lines(degrees: float, side: int = 64) -> Tensor:
    """(1, 3, side, side): soft stripes whose gradient points `degrees` from the x axis down."""
    y, x = np.indices((side, side))
    angle = np.deg2rad(degrees)
    wave = 0.5 + 0.3 * np.sin((x * np.cos(angle) + y * np.sin(angle)) * 0.6)
    return torch.from_numpy(np.repeat(wave[None, None], 3, axis=1).astype(np.float32))


def told(picture: Tensor) -> Tensor:
    return described(flow_planes(picture)[..., 8:-8, 8:-8].mean((2, 3)))[0]


@pytest.mark.parametrize("degrees", [0, 30, 90, 135])
def test_directions(degrees: float) -> None:
    found = told(lines(degrees))
    double = np.deg2rad(2 * degrees)
    assert found[:2].tolist() == pytest.approx([np.cos(double), np.sin(double)], abs=0.1)


def test_opposite_directions_are_one() -> None:
    assert torch.allclose(told(lines(20)), told(lines(200)), atol=1e-3)


def test_what_is_flat_runs_no_way_and_is_calm() -> None:
    flat = told(torch.full((1, 3, 64, 64), 0.5))
    assert flat[:2].abs().max() < 0.01
    assert flat[2] < told(lines(0))[2]


def test_flat_parts_run_as_their_surroundings() -> None:
    picture = lines(90)
    picture[..., 24:40, 24:40] = 0.5
    middle = (Ellipsis, slice(28, 36), slice(28, 36))
    planes = flow_planes(picture)
    before, after = (described(p[middle].mean((2, 3)))[0] for p in (planes, carried_on(planes, 12)))
    assert before[:2].norm() < 0.1
    assert after[0] < -0.3
    assert after[2] == before[2], "it stays as calm as it is"
