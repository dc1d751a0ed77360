"""Enlarging along a guide: nothing is lost, and what is shared with the guide is as sharp as the guide."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from scumble.vision.guided_enlargement import enlarged, guided_enlargement


def guides(factor: int = 4, side: int = 32) -> tuple[np.ndarray, np.ndarray]:
    """A slanted edge, large and small."""
    y, x = np.mgrid[: side * factor, : side * factor]
    large = np.where((x + 0.3 * y < 0.65 * side * factor)[..., None], 0.2, 0.8).astype(np.float32) * np.ones(
        3, np.float32
    )
    small = large.reshape(side, factor, side, factor, 3).mean(axis=(1, 3))
    return small.astype(np.float32), large


def test_the_guide_itself_comes_back_sharp() -> None:
    small, large = guides()
    error = np.abs(guided_enlargement(small, small, large) - large).mean()
    assert error < 0.3 * np.abs(enlarged(small, large.shape[:2]) - large).mean()


def test_other_colours_on_the_same_edge_are_as_sharp() -> None:
    small, large = guides()
    wanted = np.stack([1 - large[..., 0], 0.5 * large[..., 0], large[..., 0]], axis=2)
    lesser = np.stack([1 - small[..., 0], 0.5 * small[..., 0], small[..., 0]], axis=2)
    error = np.abs(guided_enlargement(lesser, small, large) - wanted).mean()
    assert error < 0.3 * np.abs(enlarged(lesser, large.shape[:2]) - wanted).mean()


def test_what_the_guide_does_not_have_is_kept() -> None:
    small, large = guides()
    spot = small.copy()
    spot[6:10, 4:8] = (0.9, 0.1, 0.1)
    found = guided_enlargement(spot, small, large)
    means = found.reshape(32, 4, 32, 4, 3).mean(axis=(1, 3))
    assert np.abs(ndimage.uniform_filter(means - spot, (3, 3, 1))).max() < 0.06
    assert found[30, 24, 0] > 0.8


def test_shapes_that_do_not_fit() -> None:
    small, large = guides()
    with pytest.raises(ValueError, match="do not fit"):
        guided_enlargement(small[:-1], small, large)
