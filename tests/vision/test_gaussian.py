"""The Gaussian filter."""

from __future__ import annotations

import pytest
import torch

from scumble.vision.gaussian import blurred


def test_the_filter_keeps_means_and_parts_detail() -> None:
    x = torch.rand(1, 2, 30, 40)
    assert torch.allclose(blurred(torch.full_like(x, 0.3), 2.0), torch.full_like(x, 0.3), atol=1e-6)
    assert float(blurred(x, 2.0).std()) < 0.3 * float(x.std())


def test_strips_give_what_the_whole_gives(monkeypatch: pytest.MonkeyPatch) -> None:
    x = torch.rand(2, 3, 37, 50, generator=torch.Generator().manual_seed(0))
    whole = blurred(x, 2.0)
    for rows in (1, 4, 36):
        monkeypatch.setattr("scumble.vision.gaussian.STRIP", rows * 50)
        assert torch.allclose(blurred(x, 2.0), whole, atol=1e-6)
