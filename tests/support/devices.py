"""The devices that tests run on: the CPU, a pretended CUDA and a pretended MPS device, and a real CUDA where there is one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

DEVICES = ("cpu", "pretended-cuda", "pretended-mps", "cuda")


@contextlib.contextmanager
def entered(name: str) -> Iterator[str]:
    """What to give to PyTorch as a device, within; skips the test where there is no such device."""
    if name.startswith("pretended-"):
        from .pretended_device import pretended

        with pretended(name.removeprefix("pretended-")) as where:
            yield str(where)
        return
    if name == "cuda":
        import torch

        from scumble.worker.device import repeatable

        if not torch.cuda.is_available():
            pytest.skip("there is no CUDA device here")
        name = "cuda:0"
        repeatable(name)
    yield name


def is_real_gpu(device: str) -> bool:
    """Whether a device's digits and random numbers are its own: a pretended one has the CPU's."""
    if device == "cpu":
        return False
    import torch

    return type(torch.empty(0, device=device)) is torch.Tensor
