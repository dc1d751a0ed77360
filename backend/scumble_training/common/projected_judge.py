"""A discriminator that sees with SqueezeNet: small heads on maps of a network that is not trained.

Sauer, Chitta, Müller and Geiger, "Projected GANs Converge Faster" (NeurIPS 2021), section 3, without its random mixing: a network
that knows pictures already needs hundreds of steps where one from nothing had learned nothing after 700. The heads are kept
from growing steep by spectral normalization (Miyato et al. 2018); the loss is the hinge (Lim and Ye 2017).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from .lpips import CHANNELS

SEEN = (0, 1, 2, 4)
"""Which of LPIPS's seven maps have a head: strides 2, 4, 8 and 16."""


class ProjectedJudge(nn.Module):
    """`forward(maps)` takes LPIPS's seven maps of a picture and gives (B, 1, h, w) for each head: a verdict on every place,
    above 0 where it takes the picture for a photograph."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        norm = nn.utils.parametrizations.spectral_norm
        self.heads = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(CHANNELS[n], width, 1),
                nn.LeakyReLU(0.2),
                norm(nn.Conv2d(width, width, 3, padding=1)),
                nn.LeakyReLU(0.2),
                norm(nn.Conv2d(width, 1, 1)),
            )
            for n in SEEN
        )

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        # of one length everywhere: how bright a place is says nothing of how it is drawn
        seen = [maps[n] / maps[n].square().mean(1, keepdim=True).add(1e-4).sqrt() for n in SEEN]
        return [head(one) for head, one in zip(self.heads, seen, strict=True)]


def doubt(true: Sequence[Tensor], made: Sequence[Tensor], where: Tensor) -> Tensor:
    """The judge's hinge loss over the places that count; `where` is (B, 1, H, W)."""
    return _mean([functional.relu(1 - v) for v in true], where) + _mean([functional.relu(1 + v) for v in made], where)


def persuasion(made: Sequence[Tensor], where: Tensor) -> Tensor:
    """The maker's hinge loss."""
    return _mean([-v for v in made], where)


def _mean(verdicts: Sequence[Tensor], where: Tensor) -> Tensor:
    means = []
    for verdict in verdicts:
        share = functional.interpolate(where, size=verdict.shape[2:], mode="area")
        means.append((verdict.float() * share).sum() / share.sum().clamp(min=1e-6))
    return torch.stack(means).mean()
