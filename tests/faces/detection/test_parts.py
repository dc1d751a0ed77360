"""Parts of a face from its landmarks."""

from __future__ import annotations

import numpy as np
import pytest

from scumble.faces.detection.model_frame import aligned_frame, model_frame
from scumble.faces.detection.parts import brows_of, parts_of
from tests.support.faces import mean_points


@pytest.mark.parametrize("side", [128, 512])
def test_they_lie_where_the_points_are_and_apart(side: int) -> None:
    points = mean_points() * side
    parts = parts_of(points, side)
    for part in (parts.lips, parts.mouth, parts.eyes):
        assert part.shape == (side, side)
        assert 0 <= part.min() <= part.max() <= 1
    assert (parts.lips * parts.eyes).max() == 0
    assert parts.lips.sum() > parts.mouth.sum()
    for eye in (points[19:25].mean(0), points[25:31].mean(0)):
        column, row = eye.astype(int)
        assert parts.eyes[row, column] > 0.9


@pytest.mark.parametrize("side", [64, 500])
def test_brows_are_bands_along_their_points(side: int) -> None:
    points = mean_points() * side
    brows = brows_of(points, side)
    assert brows.shape == (side, side)
    assert 0 <= brows.min() <= brows.max() <= 1
    for x, y in points[:10]:
        assert brows[int(y), int(x)] > 0.2
    assert brows[int(points[19:25, 1].mean()), int(points[19:25, 0].mean())] < 0.1


def test_the_aligned_frame_is_that_of_which_the_model_sees_a_part() -> None:
    frame = np.array([[90.0, -20, 300], [20, 90, -40]])
    assert aligned_frame(model_frame(frame)) == pytest.approx(frame)
