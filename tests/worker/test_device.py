"""Which device: accelerators in their order, then the CPU; a name that can't be used is one sentence."""

from __future__ import annotations

import pytest
import torch

from scumble.worker import device
from scumble_client.errors import ScumbleError


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """One without accelerators, whatever this one has."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(torch.xpu, "is_available", lambda: False)
    return monkeypatch


class TestAvailable:
    def test_the_cpu_where_there_is_nothing_else(self, machine: pytest.MonkeyPatch) -> None:
        assert device.available() == ["cpu"]

    def test_every_device_of_the_best_kind(self, machine: pytest.MonkeyPatch) -> None:
        machine.setattr(torch.xpu, "is_available", lambda: True)
        machine.setattr(torch.xpu, "device_count", lambda: 2)
        assert device.available() == ["xpu:0", "xpu:1"]
        machine.setattr(torch.backends.mps, "is_available", lambda: True)
        assert device.available() == ["mps"]
        machine.setattr(torch.cuda, "is_available", lambda: True)
        machine.setattr(torch.cuda, "device_count", lambda: 3)
        assert device.available() == ["cuda:0", "cuda:1", "cuda:2"]


class TestResolve:
    def test_auto_is_the_first(self, machine: pytest.MonkeyPatch) -> None:
        assert device.resolve("auto") == "cpu"
        machine.setattr(torch.backends.mps, "is_available", lambda: True)
        assert device.resolve("auto") == "mps"

    def test_a_named_one_that_works(self) -> None:
        assert device.resolve("cpu") == "cpu"

    @pytest.mark.parametrize("name", ["abacus", "", "cuda:99", "cpu cpu", "-1"])
    def test_a_name_that_can_t_be_used(self, machine: pytest.MonkeyPatch, name: str) -> None:
        with pytest.raises(ScumbleError) as raised:
            device.resolve(name)
        assert raised.value.code == "invalid_parameter"
        assert f"“{name}”" in raised.value.message
        assert raised.value.hint.endswith("choose one of: cpu.")


class TestDescribe:
    def test_the_cpu(self) -> None:
        found = device.describe("cpu")
        assert found["device"] == "cpu"
        assert found["name"] == f"CPU, {torch.get_num_threads()} threads"
        assert found["memory"] > 10_000_000

    def test_where_the_system_does_not_tell_the_memory(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def opened(*_: object, **__: object) -> None:
            raise FileNotFoundError

        monkeypatch.setattr("builtins.open", opened)
        assert device.rss() == 0


class TestOutOfMemory:
    @pytest.mark.parametrize(
        "error",
        [
            MemoryError(),
            torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
            RuntimeError("[enforce fail at alloc_cpu.cpp:118] DefaultCPUAllocator: can't allocate memory: you tried"),
            RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"),
        ],
    )
    def test_is_known_in_all_its_forms(self, error: BaseException) -> None:
        assert device.is_out_of_memory(error)

    def test_as_torch_itself_says_it(self) -> None:
        with pytest.raises(RuntimeError) as raised:
            torch.empty(2**60, dtype=torch.uint8)
        assert device.is_out_of_memory(raised.value)

    @pytest.mark.parametrize("error", [RuntimeError("shape mismatch"), ValueError("out of memory"), OSError()])
    def test_is_not_anything_else(self, error: BaseException) -> None:
        assert not device.is_out_of_memory(error)
