"""A first guess at what is asked for by lines and colours: colours flow into the hole, and lines stop them.

The harmonic membrane of `scumble.vision.harmonic_fill`, with given colours as boundary values beside the surroundings', and with little flow
through lines: Laplace's equation with a conductance, as in diffusion curves (Orzan et al. 2008), whose lines carry a
colour on either side.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from scumble.vision.gaussian import blurred

LEAK = 0.02
"""Conductance of a line, where it is 1 elsewhere."""

STOPPING = 32
"""Smallest side, in pixels, at which lines stop colours; on coarser scales there would be lines everywhere."""

RELAXATIONS = 24
"""On each scale below the full size."""

LAST = 2
"""At full size, where they are dear."""

DAMPING = 0.9

NEARBY = 0.02
"""How far, as a share of the side, a given colour flows where the surroundings flow in as well."""

LONELY = 0.85
"""From so much of the given colours in a place on, they flow on: the surroundings are far, or there are none."""

SOFTENED_AT = 128
"""Side of a face, in pixels, for which the softening is stated; it reaches as far, in shares of the face, at any size."""

FIDELITY = 0.2
"""Weight of a pixel's own colour beside those of its four neighbours when flat patches are softened."""

SOFTENINGS = 14
"""Steps at that size; `REFINEMENTS` at each that is twice as large."""

REFINEMENTS = 10

SAME = 0.2
"""How far, root mean square over colours (0 to 1), a given colour may be from what it touches at the rim to mean the same thing in
another light."""

MISTAKEN = 0.05
"""By so much an artist's colour is wrong where it is meant to be the surroundings'; what is beyond is wanted."""

NOTHING_KNOWN = 0.5
"""The value of a picture where nothing at all is known."""


def first_guess(picture: Tensor, hole: Tensor, lines: Tensor, colours: Tensor, given: Tensor) -> Tensor:
    """Fill holes with what flows in from around them and from given colours.

    Parameters
    ----------
    picture
        (B, 3, H, W); what lies in the hole is not looked at.
    hole, lines, given
        (B, 1, H, W) bool: what is to be filled, where lines are, and where a colour is given.
    colours
        (B, 3, H, W); looked at where `given` and hole meet.

    Returns
    -------
    Tensor
        (B, 3, H, W): the picture, bit for bit, outside the hole, and about the given colours where they are given: they go
        over into each other where no line parts them, as the light on a face does. Where they touch the surroundings and are
        about as these, they take on their light.
    """
    given = given & hole
    colours = _lit(picture, hole, colours, given)
    stop = (lines & hole).to(picture.dtype)
    painted = torch.where(given, colours, picture)
    # with the colours goes how much of them is in a place
    mixed = _membrane(torch.cat([painted, given.to(picture.dtype)], 1), hole & ~given, stop)
    filled, share = mixed[:, :3], mixed[:, 3:]
    around = _membrane(picture, hole, stop)
    reach = NEARBY * min(picture.shape[2:])
    near = (2 * blurred(given.to(picture.dtype), reach)).clamp(max=1)
    alone = ((share - LONELY) / (1 - LONELY)).clamp(0, 1)
    weight = torch.maximum(torch.maximum(near, alone), given.to(picture.dtype))
    filled = torch.where(given, colours, around + weight * (filled - around))
    return torch.where(hole, _softened(filled, hole.to(picture.dtype), stop), picture)


def _lit(picture: Tensor, hole: Tensor, colours: Tensor, given: Tensor) -> Tensor:
    """(B, 3, H, W): the given colours in the light of what they touch.

    A hand paints skin with one flat colour, and means: skin. By how much the rim is lighter or darker is carried inwards by a harmonic
    membrane, and added to colours that are like those at the rim; a mouth amid the hole stays as it was painted.
    """
    if not bool(given.any()):
        return colours
    share = given.to(picture.dtype)
    near = _around(share)
    beside = _around(colours * share) / near.clamp(min=1e-6)  # the given colour that a pixel of the rim touches
    apart = picture - beside
    rim = ~hole & (near > 0) & (_distance(apart) < SAME)
    count = rim.sum((2, 3), keepdim=True).clamp(min=1)
    wanted = (apart * rim).sum((2, 3), keepdim=True) / count
    size = wanted.square().mean(1, keepdim=True).sqrt()
    wanted = wanted * (1 - MISTAKEN / size.clamp(min=MISTAKEN))
    field = _membrane(torch.cat([apart - wanted, beside], 1), ~rim, torch.zeros_like(share))
    alike = torch.exp(-((_distance(colours - field[:, 3:]) / SAME) ** 2))
    return torch.where(rim.any(3, keepdim=True).any(2, keepdim=True), colours + alike * field[:, :3], colours)


def _around(x: Tensor) -> Tensor:
    """The mean over 3 x 3 pixels."""
    return functional.avg_pool2d(x, 3, 1, 1, count_include_pad=False)


def _distance(apart: Tensor) -> Tensor:
    """(B, 1, H, W)."""
    return apart.square().mean(1, keepdim=True).sqrt()


def _membrane(picture: Tensor, unknown: Tensor, stop: Tensor) -> Tensor:
    """(B, C, H, W): the harmonic function on the unknown pixels, with little flow through lines."""
    known = (~unknown).to(picture.dtype)
    sums, shares, stops = [picture * known], [known], [stop]
    while max(shares[-1].shape[2:]) > 1:
        sums.append(_halved(sums[-1]))
        shares.append(_halved(shares[-1]))
        stops.append(_halved_most(stops[-1]))
    # what nothing is known of begins in the middle
    nothing = shares[-1] < 1e-8
    filled = torch.where(nothing, torch.full_like(sums[-1], NOTHING_KNOWN), sums[-1] / shares[-1].clamp(min=1e-8))
    for level in range(len(shares) - 2, -1, -1):
        share = shares[level]
        size = (int(share.shape[2]), int(share.shape[3]))
        guess = functional.interpolate(filled, size=size, mode="bilinear", align_corners=False)
        inside = share <= 0
        filled = torch.where(inside, guess, sums[level] / share.clamp(min=1e-8))
        barrier = stops[level] if min(size) >= STOPPING else None
        filled = _relaxed(filled, inside, barrier, RELAXATIONS if level else LAST)
    return torch.where(unknown, filled, picture)


def _softened(filled: Tensor, inside: Tensor, stop: Tensor) -> Tensor:
    """The screened Poisson equation on the hole: as near to `filled` as it is smooth, but for lines. Coarse to fine."""
    size = min(filled.shape[2:])
    fidelity = 4 * FIDELITY * (SOFTENED_AT / size) ** 2
    start, rounds = filled, SOFTENINGS
    if size >= 2 * SOFTENED_AT:
        coarse = _softened(_halved(filled), _halved_most(inside), _halved_most(stop))
        full = (int(filled.shape[2]), int(filled.shape[3]))
        larger = functional.interpolate(coarse, size=full, mode="bilinear", align_corners=False)
        start, rounds = torch.where(inside > 0, larger, filled), REFINEMENTS
    shares, total = _shares(1 - (1 - LEAK) * stop, fidelity)
    flows = [inside * share for share in shares]
    own = torch.where(inside > 0, fidelity / total, torch.ones_like(total)) * filled
    return _flowed(start, own, torch.zeros_like(total), flows, rounds)


def _halved_most(x: Tensor) -> Tensor:
    return functional.max_pool2d(x, 2, 2, ceil_mode=True)


def _halved(x: Tensor) -> Tensor:
    return functional.avg_pool2d(x, 2, 2, ceil_mode=True, count_include_pad=False)


def _relaxed(filled: Tensor, inside: Tensor, stop: Tensor | None, count: int) -> Tensor:
    """Weighted Jacobi steps; a neighbour counts by the conductance between."""
    conductance = torch.ones_like(inside, dtype=filled.dtype) if stop is None else 1 - (1 - LEAK) * stop
    flows = [DAMPING * inside * share for share in _shares(conductance)[0]]
    return _flowed(filled, None, 1 - DAMPING * inside.to(filled.dtype), flows, count)


def _shares(conductance: Tensor, more: float = 0.0) -> tuple[list[Tensor], Tensor]:
    """Shares of the neighbours above, below, left and right in a mean by conductance, and what they were divided by: the sum of
    the conductances and `more`. Beyond the border lies the pixel itself."""
    wide = functional.pad(conductance, (1, 1, 1, 1), mode="replicate")
    around = (wide[..., :-2, 1:-1], wide[..., 2:, 1:-1], wide[..., 1:-1, :-2], wide[..., 1:-1, 2:])
    sides = [conductance * one for one in around]
    total = sides[0] + sides[1] + sides[2] + sides[3] + more
    return [side / total for side in sides], total


def _flowed(start: Tensor, own: Tensor | None, kept: Tensor, flows: list[Tensor], rounds: int) -> Tensor:
    """So many rounds of: what a place has of its `own`, what it has `kept` of itself, and what flows in from its neighbours.

    Planes are seen as one long row each, so that every neighbour is a shift of it and nothing is copied: what would flow around
    the ends of rows is 0, and what would flow in from beyond the border is kept.
    """
    height, width = start.shape[2:]
    up, down, left, right = (flow.clone() for flow in flows)
    kept = kept.clone()
    for flow, edge in (
        (up, (..., 0, slice(None))),
        (down, (..., -1, slice(None))),
        (left, (..., 0)),
        (right, (..., -1)),
    ):
        kept[edge] += flow[edge]
        flow[edge] = 0
    up, down, left, right, kept = (one.flatten(2) for one in (up, down, left, right, kept))
    now = start.flatten(2)
    for _ in range(rounds):
        after = kept * now if own is None else torch.addcmul(own.flatten(2), kept, now)
        after[..., width:].addcmul_(up[..., width:], now[..., :-width])
        after[..., :-width].addcmul_(down[..., :-width], now[..., width:])
        after[..., 1:].addcmul_(left[..., 1:], now[..., :-1])
        after[..., :-1].addcmul_(right[..., :-1], now[..., 1:])
        now = after
    return now.reshape(start.shape[0], start.shape[1], height, width)
