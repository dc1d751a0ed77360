"""What a device computes with: half precision where it is fast at it, double precision where it has that."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager

import torch


def fast(device: str | torch.device) -> AbstractContextManager[object]:
    """A context in which convolutions run in bfloat16 where that is quicker on this device, and as they are elsewhere.

    That is on recent CUDA devices, and on CPUs that multiply bfloat16 in hardware.
    """
    kind = torch.device(device).type
    return torch.autocast(kind, torch.bfloat16, enabled=_is_fast(kind))


def _is_fast(kind: str) -> bool:
    if kind == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if kind == "cpu":
        # absent before torch 2.9; then float32, which is never wrong
        capabilities: Mapping[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
        return bool(capabilities.get("amx_bf16") or capabilities.get("avx512_bf16"))
    return False


def in_double(tensor: torch.Tensor) -> torch.Tensor:
    """The tensor in 64-bit floats: where it is, or on the CPU where its device has none."""
    there = tensor if has_double(tensor.device) else tensor.cpu()
    return there.double()


def has_double(device: torch.device) -> bool:
    """Whether a device has 64-bit floats: Apple's MPS hasn't, and not all of Intel's."""
    if device.type == "xpu":
        return bool(torch.xpu.get_device_properties(device).has_fp64)
    return device.type != "mps"
