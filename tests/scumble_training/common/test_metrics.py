"""PSNR in a hole."""

from __future__ import annotations

import pytest
import torch

from scumble_training.common.metrics import hole_psnr


def test_only_the_hole_counts_and_values_are_clipped() -> None:
    truth = torch.zeros(1, 3, 4, 4)
    hole = torch.eye(4)[None, None]
    made = torch.where(hole > 0, 0.1, 0.7).expand_as(truth)
    assert hole_psnr(made, truth, hole) == pytest.approx(20, abs=1e-3)
    assert hole_psnr(made - 1, truth, hole) == 100
