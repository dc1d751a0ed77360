"""The published recipe of the Introspective Adversarial Network (Brock et al. 2017, section 3.1; `train_IAN.py`).

Discriminator and the rest take turns. The discriminator (and the encoder's convolutions, which are its body) learns to tell
real, reconstructed and sampled pictures apart; the decoder learns to reconstruct (pixels, and the encoder's own features) and
to be taken for real both ways; the layers between encoder and decoder learn in both turns. `ian_simple` has one logit (real or
not) in place of three classes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import nn
from torch.nn import functional

from scumble.faces.latent.ian import Ian, IanSimple
from scumble.faces.latent.ian_layers import MultiscaleDilated
from scumble_training.common.descent import Descent

REAL, RECONSTRUCTED, SAMPLED = 0, 1, 2

SCHEDULES = {"ian_simple": ((0, 2e-4),), "ian": ((0, 2e-4), (25, 1e-4), (50, 5e-5), (75, 1e-5))}
"""Learning rates by the epoch from which they hold."""

BATCHES = {"ian_simple": 128, "ian": 16}
EPOCHS = {"ian_simple": 250, "ian": 80}

Z_DECAY = 1e-5


@dataclass(frozen=True)
class IanWeights:
    """How much each loss counts; the defaults are the published ones."""

    pixel: float = 3.0
    feature: float = 1.0
    divergence: float = 1.0
    reconstructed: float = 1.0
    """Of calling reconstructions and samples what they are (`dg`), in the discriminator's turn."""

    real: float = 1.0
    """Of calling real pictures real (`dd`)."""

    taken_reconstructed: float = 1.0
    """Of reconstructions that are taken for real (`agr`), in the decoder's turn."""

    taken_sampled: float = 1.0
    """The same for samples (`ags`)."""

    orthogonal: float = 1e-3


class IanRecipe:
    """Network, optimizers and one step of training."""

    file = "face-latent-ian.safetensors"

    def __init__(
        self, architecture: Literal["ian_simple", "ian"], width: int, weights: IanWeights, rate: float | None
    ) -> None:
        self.network: Ian | IanSimple = Ian(width) if architecture == "ian" else IanSimple(width)
        self.weights = weights
        self.schedule = SCHEDULES[architecture] if rate is None else ((0, rate),)
        network = self.network
        critic = [network.encoder, network.minibatch, network.judge]
        middle = [network.hidden, network.hidden_norm, network.mean, network.mean_norm]
        middle += [network.log_sigma, network.log_sigma_norm]
        if isinstance(network, Ian):
            middle += [network.flow_mean, network.flow_log_sigma]
        found = {id(p) for part in (*critic, *middle) for p in part.parameters()}
        decoder = [p for p in network.parameters() if id(p) not in found]
        self.critic = _adam(p for part in critic for p in part.parameters())
        self.decoder = _adam(decoder)
        self.middle = _adam(p for part in middle for p in part.parameters())
        self.making, self.doubting = Descent(self.decoder, self.middle), Descent(self.critic, self.middle)
        self.number = 0

    def start(self, pictures: torch.Tensor) -> None:
        """Nothing is known before the first step."""

    def rate(self, epoch: float, progress: float) -> float:
        """By the published schedule; the share of the whole that is done does not matter."""
        return [rate for first, rate in self.schedule if epoch >= first][-1]

    def step(self, pictures: torch.Tensor, rate: float) -> dict[str, float]:
        """One turn: the decoder's in even steps, the discriminator's in odd ones."""
        self.number += 1
        loss, parts = self.decoder_turn(pictures) if self.number % 2 else self.critic_turn(pictures)
        (self.making if self.number % 2 else self.doubting).step(loss, rate)
        return parts

    def made(self, features: list[torch.Tensor], apart: bool) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Reconstruction, sample, and the divergence of the latents, from the real pictures' features; `apart`: the
        encoder's convolutions take no gradient from them."""
        last = features[-1].detach() if apart else features[-1]
        mean, log_sigma = self.network.posterior(last)
        z = mean + log_sigma.exp() * torch.randn_like(mean)
        shown = self.network.decode(self.network.flow(z))
        sampled = self.network.decode(torch.randn_like(mean))
        divergence = -0.5 * (1 + 2 * log_sigma - mean**2 - (2 * log_sigma).exp()).mean()
        return shown, sampled, divergence

    def decoder_turn(self, pictures: torch.Tensor) -> tuple[torch.Tensor, dict[str, float]]:
        features = self.network.introspect(pictures)
        shown, sampled, divergence = self.made(features, False)
        pixel = (2 * (shown - pictures + 1e-8).abs()).mean()
        seen = self.network.introspect(shown)
        feature = torch.stack([functional.mse_loss(a, b.detach()) for a, b in zip(seen, features, strict=True)]).mean()
        taken = self.judged_as(seen[-1], REAL)
        taken_sampled = self.judged_as(self.network.introspect(sampled)[-1], REAL)
        w = self.weights
        loss = w.pixel * pixel + w.feature * feature + w.divergence * divergence
        loss = loss + w.taken_reconstructed * taken + w.taken_sampled * taken_sampled
        loss = loss + w.orthogonal * orthogonality(self.network, skip="encoder") + Z_DECAY * self.z_squares()
        parts = {"pixel": pixel, "feature": feature, "divergence": divergence, "taken": taken}
        return loss, _numbers({**parts, "taken_sampled": taken_sampled})

    def critic_turn(self, pictures: torch.Tensor) -> tuple[torch.Tensor, dict[str, float]]:
        features = self.network.introspect(pictures)
        shown, sampled, divergence = self.made(features, True)
        real = self.judged_as(features[-1], REAL)
        reconstructed = self.judged_as(self.network.introspect(shown.detach())[-1], RECONSTRUCTED)
        false = self.judged_as(self.network.introspect(sampled.detach())[-1], SAMPLED)
        w = self.weights
        # the layers in the middle go on learning to reconstruct; the decoder's gradient of this turn is not used
        pixel = (2 * (shown - pictures + 1e-8).abs()).mean()
        middle = w.pixel * pixel + w.divergence * divergence + Z_DECAY * self.z_squares()
        loss = w.real * real + w.reconstructed * (reconstructed + false) + middle
        loss = loss + w.orthogonal * orthogonality(self.network, only="encoder")
        return loss, _numbers({"real": real, "reconstructed": reconstructed, "sampled": false})

    def judged_as(self, features: torch.Tensor, kind: int) -> torch.Tensor:
        """Cross-entropy of the discriminator's word with a class."""
        logits = self.network.judged(features).float()
        if logits.shape[1] == 1:
            target = torch.full_like(logits, float(kind == REAL))
            return functional.binary_cross_entropy_with_logits(logits, target)
        return functional.cross_entropy(logits, torch.full((len(logits),), kind, device=logits.device))

    def z_squares(self) -> torch.Tensor:
        network = self.network
        layers: Sequence[nn.Module] = [network.hidden, network.mean, network.log_sigma]
        if isinstance(network, Ian):
            layers = [*layers, network.flow_mean, network.flow_log_sigma]
        return torch.stack([(p**2).sum() for layer in layers for p in layer.parameters()]).sum()

    def shipped(self, pictures: torch.Tensor) -> nn.Module:
        """The network as it stands, for figures and for the file."""
        return self.network

    def state_dict(self) -> dict[str, Any]:
        optimizers = {name: getattr(self, name).state_dict() for name in ("critic", "decoder", "middle")}
        return {"network": self.network.state_dict(), "number": self.number, **optimizers}

    def load_state_dict(self, content: dict[str, Any]) -> None:
        self.network.load_state_dict(content["network"])
        self.number = int(content["number"])
        for name in ("critic", "decoder", "middle"):
            getattr(self, name).load_state_dict(content[name])


def orthogonality(network: nn.Module, only: str = "", skip: str = " ") -> torch.Tensor:
    """Σ |W Wᵀ − I| over all convolutions' kernels, each as a matrix of its filters (section 3.4)."""
    total = torch.zeros(())
    for name, module in network.named_modules():
        if not name.startswith(only) or name.startswith(skip):
            continue
        if isinstance(module, nn.Conv2d | MultiscaleDilated | nn.ConvTranspose2d):
            rows = module.weight.flatten(1)
            total = total + (rows @ rows.T - torch.eye(len(rows), device=rows.device)).abs().sum()
    return total


def _adam(parameters: Iterable[nn.Parameter]) -> torch.optim.Adam:
    return torch.optim.Adam(list(parameters), 2e-4, betas=(0.5, 0.999))


def _numbers(parts: dict[str, torch.Tensor]) -> dict[str, float]:
    return {name: float(value.detach()) for name, value in parts.items()}
