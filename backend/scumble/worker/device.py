"""Which devices there are, in order of choice: CUDA, XPU, CPU; whether one computes, and when its memory is full.

Apple's MPS is taken where it is asked for by name, not by itself: Scumble has not been run on a real one yet.
"""

from __future__ import annotations

import errno
import logging
import os
import warnings
from dataclasses import dataclass
from typing import Any

from scumble_client.errors import ScumbleError
from scumble_client.system.memory import resident

log = logging.getLogger(__name__)

FULL = (
    "out of memory",
    "can't allocate memory",
    "ALLOC_FAILED",  # CUBLAS_STATUS_…, CUDNN_STATUS_…, CUSOLVER_STATUS_…
    "ALLOCATION_FAILED",  # CUDNN_STATUS_INTERNAL_ERROR_DEVICE_…, …_HOST_…, since cuDNN 9
    "resource allocation failed",  # cuSPARSE
    "Invalid buffer size",  # MPS, of a tensor that is larger than it can have
    "OUT_OF_DEVICE_MEMORY",  # XPU
    "OUT_OF_HOST_MEMORY",
)
"""What PyTorch's errors say that mean that memory ran out: only some of them are an exception of their own."""

NOT_USED = "The graphics card can't be used, so this was computed on the CPU. To see why, run: scumble doctor."
"""The note of what was computed on the CPU in place of a device that does not compute."""


@dataclass(frozen=True)
class Chosen:
    """The device to compute on, and what to tell whoever gets a result."""

    device: str
    note: str = ""


def available() -> list[str]:
    """Every accelerator of the best kind that there is, else `["cpu"]`. Imports torch."""
    import torch

    if torch.cuda.is_available():
        return [f"cuda:{i}" for i in range(torch.cuda.device_count())]
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
        there = [*available(), *(["mps"] if torch.backends.mps.is_available() else []), "cpu"]
        raise ScumbleError(
            "invalid_parameter",
            f"There is no device “{device}” that PyTorch can use here.",
            f"Leave --device out, or choose one of: {', '.join(dict.fromkeys(there))}.",
        ) from error
    return device


def choose(device: str) -> Chosen:
    """The device of that name, `auto` being the best; the CPU, with a note, where that one does not compute.

    ScumbleError `invalid_parameter` for what is no device's name.
    """
    import torch

    wanted = available()[0] if device == "auto" else device
    try:
        torch.device(wanted)
    except RuntimeError:
        resolve(wanted)  # says it
    repeatable(wanted)
    reason = failure(wanted)
    if not reason:
        return Chosen(wanted)
    log.warning("%s can't be used, the CPU computes in its place: %s", wanted, reason)
    return Chosen("cpu", NOT_USED)


def failure(device: str) -> str:
    """Why a device doesn't compute; empty where it does.

    It is there, and its driver too, and still it has no kernels for this PyTorch, or its context is lost: so a convolution
    and a matrix product are tried. A device whose memory is full is not broken.
    """
    import torch

    try:
        picture = torch.ones(1, 1, 8, 8, device=device)
        seen = torch.nn.functional.conv2d(picture, torch.ones(1, 1, 3, 3, device=device))[0, 0]
        total = float((seen @ seen).sum())
    except Exception as error:  # torch raises whatever the missing part happens to
        return "" if is_out_of_memory(error) else str(error).partition("\n")[0] or type(error).__name__
    return "" if total == 6 * 6 * 6 * 81 else f"it computes wrongly ({total:g})"


def repeatable(device: str) -> None:
    """Let the same seed give the same pixels on CUDA, where PyTorch has algorithms for that. Call it before CUDA is used."""
    if not device.startswith("cuda"):
        return  # the CPU's are so by themselves
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    import torch

    torch.set_deterministic_debug_mode("warn")
    settings: Any = torch.utils.deterministic
    settings.fill_uninitialized_memory = False  # nothing reads what it did not write
    warnings.filterwarnings("ignore", message=".*does not have a deterministic implementation")


def describe(device: str) -> dict[str, Any]:
    """The device's name and memory in bytes, for `scumble status`."""
    import torch

    out: dict[str, Any] = {"device": device, "name": device, "memory": resident()}
    if device.startswith("cuda"):
        properties = torch.cuda.get_device_properties(device)
        out |= {
            "name": properties.name,
            "device_memory": torch.cuda.memory_allocated(device),
            "device_total": properties.total_memory,
        }
    elif device.startswith("mps"):
        out["name"] = "Apple GPU"
    elif device == "cpu":
        out["name"] = f"CPU, {torch.get_num_threads()} threads"
    return out


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory ran out, on whichever device."""
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return True
    import torch

    if isinstance(error, torch.cuda.OutOfMemoryError):
        return True
    said = str(error)
    return isinstance(error, RuntimeError) and any(words in said for words in FULL)
