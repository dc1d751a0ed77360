"""Half precision where a device is fast at it: bfloat16 on recent GPUs and on CPUs that multiply it in hardware."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import cache

import torch


def fast(device: str | torch.device) -> AbstractContextManager[object]:
    """A context in which convolutions run in bfloat16 where that is quicker on this device, and as they are elsewhere."""
    kind = torch.device(device).type
    return torch.autocast(kind, torch.bfloat16, enabled=_is_fast(kind))


@cache
def _is_fast(kind: str) -> bool:
    if kind == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if kind == "cpu":
        # absent before torch 2.9; then float32, which is never wrong
        capabilities: Mapping[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
        return bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))
    return False
