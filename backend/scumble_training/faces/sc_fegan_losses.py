"""The losses of SC-FEGAN (Jo and Park 2019, section 3.3), each by itself, not yet weighted.

The paper's text was not at hand: what follows agrees with a re-implementation of its equations (`bensalahhoussam/
SC-FEGAN_face_edit`), and where another port says otherwise, the constant is a setting of the trainer. Pictures are
(B, 3, H, W) in −1 to 1, holes (B, 1, H, W), 1 in the hole. The perceptual, style and variation terms are those of
`scumble_training.inpainting.losses`, for the network's whole output and for the picture with only its hole completed.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Judge = Callable[[Tensor], Tensor]
"""From (B, 3, H, W) pictures to verdicts of any shape."""


def pixel_loss(out: Tensor, truth: Tensor, hole: Tensor, alpha: float) -> Tensor:
    """Mean absolute difference of all pixels, those of the hole α times as heavy."""
    return ((out - truth).abs() * (1 + (alpha - 1) * hole)).mean()


def generator_loss(verdict: Tensor) -> Tensor:
    """−E[D(completed)]."""
    return -verdict.mean()


def extra_loss(verdict_on_truth: Tensor) -> Tensor:
    """E[D(truth)²]: the generator's additional term, as the re-implementation has it; it moves only the discriminator's
    scale (the verdict on the truth knows nothing of the generator), so it is added to the discriminator's loss, too."""
    return verdict_on_truth.square().mean()


def discriminator_loss(verdict_on_truth: Tensor, verdict: Tensor) -> Tensor:
    """E[1 − D(truth)] + E[1 + D(completed)]: the hinge of SN-PatchGAN without its cut-off."""
    return (1 - verdict_on_truth).mean() + (1 + verdict).mean()


def gradient_penalty(judge: Judge, truth: Tensor, completed: Tensor, hole: Tensor, share: Tensor) -> Tensor:
    """E[(‖∇D(U) ⊙ M‖₂ − 1)²] (Gulrajani et al. 2017), where U lies between truth and completed picture.

    Parameters
    ----------
    share
        (B, 1, 1, 1) in 0 to 1: how much of U is the truth.
    """
    between = (share * truth + (1 - share) * completed).detach().requires_grad_(True)
    (slope,) = torch.autograd.grad(judge(between).sum(), between, create_graph=True)
    length = (slope * hole).flatten(1).square().sum(dim=1).add(1e-12).sqrt()
    return (length - 1).square().mean()
