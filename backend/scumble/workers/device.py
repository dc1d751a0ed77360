"""Which devices there are, in order of choice: CUDA, MPS, XPU, CPU."""

from __future__ import annotations

from typing import Any


def available() -> list[str]:
    """Every accelerator of the best kind that there is, else `["cpu"]`. Imports torch."""
    import torch

    if torch.cuda.is_available():
        return [f"cuda:{i}" for i in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        return ["mps"]
    if hasattr(torch, "xpu") and torch.xpu.is_available():
        return [f"xpu:{i}" for i in range(torch.xpu.device_count())]
    return ["cpu"]


def describe(device: str) -> dict[str, Any]:
    """The device's name and memory in bytes, for `scumble status`."""
    import torch

    out: dict[str, Any] = {"device": device, "name": device, "memory": rss()}
    if device.startswith("cuda"):
        properties = torch.cuda.get_device_properties(device)
        out |= {
            "name": properties.name,
            "device_memory": torch.cuda.memory_allocated(device),
            "device_total": properties.total_memory,
        }
    elif device == "cpu":
        out["name"] = f"CPU, {torch.get_num_threads()} threads"
    return out


def rss() -> int:
    """This process's resident memory in bytes; 0 where the system does not tell."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            import os

            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory ran out, on whichever device."""
    if isinstance(error, MemoryError):
        return True
    import torch

    return isinstance(error, torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and "can't allocate memory" in str(error)
    )
