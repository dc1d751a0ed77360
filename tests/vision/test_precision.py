"""Half precision where a device is fast at it, double precision where it has that."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from scumble.vision.precision import fast, has_double, in_double


def test_double_precision_on_every_device(device: str) -> None:
    given = torch.linspace(0, 1, 7, device=device)
    found = in_double(given)
    assert found.dtype == torch.float64
    assert torch.equal(found.cpu(), torch.linspace(0, 1, 7).double())
    assert (found.device == given.device) == has_double(given.device)


@pytest.mark.parametrize("there", [True, False])
def test_intel_s_devices_have_it_or_not(there: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.xpu, "get_device_properties", lambda device: SimpleNamespace(has_fp64=there))
    assert has_double(torch.device("xpu", 0)) == there


def test_half_precision_leaves_the_device_and_what_comes_after_alone(device: str) -> None:
    picture, kernel = torch.rand(1, 1, 8, 8, device=device), torch.ones(1, 1, 3, 3, device=device)
    with fast(device):
        seen = torch.nn.functional.conv2d(picture, kernel)
    assert seen.dtype in (torch.bfloat16, torch.float32)
    torch.testing.assert_close(seen.float(), torch.nn.functional.conv2d(picture, kernel), rtol=0.02, atol=0.02)
    assert torch.nn.functional.conv2d(picture, kernel).dtype == torch.float32
