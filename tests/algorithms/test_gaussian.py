"""The Gaussian filter."""

from __future__ import annotations

import torch

from scumble.algorithms.gaussian import blurred


def test_the_filter_keeps_means_and_parts_detail() -> None:
    x = torch.rand(1, 2, 30, 40)
    assert torch.allclose(blurred(torch.full_like(x, 0.3), 2.0), torch.full_like(x, 0.3), atol=1e-6)
    assert float(blurred(x, 2.0).std()) < 0.3 * float(x.std())
