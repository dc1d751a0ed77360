"""The smooth fill: harmonic inside, untouched outside, any shape and batch."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from scumble.vision import blending
from scumble.vision.harmonic_fill import harmonic_fill


def _blob(height: int, width: int) -> torch.Tensor:
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return ((y - height / 2).square() + 2 * (x - width / 3).square() < (height / 4) ** 2)[None, None]


def test_is_about_the_harmonic_function_of_the_surroundings() -> None:
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(1, 3, 6, 7, generator=generator)
    picture = torch.nn.functional.interpolate(coarse, size=(61, 70), mode="bicubic")
    hole = _blob(61, 70)
    exact = blending.membrane(
        np.zeros((61, 70, 3), np.float32), picture[0].permute(1, 2, 0).numpy(), hole[0, 0].numpy(), tolerance=1e-6
    )
    found = harmonic_fill(picture, hole)[0].permute(1, 2, 0).numpy()
    assert np.abs(found - exact).mean(where=hole[0, 0].numpy()[..., None]) < 0.015
    assert np.abs(found - exact).max() < 0.06


def test_a_plane_goes_on_as_a_plane() -> None:
    y, x = torch.meshgrid(torch.arange(40.0), torch.arange(50.0), indexing="ij")
    picture = (x / 100 + y / 200)[None, None]
    hole = _blob(40, 50)
    assert float((harmonic_fill(picture, hole) - picture).abs().max()) < 0.01


def test_nothing_outside_changes_and_what_the_hole_held_does_not_matter() -> None:
    picture, hole = torch.rand(2, 3, 33, 20), torch.rand(2, 1, 33, 20) > 0.4
    filled = harmonic_fill(picture, hole)
    assert torch.equal(torch.where(hole, 0, filled), torch.where(hole, 0, picture))
    assert torch.equal(harmonic_fill(torch.where(hole, 7.0, picture), hole), filled)
    assert torch.allclose(harmonic_fill(picture[1:], hole[1:]), filled[1:], atol=1e-6)


def test_stays_between_the_least_and_the_greatest_of_what_is_known() -> None:
    picture, hole = torch.rand(1, 1, 17, 64), torch.zeros(1, 1, 17, 64, dtype=torch.bool)
    hole[..., 3:14, :40] = True
    filled = harmonic_fill(picture, hole)
    known = picture[~hole]
    assert float(filled.min()) >= float(known.min())
    assert float(filled.max()) <= float(known.max())


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 9), (5, 1), (2, 3)])
def test_tiny_pictures(height: int, width: int) -> None:
    picture, hole = torch.rand(1, 3, height, width), torch.zeros(1, 1, height, width, dtype=torch.bool)
    hole[..., 0, 0] = True
    assert bool(harmonic_fill(picture, hole).isfinite().all())


def test_all_hole_is_black() -> None:
    assert float(harmonic_fill(torch.rand(1, 3, 8, 8), torch.ones(1, 1, 8, 8, dtype=torch.bool)).abs().max()) == 0


def test_shapes_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        harmonic_fill(torch.rand(1, 3, 8, 8), torch.ones(1, 3, 8, 8, dtype=torch.bool))
