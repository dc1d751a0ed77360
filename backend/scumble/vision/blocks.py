"""Blocks that the embedded networks are built of: a gated residual block, and attention to what is known."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class GatedBlock(nn.Module):
    """x + gate · conv(conv(x)): a residual block whose answer is gated by a convolution of 1 × 1 on its input."""

    def __init__(self, width: int, dilation: int = 1) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=dilation, dilation=dilation)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        self.gate = nn.Conv2d(width, width, 1)
        nn.init.normal_(self.second.weight, std=1e-2 / width**0.5)
        nn.init.zeros_(self.second.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        inner: Tensor = self.second(functional.silu(self.first(functional.silu(x))))
        return x + inner * torch.sigmoid(self.gate(x))


def gated_blocks(width: int, count: int) -> nn.Sequential:
    """So many of them one after the other, every second one dilated."""
    return nn.Sequential(*(GatedBlock(width, 2 ** (n % 2)) for n in range(count)))


class KnownAttention(nn.Module):
    """Attention (Vaswani et al. 2017, eq. 1) whose keys count by how much of them is known."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.queries = nn.Conv2d(width, width, 1)
        self.keys = nn.Conv2d(width, 2 * width, 1)
        self.out = nn.Conv2d(width, width, 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor, known: Tensor) -> Tensor:
        batch, width, height, length = x.shape
        normal = x / x.square().mean(1, keepdim=True).add(1e-4).sqrt()

        def split(part: Tensor) -> Tensor:
            return part.reshape(batch, self.heads, width // self.heads, height * length).transpose(2, 3).contiguous()

        keys, values = self.keys(normal).chunk(2, 1)
        bias = known.clamp(min=1e-3).log().reshape(batch, 1, 1, height * length)
        q, k, v = split(self.queries(normal)), split(keys), split(values)
        bias = bias.to(q.dtype).expand(batch, 1, height * length, height * length)
        seen = functional.scaled_dot_product_attention(q, k, v, attn_mask=bias)
        answer: Tensor = self.out(seen.transpose(2, 3).reshape(batch, width, height, length))
        return x + answer
