"""What the style network is to come near: the style's statistics as SqueezeNet sees them, the picture's structure, calm flat parts.

Maps are those of `scumble_training.common.lpips.SqueezeNet`, each place brought to unit length over its channels, as LPIPS does.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional

STYLE_TAPS = (0, 1, 2, 3, 4)
"""Maps whose Gram matrices are compared."""

STATISTICS_TAPS = (1, 2, 3)
"""Maps whose means and deviations are."""

CONTENT_TAPS = (2, 3)
"""Maps that tell what is where."""

CONTRAST_SIGMA = 9
"""Side, in pixels, of the window by whose contrast lightness is divided."""

FLOOR = 0.03
"""Added to the contrast, so that noise in flat parts is not blown up."""

STEADY = 0.1
"""Added above and below to a correlation, so that parts without structure have lost none."""

FLAT = 0.04
"""Contrast below which a part counts as flat."""

AFAR = 16
"""Side, in pixels, of the squares whose mean colours stay."""

_LUMA = (0.299, 0.587, 0.114)


def unit(maps: Tensor) -> Tensor:
    """Each place at length 1."""
    return maps * (maps.square().sum(1, keepdim=True) + 1e-8).rsqrt()


def gram(maps: Tensor) -> Tensor:
    """(B, C, C): mean over the places of the products of the channels."""
    flat = maps.flatten(2)
    return flat @ flat.transpose(1, 2) / flat.shape[2]


def gram_distance(made: Sequence[Tensor], style: Sequence[Tensor], taps: Sequence[int] = STYLE_TAPS) -> Tensor:
    """(B,): summed over the layers, the Frobenius norm of the difference of the Gram matrices beside that of the style's."""
    total = made[0].new_zeros(len(made[0]))
    for tap in taps:
        wanted = gram(unit(style[tap]))
        apart = (gram(unit(made[tap])) - wanted).square().sum((1, 2))
        total = total + (apart / wanted.square().sum((1, 2)) + 1e-6).sqrt()
    return total


def statistics_distance(
    made: Sequence[Tensor], style: Sequence[Tensor], taps: Sequence[int] = STATISTICS_TAPS
) -> Tensor:
    """(B,): the same of the means and deviations of the channels as they are (Huang and Belongie 2017, equation 13)."""
    total = made[0].new_zeros(len(made[0]))
    for tap in taps:
        means = [maps[tap].mean((2, 3)) for maps in (made, style)]
        squares = [maps[tap].square().mean((2, 3)) for maps in (made, style)]
        spreads = [(s - m.square()).clamp(min=1e-6).sqrt() for s, m in zip(squares, means, strict=True)]
        apart = (means[0] - means[1]).square().sum(1) + (spreads[0] - spreads[1]).square().sum(1)
        total = total + apart / (means[1].square().sum(1) + spreads[1].square().sum(1))
    return total


def content_distance(made: Sequence[Tensor], picture: Sequence[Tensor]) -> Tensor:
    """(B,): mean squared difference of maps whose channels are normalized: where what is, not in which manner."""
    total = made[0].new_zeros(len(made[0]))
    for tap in CONTENT_TAPS:
        one, other = (functional.instance_norm(maps[tap], eps=1e-3) for maps in (made, picture))
        total = total + (one - other).square().mean((1, 2, 3))
    return total / len(CONTENT_TAPS)


def structure_distance(made: Tensor, picture: Tensor) -> Tensor:
    """(B,): 1 less the correlation of lightness after each was divided by its local contrast. 0 where structure is the same."""
    one, other = (_by_contrast(p)[0] for p in (made, picture))
    shared = functional.avg_pool2d(one * other, 5, 2)
    both = functional.avg_pool2d(one.square(), 5, 2) * functional.avg_pool2d(other.square(), 5, 2)
    lengths = (both + 1e-8).sqrt()
    return 1 - ((shared + STEADY) / (lengths + STEADY)).mean((1, 2, 3))


def tone_distance(made: Tensor, picture: Tensor) -> Tensor:
    """(B,): mean absolute difference of the colours (0 to 1) seen from afar."""
    return functional.avg_pool2d(made - picture, AFAR, AFAR // 2).abs().mean((1, 2, 3))


def unrest(made: Tensor, picture: Tensor) -> Tensor:
    """(B,): finest detail of what is made (checkers and stripes of one pixel), counted where the picture is flat."""
    _, contrast = _by_contrast(picture)
    flat = (1 - contrast / FLAT).clamp(min=0)
    lightness = luma(made)
    across = lightness[..., 1:-1, :-2] - 2 * lightness[..., 1:-1, 1:-1] + lightness[..., 1:-1, 2:]
    down = lightness[..., :-2, 1:-1] - 2 * lightness[..., 1:-1, 1:-1] + lightness[..., 2:, 1:-1]
    return ((across.square() + down.square()) * flat[..., 1:-1, 1:-1]).mean((1, 2, 3))


def checkers(made: Tensor) -> Tensor:
    """(B,): energy of differences of diagonal neighbours: nothing that is painted alternates from pixel to pixel."""
    fine = made[..., :-1, :-1] - made[..., 1:, :-1] - made[..., :-1, 1:] + made[..., 1:, 1:]
    return fine.square().mean((1, 2, 3))


def luma(picture: Tensor) -> Tensor:
    """(B, 1, H, W)."""
    return (picture * picture.new_tensor(_LUMA)[:, None, None]).sum(1, keepdim=True)


def _by_contrast(picture: Tensor) -> tuple[Tensor, Tensor]:
    """Lightness less its local mean over its local contrast, and that contrast: both (B, 1, H, W)."""
    lightness = luma(picture)
    window = {"kernel_size": CONTRAST_SIGMA, "stride": 1, "padding": CONTRAST_SIGMA // 2, "count_include_pad": False}
    mean = functional.avg_pool2d(lightness, **window)  # type: ignore[arg-type]
    variance = functional.avg_pool2d(lightness.square(), **window) - mean.square()  # type: ignore[arg-type]
    contrast = (variance.clamp(min=0) + 1e-6).sqrt()
    return (lightness - mean) / (contrast + FLOOR), contrast
