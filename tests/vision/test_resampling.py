"""Means and maxima over areas are those of the CPU on every device, whether sizes divide or not."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from scumble.vision.resampling import area_resized, touched

SIZES = [(12, 18), (11, 7), (24, 36), (12, 5), (1, 1), (30, 18), (25, 37)]


@pytest.fixture
def pictures() -> torch.Tensor:
    return torch.rand(2, 3, 24, 36, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("size", SIZES)
def test_means(size: tuple[int, int], pictures: torch.Tensor, device: str) -> None:
    found = area_resized(pictures.to(device), size)
    assert found.device.type == torch.device(device).type
    torch.testing.assert_close(found.cpu(), functional.interpolate(pictures, size, mode="area"))


@pytest.mark.parametrize("size", SIZES)
def test_maxima(size: tuple[int, int], pictures: torch.Tensor, device: str) -> None:
    found = touched(pictures.to(device), size)
    assert found.device.type == torch.device(device).type
    assert torch.equal(found.cpu(), functional.adaptive_max_pool2d(pictures, size))


@pytest.mark.parametrize("size", [(7, 11), (12, 36)])
def test_gradients_come_back(size: tuple[int, int], pictures: torch.Tensor, device: str) -> None:
    given = pictures.to(device, copy=True).requires_grad_()
    area_resized(given, size).square().sum().backward()  # type: ignore[no-untyped-call]
    wanted = pictures.clone().requires_grad_()
    functional.interpolate(wanted, size, mode="area").square().sum().backward()  # type: ignore[no-untyped-call]
    assert given.grad is not None
    assert wanted.grad is not None
    torch.testing.assert_close(given.grad.cpu(), wanted.grad)
