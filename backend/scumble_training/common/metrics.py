"""What trainers measure on held-out pictures."""

from __future__ import annotations

import math

from torch import Tensor


def hole_psnr(made: Tensor, truth: Tensor, hole: Tensor) -> float:
    """Peak signal-to-noise ratio in the hole, in dB (peak 1), at most 100.

    Parameters
    ----------
    made, truth
        Of one shape; `made` is clipped to 0 to 1.
    hole
        Not 0 where it counts; of a shape that spreads over theirs.
    """
    inside = (hole != 0).expand_as(made)
    error = float((made.clamp(0, 1) - truth)[inside].square().mean())
    return -10 * math.log10(max(error, 1e-10))


def gradient_energy(made: Tensor, truth: Tensor, hole: Tensor) -> float:
    """Gradient energy in the holes as a share of the truth's: 1 is as sharp. (B, 3, H, W) twice, and (B, 1, H, W)."""

    def energy(picture: Tensor) -> float:
        across = (picture[..., :, 1:] - picture[..., :, :-1]).square() * hole[..., :, 1:] * hole[..., :, :-1]
        down = (picture[..., 1:, :] - picture[..., :-1, :]).square() * hole[..., 1:, :] * hole[..., :-1, :]
        return float(across.sum() + down.sum())

    return energy(made) / max(energy(truth), 1e-9)
