from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage, sparse
from scipy.sparse import linalg

from scumble.vision import blending

Mask = NDArray[np.bool_]
Picture = NDArray[np.float32]


def pictures(height: int, width: int, seed: int = 0) -> tuple[Picture, Picture]:
    rng = np.random.default_rng(seed)
    around = ndimage.gaussian_filter(rng.random((height, width, 3)), (3, 3, 0)).astype(np.float32)
    fill = ndimage.gaussian_filter(rng.random((height, width, 3)), (1, 1, 0)).astype(np.float32)
    return fill, around


def masks(height: int, width: int) -> dict[str, Mask]:
    y, x = np.mgrid[:height, :width]
    inside = np.hypot(y - height / 2, x - width / 2) < min(height, width) / 3
    ring = inside & (np.hypot(y - height / 2, x - width / 2) > min(height, width) / 8)
    corner = (y < height // 2) & (x < width // 2)
    dots = (y % 5 == 2) & (x % 7 == 3)
    but_one = np.ones((height, width), dtype=np.bool_)
    but_one[3, 4] = False
    return {"disc": inside, "ring": ring, "corner": corner, "dots": dots, "but_one": but_one}


def solved_directly(fill: Picture, around: Picture, mask: Mask) -> Picture:
    """The Poisson equation as one sparse system, for comparison."""
    height, width = mask.shape
    index = np.full(mask.shape, -1)
    index[mask] = np.arange(mask.sum())
    matrix = sparse.lil_matrix((mask.sum(), mask.sum()))
    right = np.zeros((mask.sum(), fill.shape[2]))
    for y, x in zip(*np.nonzero(mask), strict=True):
        row = index[y, x]
        for v, u in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
            if not (0 <= v < height and 0 <= u < width):
                continue
            matrix[row, row] += 1
            right[row] += fill[y, x] - fill[v, u]
            if mask[v, u]:
                matrix[row, index[v, u]] -= 1
            else:
                right[row] += around[v, u]
    out = around.copy()
    out[mask] = linalg.spsolve(matrix.tocsc(), right).reshape(-1, fill.shape[2])
    return out


@pytest.mark.parametrize("name", ["disc", "ring", "corner", "dots", "but_one"])
@pytest.mark.parametrize("size", [(40, 40), (23, 57)])
def test_membrane_solves_poissons_equation(name: str, size: tuple[int, int]) -> None:
    fill, around = pictures(*size)
    mask = masks(*size)[name]
    found = blending.membrane(fill, around, mask, tolerance=1e-5)
    assert np.abs(found - solved_directly(fill, around, mask)).max() < 2e-3
    assert (found[~mask] == around[~mask]).all()


def test_membrane_takes_away_a_constant_and_a_slope() -> None:
    _, around = pictures(60, 50)
    mask = masks(60, 50)["disc"]
    slope = np.linspace(-0.2, 0.3, 60, dtype=np.float32)[:, None, None]
    assert np.abs(blending.membrane(around + 0.3, around, mask, 1e-5) - around).max() < 1e-3
    assert np.abs(blending.membrane(around + slope, around, mask, 1e-5) - around).max() < 1e-3


def test_membrane_default_tolerance_is_below_what_is_seen() -> None:
    fill, around = pictures(200, 180)
    mask = masks(200, 180)["disc"]
    exact = blending.membrane(fill, around, mask, 1e-6)
    assert np.abs(blending.membrane(fill, around, mask) - exact).max() < 1 / 255


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_membrane_of_empty_and_full_masks(channels: int) -> None:
    fill, around = np.ones((6, 5, channels), np.float32), np.zeros((6, 5, channels), np.float32)
    assert (blending.membrane(fill, around, np.zeros((6, 5), np.bool_)) == around).all()
    assert (blending.membrane(fill, around, np.ones((6, 5), np.bool_)) == fill).all()


@pytest.mark.parametrize("function", [blending.membrane, blending.multiband])
def test_shapes_must_fit(function: object) -> None:
    with pytest.raises(ValueError, match="shapes"):
        function(np.zeros((4, 4, 3)), np.zeros((4, 5, 3)), np.zeros((4, 4)))  # type: ignore[operator]


@pytest.mark.parametrize("bands", [1, 2, 3, 7])
def test_multiband(bands: int) -> None:
    fill, around = pictures(80, 70)
    mask = masks(80, 70)["disc"]
    alpha = blending.feather(mask, 6)
    blended = blending.multiband(fill, around, alpha, bands)
    assert (blended[alpha == 0] == around[alpha == 0]).all()
    assert np.abs(blending.multiband(around, around, alpha, bands) - around).max() < 1e-6
    one = blending.multiband(np.ones_like(around), np.zeros_like(around), alpha, bands)
    assert one.min() >= -1e-6
    assert one.max() <= 1 + 1e-6
    if bands <= 3:
        assert one[40, 35].min() > 0.99


def test_multiband_of_one_band_is_a_mixture() -> None:
    fill, around = pictures(20, 30)
    alpha = np.random.default_rng(1).random((20, 30)).astype(np.float32)
    mixture = around + alpha[:, :, None] ** 2 * (fill - around)
    assert np.abs(blending.multiband(fill, around, alpha, 1) - mixture).max() < 1e-6
    with pytest.raises(ValueError, match="one band"):
        blending.multiband(fill, around, alpha, 0)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 20), st.integers(1, 20), st.floats(0, 12), st.integers(0, 2**32 - 1))
def test_feather(height: int, width: int, radius: float, seed: int) -> None:
    mask = np.random.default_rng(seed).random((height, width)) > 0.93
    alpha = blending.feather(mask, radius)
    assert alpha.dtype == np.float32
    assert (alpha[mask] == 1).all()
    if not mask.any():
        assert not alpha.any()
        return
    distance = ndimage.distance_transform_edt(~mask)
    assert (alpha[distance > radius] == 0).all()
    assert (alpha[distance <= radius] > 0).all()
    order = np.argsort(distance, axis=None)
    assert (np.diff(alpha.flatten()[order]) <= 1e-6).all()


def test_feather_refuses_a_negative_radius() -> None:
    with pytest.raises(ValueError, match="radius"):
        blending.feather(np.zeros((2, 2), np.bool_), -1)


def test_membrane_reports_and_can_be_cancelled() -> None:
    fill, around = pictures(60, 60)
    mask = masks(60, 60)["disc"]
    seen: list[float] = []
    blending.membrane(fill, around, mask, progress=seen.append)
    assert len(seen) > 3
    assert seen == sorted(seen)
    assert all(0 <= fraction <= 1 for fraction in seen)

    def stop(fraction: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        blending.membrane(fill, around, mask, progress=stop)
