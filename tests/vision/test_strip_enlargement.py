"""What was worked out small comes back at full size, strip by strip."""

from __future__ import annotations

import numpy as np
import pytest

from scumble.imaging import reduction
from scumble.imaging.geometry import Bounds
from scumble.imaging.reduction import strips
from scumble.vision.strip_enlargement import enlarged

BOUNDS = Bounds(-3, 5, 23, 37)


@pytest.mark.parametrize("factor", [1, 2, 4])
def test_a_ramp_is_enlarged_to_a_ramp_without_steps_between_strips(
    factor: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reduction, "STRIP_PIXELS", 200)
    rows, columns = -(-37 // factor), -(-23 // factor)
    small = np.broadcast_to((np.arange(rows, dtype=np.float32)[:, None] + 0.5) * factor, (2, rows, columns))
    part = enlarged(np.ascontiguousarray(small), factor, BOUNDS)
    whole = np.concatenate([part(strip) for strip in strips(BOUNDS, factor)], axis=1)
    assert whole.shape == (2, 37, 23)
    inner = slice(factor, (rows - 1) * factor)
    wanted = np.broadcast_to((np.arange(37) + 0.5)[None, :, None], whole.shape)
    assert whole[:, inner] == pytest.approx(wanted[:, inner], abs=1e-3)
