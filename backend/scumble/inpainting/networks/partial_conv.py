"""Partial convolutions, and the U-Net of them that fills holes.

Liu et al., "Image inpainting for irregular holes using partial convolutions" (ECCV 2018). The layer's equation 1: where a
window X with mask M (1 where a value is known) knows anything, x' = Wᵀ(X ⊙ M) · sum(1)/sum(M) + b, else x' = 0; equation 2:
the new mask is 1 where sum(M) > 0. As a padding scheme (Liu et al., "Partial convolution based padding", 2018) the mask is the picture itself, and what
lies beyond its border is unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn
from torch.nn import functional

EPSILON = 1e-8
"""Keeps the ratio finite where nothing is known; NVIDIA's own value, which becomes 1e-6 in half precision."""


class PartialConv2d(nn.Conv2d):
    """The layer. Called with a picture alone it is partial-convolution padding.

    Parameters
    ----------
    multi_channel
        Whether the mask has a channel for each of the picture's; else one serves them all.
    return_mask
        Whether the new mask comes back as well.
    window
        What sum(1) is: by default the number of mask values in a window, as in the paper. Two published re-implementations
        differ, and their weights want what they were trained with.
    bias_in_holes
        Whether the bias is added where nothing is known, too (PConv-Keras does so; the paper does not).
    """

    mask_window: torch.Tensor

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        dilation: int = 1,
        groups: int = 1,
        bias: bool = True,
        multi_channel: bool = False,
        return_mask: bool = False,
        window: float | None = None,
        bias_in_holes: bool = False,
    ) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias)
        self.multi_channel, self.return_mask, self.bias_in_holes = multi_channel, return_mask, bias_in_holes
        shape = (out_channels, in_channels // groups) if multi_channel else (1, 1)
        ones = torch.ones(*shape, kernel_size, kernel_size)
        # one channel of sums serves all, unless groups see different channels of the mask
        if multi_channel and groups == 1:
            ones = ones[:1]
        self.register_buffer("mask_window", ones, persistent=False)
        self.window = window if window is not None else float(ones[0].numel())
        self._cached: tuple[tuple[int, ...], torch.Tensor, torch.Tensor] | None = None

    def forward(  # type: ignore[override]
        self, x: torch.Tensor, mask: torch.Tensor | None = None
    ) -> torch.Tensor | tuple[torch.Tensor, torch.Tensor]:
        """Convolve what is known.

        Parameters
        ----------
        x
            (B, C, H, W)
        mask
            (B or 1, C or 1, H, W), 1 where known; values between are shares. Without one, all of the picture is.

        Returns
        -------
        Tensor, or Tensor and Tensor
            (B, out, h, w); and the new mask, (B or 1, out or 1, h, w) in 0 to 1.
        """
        ratio, known = self._ratio(x, mask)
        if mask is not None:
            x = x * mask
        out = functional.conv2d(x, self.weight, None, self.stride, self.padding, self.dilation, self.groups)
        out = out * ratio.to(out.dtype)
        if self.bias is not None:
            out = out + self.bias.view(1, -1, 1, 1).to(out.dtype)
        if not self.bias_in_holes:
            out = out * known.to(out.dtype)
        if not self.return_mask:
            return out
        channels = self.out_channels if self.multi_channel else 1
        return out, known.expand(-1, channels, -1, -1)

    def _ratio(self, x: torch.Tensor, mask: torch.Tensor | None) -> tuple[torch.Tensor, torch.Tensor]:
        """sum(1)/sum(M), 0 where nothing is known; and the new mask. Without a mask they depend on the size alone."""
        shape = (*x.shape[2:],)
        if (
            mask is None
            and self._cached is not None
            and self._cached[0] == shape
            and self._cached[1].device == x.device
        ):
            return self._cached[1], self._cached[2]
        with torch.no_grad(), torch.autocast(x.device.type, enabled=False):
            groups = self.groups if self.multi_channel else 1
            given = mask
            if given is None:
                given = torch.ones(1, self.in_channels if self.multi_channel else 1, *shape, device=x.device)
            window = self.mask_window.to(x.device, torch.float32)
            total = functional.conv2d(given.float(), window, None, self.stride, self.padding, self.dilation, groups)
            known = total.clamp(0, 1)
            ratio = self.window / (total + EPSILON) * known
        if mask is None:
            self._cached = (shape, ratio, known)
        return ratio, known


Order = Literal["encoder first", "decoder first"]


@dataclass(frozen=True)
class UNetForm:
    """The U-Net, and where its published forms differ.

    Attributes
    ----------
    widths
        Channels after each halving; the paper's are 64, 128, 256, then 512 five times.
    kernels
        Of the encoder, from the outside; the last one serves all that follow.
    concatenated
        Whether the encoder's or the decoder's channels come first where they meet.
    window, bias_in_holes
        As for `PartialConv2d`; `window="area"` is kernel height times width, whatever the channels.
    norm_epsilon
        Of batch normalization.
    activated_output
        PConv-Keras: LeakyReLU after the last partial convolution, then a 1 × 1 convolution and a sigmoid.
    normalised
        Whether pictures are prepared by ImageNet's mean and deviation (else 0 to 1).
    """

    widths: tuple[int, ...] = (64, 128, 256, 512, 512, 512, 512, 512)
    kernels: tuple[int, ...] = (7, 5, 5, 3)
    concatenated: Order = "decoder first"
    window: Literal["paper", "area", "one"] = "paper"
    bias_in_holes: bool = False
    norm_epsilon: float = 1e-5
    activated_output: bool = False
    normalised: bool = False


KERAS = UNetForm(
    concatenated="encoder first", window="area", bias_in_holes=True, norm_epsilon=1e-3, activated_output=True
)
"""MathiasGruber/PConv-Keras."""

NAOTO = UNetForm(widths=(64, 128, 256, 512, 512, 512, 512), window="one", normalised=True)
"""naoto0804/pytorch-inpainting-with-partial-conv."""


class Stage(nn.Module):
    """Partial convolution, batch normalization where wanted, activation."""

    def __init__(
        self, channels: int, width: int, kernel: int, stride: int, norm: bool, slope: float | None, form: UNetForm
    ) -> None:
        super().__init__()
        window = {"paper": None, "area": float(kernel**2), "one": 1.0}[form.window]
        self.conv = PartialConv2d(
            channels,
            width,
            kernel,
            stride,
            kernel // 2,
            multi_channel=True,
            return_mask=True,
            window=window,
            bias_in_holes=form.bias_in_holes,
        )
        # a window of 1 means sums that are smaller by the number of values; the rest is He's
        nn.init.kaiming_normal_(self.conv.weight, a=slope or 0.0)
        if form.window != "paper":
            with torch.no_grad():
                self.conv.weight *= channels * kernel**2 / float(window or 1)
        assert self.conv.bias is not None
        nn.init.zeros_(self.conv.bias)
        self.norm = nn.BatchNorm2d(width, eps=form.norm_epsilon) if norm else None
        self.slope = slope

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x, mask = self.conv(x, mask)
        if self.norm is not None:
            x = self.norm(x)
        if self.slope is not None:
            x = functional.leaky_relu(x, self.slope)
        return x, mask


class PartialConvUNet(nn.Module):
    """Section 3.2 of the paper: (B, 3, H, W) pictures and masks to (B, 3, H, W); sides are multiples of 2 ** depth."""

    def __init__(self, form: UNetForm | None = None) -> None:
        super().__init__()
        self.form = form = form or UNetForm()
        widths = form.widths
        self.encoder, self.decoder = nn.ModuleList(), nn.ModuleList()
        before = 3
        for number, width in enumerate(widths):
            kernel = form.kernels[min(number, len(form.kernels) - 1)]
            self.encoder.append(Stage(before, width, kernel, 2, number > 0, 0.0, form))
            before = width
        for number in range(len(widths) - 1, -1, -1):
            beside = widths[number - 1] if number else 3
            last = number == 0
            slope = 0.2 if not last or form.activated_output else None
            width = 3 if last else beside
            self.decoder.append(Stage(before + beside, width, 3, 1, not last, slope, form))
            before = width
        self.output = nn.Conv2d(3, 3, 1) if form.activated_output else None
        self.freeze_encoder_norm = False
        """Whether the encoder's batch statistics stay as they are: the paper's second phase of training."""

    @property
    def multiple_of(self) -> int:
        return int(2 ** len(self.form.widths))

    def train(self, mode: bool = True) -> PartialConvUNet:
        super().train(mode)
        if mode and self.freeze_encoder_norm:
            for stage in self.encoder:
                if isinstance(stage, Stage) and stage.norm is not None:
                    stage.norm.eval()
        return self

    def forward(self, picture: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """The picture, filled.

        Parameters
        ----------
        picture
            (B, 3, H, W)
        mask
            (B, 3 or 1, H, W), 1 where the picture is known.
        """
        mask = mask.expand(len(picture), 3, -1, -1)
        reached = [(picture, mask)]
        for stage in self.encoder:
            reached.append(stage(*reached[-1]))
        x, known = reached.pop()
        for stage in self.decoder:
            beside, beside_known = reached.pop()
            pair = (beside, functional.interpolate(x, scale_factor=2.0))
            masks = (beside_known.expand(len(x), -1, -1, -1), functional.interpolate(known, scale_factor=2.0))
            x, known = stage(self._joined(pair), self._joined(masks))
        if self.output is not None:
            x = torch.sigmoid(self.output(x))
        return x

    def _joined(self, pair: Sequence[torch.Tensor]) -> torch.Tensor:
        first = pair if self.form.concatenated == "encoder first" else tuple(reversed(pair))
        return torch.cat(tuple(first), dim=1)
