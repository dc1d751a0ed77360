"""How the embedded face completion network learns.

The error in the hole at three scales, that of its gradients (which counts more near lines: that is what makes the network
obey), how different the pictures look (LPIPS) or the embedded feature network's error, what repeats with the period of the unshuffled
output, and, from a chosen step on, a patch discriminator that sees lines and colours, too.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from scumble.faces.sketch.first_guess import first_guess
from scumble.faces.sketch.network import UNSHUFFLE, FaceSketchNetwork
from scumble.faces.sketch.sc_fegan import ScFeganDiscriminator
from scumble.vision.precision import fast
from scumble.vision.vgg.network import Vgg
from scumble_training.common.descent import Descent
from scumble_training.common.lpips import Lpips
from scumble_training.common.weave import weave_error
from scumble_training.inpainting.losses import hinge_discriminator, hinge_generator

from .sketch_draws import SketchBatch

LINE_WEIGHT = 4.0
"""How much more a gradient counts beside a line than elsewhere."""

LAYERS = ("relu1_2", "relu2_2")

JUDGED = 128
"""Side of the square, in pixels, that the discriminator sees: it is to look at how things are drawn, not at where they are."""

JUDGE_LAYERS = 4
JUDGE_INPUTS = 9


def guess_of(batch: SketchBatch) -> Tensor:
    with torch.no_grad():
        return first_guess(batch.truth, batch.hole > 0.5, batch.lines > 0.5, batch.colours, batch.given > 0.5)


def completed(network: FaceSketchNetwork, batch: SketchBatch, guess: Tensor | None = None) -> Tensor:
    """(B, 3, S, S): the truth with what the network puts into the hole."""
    guess = guess_of(batch) if guess is None else guess
    with fast(batch.truth.device):
        found: Tensor = network(guess, batch.hole, batch.lines, batch.given, batch.noise)
    return found


def losses(
    found: Tensor, batch: SketchBatch, features: Vgg | None, lpips: Lpips | None = None, weave: bool = False
) -> dict[str, Tensor]:
    """Each term, every example counting alike however large its hole is."""
    hole = batch.hole
    area = hole.sum(dim=(1, 2, 3)).clamp(min=64)
    wrong = (found - batch.truth) * hole
    pixel = wrong.abs().sum(dim=(1, 2, 3)) / (3 * area)
    for cell in (4, 16):
        means = functional.avg_pool2d(wrong, cell)
        pixel = pixel + 0.5 * means.abs().sum(dim=(1, 2, 3)) * cell**2 / (3 * area)
    near = functional.max_pool2d(batch.lines, 5, stride=1, padding=2)
    weight = hole * (1 + LINE_WEIGHT * near)
    gradient = sum(
        ((wrong[..., 1:] - wrong[..., :-1]).abs() * weight[..., 1:]).sum(dim=(1, 2, 3)) / (3 * area)
        if axis == 3
        else ((wrong[..., 1:, :] - wrong[..., :-1, :]).abs() * weight[..., 1:, :]).sum(dim=(1, 2, 3)) / (3 * area)
        for axis in (2, 3)
    )
    assert isinstance(gradient, Tensor)
    terms = {"pixel": pixel.mean(), "gradient": gradient.mean()}
    if features is not None:
        terms["features"] = _feature_error(found, batch.truth, features)
    if lpips is not None:
        terms["lpips"] = lpips(found, batch.truth).mean()
    if weave:
        terms["weave"] = weave_error(wrong, hole, UNSHUFFLE)
    return terms


def _feature_error(found: Tensor, truth: Tensor, features: Vgg) -> Tensor:
    """Of one example of the batch at half its size: the feature network costs as much as the network itself."""
    one = [functional.avg_pool2d(picture[:1], 2) for picture in (found, truth)]
    with fast(found.device):
        with torch.no_grad():
            wanted = features(one[1], LAYERS)
        seen = features(one[0], LAYERS)
    return torch.stack([(seen[n].float() - wanted[n].float()).abs().mean() for n in LAYERS]).sum()


def judged(judge: nn.Module, picture: Tensor, batch: SketchBatch, window: tuple[slice, slice]) -> Tensor:
    """The verdicts on a window of the picture, together with what it has to obey there."""
    conditions = [batch.hole, batch.lines, (batch.colours * 2 - 1) * batch.given, batch.given]
    seen = torch.cat([one[..., window[0], window[1]] for one in (picture * 2 - 1, *conditions)], 1)
    with fast(picture.device):
        verdict: Tensor = judge(seen.contiguous(memory_format=torch.channels_last))
    return verdict.float()


def window_of(batch: SketchBatch, rng: np.random.Generator) -> tuple[slice, slice]:
    """A square around a random pixel of the first example's hole."""
    height, width = batch.hole.shape[2:]
    side = min(JUDGED, height, width)
    rows, columns = np.nonzero(batch.hole[0, 0].cpu().numpy())
    one = int(rng.integers(len(rows))) if len(rows) else 0
    y, x = (int(rows[one]), int(columns[one])) if len(rows) else (height // 2, width // 2)
    top = min(max(0, y - int(rng.integers(side))), height - side)
    left = min(max(0, x - int(rng.integers(side))), width - side)
    return slice(top, top + side), slice(left, left + side)


class Adversary:
    """The discriminator with its optimizer."""

    def __init__(self, width: int, device: str, rate: float = 2e-4) -> None:
        self.judge = ScFeganDiscriminator(JUDGE_INPUTS, width, JUDGE_LAYERS).to(device)
        self.optimizer = torch.optim.Adam(self.judge.parameters(), rate, (0.5, 0.99))
        self.descent = Descent(self.optimizer)

    def learn(self, found: Tensor, batch: SketchBatch, window: tuple[slice, slice]) -> Tensor:
        """It learns to tell `found` from the truth (hinge loss); its error."""
        verdicts = [judged(self.judge, one, batch, window) for one in (batch.truth, found.detach())]
        doubt = hinge_discriminator(*verdicts)
        self.descent.step(doubt)
        return doubt.detach()

    def persuaded(self, found: Tensor, batch: SketchBatch, window: tuple[slice, slice]) -> Tensor:
        """The generator's adversarial loss; the discriminator takes no gradient."""
        self.judge.requires_grad_(False)
        loss = hinge_generator(judged(self.judge, found, batch, window))
        self.judge.requires_grad_(True)
        return loss
