"""The weave that a picture shuffled out of channels may have: how much there is, and as a term of a loss.

A network that works on a pixel-unshuffled picture writes each place of a cell by channels of its own. LPIPS, whose network halves the
picture at once, hardly sees where they disagree, and even takes the pattern for texture.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

WOVEN = 8
"""Side, in cells of the unshuffled output, of the windows in which a weave is looked for."""


def weave_error(wrong: Tensor, hole: Tensor, period: int = 4) -> Tensor:
    """How much of the error's fine contrast repeats from cell to cell of the unshuffled output: a root mean square.

    The contrast (a pixel less the mean of 3 × 3 around it) is averaged for each place of a cell over `WOVEN` × `WOVEN` cells of hole,
    where real texture cancels out and a pattern stays. `wrong` is (B, 3, H, W) and 0 outside the (B, 1, H, W) hole; sides are
    multiples of the period.
    """
    fine = _contrast(wrong) * hole
    window = min(WOVEN, *(side // period for side in hole.shape[2:]))
    means = functional.avg_pool2d(functional.pixel_unshuffle(fine, period), window, 1)
    cells = functional.avg_pool2d(functional.avg_pool2d(hole, period), window, 1)
    area = cells.sum((1, 2, 3)).clamp(min=1)
    return (means.square().mean(1).sum((1, 2)) / area).add(1e-8).sqrt().mean()


def weave(made: Tensor, hole: Tensor, period: int = 4) -> float:
    """How far fine contrast repeats with the period of a pixel-shuffled picture: 0 where it does not.

    Fine contrast (a pixel less the mean of 3 × 3 around it) is averaged over the hole for each of period² phases; the spread of
    these means is given as a share of the contrast itself. (B, 3, H, W) and (B, 1, H, W), whose sides are multiples of the period.
    """
    fine = _contrast(made) * hole
    phases = functional.pixel_unshuffle(fine, period).reshape(len(made), made.shape[1], period**2, -1)
    counts = functional.pixel_unshuffle(hole, period).flatten(2).sum(-1)[:, None]
    means = phases.sum(-1) / counts.clamp(min=1)
    contrast = fine.square().sum((1, 2, 3)) / (3 * hole.sum((1, 2, 3))).clamp(min=1)
    spread = means.square().mean((1, 2)).sqrt() / contrast.sqrt().clamp(min=1e-6)
    return float(spread.mean())


def _contrast(picture: Tensor) -> Tensor:
    return picture - functional.avg_pool2d(functional.pad(picture, (1, 1, 1, 1), mode="replicate"), 3, 1)
