"""Fitting a face model to one photograph: its latents, and, as an option, a last layer of the photograph's own.

The encoder alone is a guess. From it, Gauss-Newton steps on the latents lower the reconstruction error of this very picture;
then a ridge regression finds what a 3 × 3 convolution on the decoder's last features should add, in closed form.
"""

from __future__ import annotations

import torch
from torch.nn import functional

from scumble.vision.precision import in_double

from .network import FaceModel
from .solver import Base, Strokes, decoded, jacobian, solve

RIDGE = 1e-3
"""Of the last layer, as a share of the features' mean square."""

NEARBY, AWAY, STEADY = 6, 0.7, 0.3
"""Faces around the photograph's that the last layer is held steady for, how far away they are, and how strongly."""

SHARE = 0.25
"""Weight of each of the photograph's pixels in the fit of the latents: neighbours say nearly the same."""

FIT_STEPS = 6


def encoded(model: FaceModel, picture: torch.Tensor) -> torch.Tensor:
    """(K,) of a picture (3, h, w) in −1 to 1, from the encoder alone."""
    with torch.inference_mode():
        z = model.encode(picture[None])[0]
    return z.clone()


def fitted(
    model: FaceModel, picture: torch.Tensor, weight: torch.Tensor, latents: bool = True, last_layers: bool = True
) -> Base:
    """The photograph as the model knows it.

    Parameters
    ----------
    picture
        (3, h, w) in −1 to 1.
    weight
        (h, w), 0 to 1: how much a pixel counts.
    latents, last_layers
        What is fitted; neither leaves the encoder's word.
    """
    z = encoded(model, picture)
    if latents:
        start = _base(model, z, None)
        wanted = Strokes(picture, weight * SHARE)
        z = solve(model, start, wanted, FIT_STEPS)
    correction = _last_layer(model, z, picture, weight) if last_layers else None
    return _base(model, z, correction)


def _base(model: FaceModel, z: torch.Tensor, correction: torch.Tensor | None) -> Base:
    with torch.no_grad():
        picture = decoded(model, z[None], correction)[0]
    return Base(z, picture, jacobian(model, z, correction), correction)


def _last_layer(model: FaceModel, z: torch.Tensor, picture: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """(3 · f², C · 9 + 1): the layer that brings the reconstruction nearest to the picture (see `corrected`).

    Faces near this one must not be corrected otherwise than it is: what the layer makes of the difference of their
    features is held small. Without that, a stroke's change of the latents comes out in false colours.
    """
    with torch.no_grad():
        features, shown = model.features(z[None])
        factor = picture.shape[1] // features.shape[2]
        missing = functional.pixel_unshuffle((picture - shown[0])[None], factor)[0].flatten(1)
        count = in_double(functional.avg_pool2d(weight[None, None], factor)[0, 0].flatten())
        seen = _neighbourhoods(features)[0]
        generator = torch.Generator().manual_seed(0)
        nearby = z + AWAY * torch.randn(NEARBY, len(z), generator=generator).to(z)
        moved = _neighbourhoods(model.features(nearby)[0]) - seen
        normal = (seen * count) @ seen.T + STEADY / NEARBY * torch.einsum("nip,p,njp->ij", moved, count, moved)
        ridge = RIDGE * normal.diagonal().mean() * torch.eye(len(seen), dtype=seen.dtype, device=seen.device)
        layer: torch.Tensor = torch.linalg.solve(normal + ridge, (seen * count) @ in_double(missing).T).T
        return layer.float().contiguous().to(z.device)


def _neighbourhoods(features: torch.Tensor) -> torch.Tensor:
    """(B, C · 9 + 1, P) float64: what a 3 × 3 layer with a bias takes at each place."""
    seen = functional.unfold(features, 3, padding=1)
    return in_double(torch.cat([seen, torch.ones_like(seen[:, :1])], dim=1))
