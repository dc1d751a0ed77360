"""MI-GAN in its published ONNX form, run by onnxruntime (an optional part): bytes in, bytes out, 512 × 512.

The graph takes the picture as uint8 (1, 3, H, W) and a mask (1, 1, H, W), 255 where the picture is known; its network sees
512 × 512 whatever comes, so it is given nothing else. It is computed by the processor, whatever the worker's device is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from scumble.weights import parts
from scumble_client.errors import ScumbleError

from .inpainters import Inpainter, Requirements

SUFFIX = parts.ONNX
PICTURE, MASK = "image", "mask"


def check_installed() -> None:
    """Raises ScumbleError `weights_missing` where onnxruntime is not installed."""
    part = parts.missing(SUFFIX)
    if part is not None:
        raise ScumbleError(
            "weights_missing",
            "MI-GAN's published file needs onnxruntime, which is not installed where Scumble computes.",
            parts.hint(part),
        )


class OnnxGraph(nn.Module):
    """A graph with MI-GAN's inputs as a module: (1, 3, H, W) and (1, 1, H, W) uint8 on any device, to (1, 3, H, W) uint8 there."""

    def __init__(self, program: bytes) -> None:
        """Raises ValueError where the graph takes or gives something else."""
        super().__init__()
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3  # what it would warn of is no concern of an artist's
        options.intra_op_num_threads = torch.get_num_threads()
        self._session: Any = onnxruntime.InferenceSession(program, options, providers=["CPUExecutionProvider"])
        kinds = {one.name: one.type for one in self._session.get_inputs()}
        if kinds != {PICTURE: "tensor(uint8)", MASK: "tensor(uint8)"} or len(self._session.get_outputs()) != 1:
            raise ValueError("it takes other inputs than MI-GAN's graph does")

    def forward(self, picture: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        given = {PICTURE: picture.cpu().numpy(), MASK: mask.cpu().numpy()}
        (made,) = self._session.run(None, given)
        if made.shape != given[PICTURE].shape or made.dtype != np.uint8:
            raise ValueError("it gives something else than a picture of the same size")
        return torch.from_numpy(made).to(picture.device)


class OnnxMiganInpainter(Inpainter):
    """The graph takes whole bytes, so what it fills has 8 bits: a guess that copies are led by has no more anyway."""

    name = "migan"
    SIZE = 512

    def __init__(self, network: OnnxGraph) -> None:
        super().__init__(network, Requirements(self.SIZE, self.SIZE, self.SIZE))

    def forward(
        self, picture: torch.Tensor, hole: torch.Tensor, keep_mosaic: bool, sketch: torch.Tensor | None
    ) -> torch.Tensor:
        known = (hole <= 0).to(torch.uint8) * 255
        filled: torch.Tensor = self.network((picture * 255).round().to(torch.uint8), known)
        return filled.float() / 255
