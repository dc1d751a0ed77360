"""Which devices there are, in order of choice: CUDA, MPS, XPU, CPU."""

from __future__ import annotations

import errno
import os
from typing import Any

from scumble_client.errors import ScumbleError


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


def resolve(device: str) -> str:
    """The device of that name, `auto` being the best; ScumbleError `invalid_parameter` where it can't be used."""
    import torch

    if device == "auto":
        return available()[0]
    try:
        torch.empty(1, device=device)
    except Exception as error:  # torch raises whatever the missing part happens to
        raise ScumbleError(
            "invalid_parameter",
            f"There is no device “{device}” that PyTorch can use here.",
            f"Leave --device out, or choose one of: {', '.join(dict.fromkeys([*available(), 'cpu']))}.",
        ) from error
    return device


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
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 0


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory ran out, on whichever device."""
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return True
    import torch

    if isinstance(error, torch.cuda.OutOfMemoryError):
        return True
    said = str(error)
    # the CPU's allocator and Apple's have no exception of their own
    return isinstance(error, RuntimeError) and ("can't allocate memory" in said or "out of memory" in said)
