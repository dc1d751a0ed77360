"""Which device: accelerators in their order, then the CPU; a name that can't be used is one sentence."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from scumble.worker import device
from scumble_client.errors import ScumbleError
from tests.support.pretended_device import pretended


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
        machine.setattr(torch.cuda, "is_available", lambda: True)
        machine.setattr(torch.cuda, "device_count", lambda: 3)
        assert device.available() == ["cuda:0", "cuda:1", "cuda:2"]

    def test_mps_is_not_taken_by_itself(self, machine: pytest.MonkeyPatch) -> None:
        machine.setattr(torch.backends.mps, "is_available", lambda: True)
        assert device.available() == ["cpu"]


class TestResolve:
    def test_auto_is_the_first(self, machine: pytest.MonkeyPatch) -> None:
        assert device.resolve("auto") == "cpu"
        machine.setattr(torch.cuda, "is_available", lambda: True)
        machine.setattr(torch.cuda, "device_count", lambda: 2)
        assert device.resolve("auto") == "cuda:0"

    def test_mps_where_it_is_asked_for(self) -> None:
        with pretended("mps"):
            assert device.resolve("auto") == "cpu"
            assert device.resolve("mps") == "mps"
            with pytest.raises(ScumbleError, match="no device “cuda”") as raised:
                device.resolve("cuda")
            assert raised.value.hint.endswith("choose one of: cpu, mps.")

    def test_a_named_one_that_works(self) -> None:
        assert device.resolve("cpu") == "cpu"

    @pytest.mark.parametrize("name", ["abacus", "", "cuda:99", "cpu cpu", "-1"])
    def test_a_name_that_can_t_be_used(self, machine: pytest.MonkeyPatch, name: str) -> None:
        with pytest.raises(ScumbleError) as raised:
            device.resolve(name)
        assert raised.value.code == "invalid_parameter"
        assert f"“{name}”" in raised.value.message
        assert raised.value.hint.endswith("choose one of: cpu.")


class TestChoose:
    @pytest.mark.parametrize("kind", ["cuda", "mps"])
    def test_a_device_that_computes(self, kind: str, repeatability: None) -> None:
        with pretended(kind) as where:
            assert device.choose(str(where)) == device.Chosen(str(where))

    def test_a_device_without_kernels_gives_way_to_the_cpu(
        self, machine: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, repeatability: None
    ) -> None:
        def refused(*_: object, **__: object) -> None:
            raise RuntimeError(
                "CUDA error: no kernel image is available for execution on the device\nCUDA kernel errors…"
            )

        with pretended("cuda"):
            machine.setattr(torch.nn.functional, "conv2d", refused)
            chosen = device.choose("auto")
        assert chosen.device == "cpu"
        assert chosen.note.startswith("The graphics card can't be used, so this was computed on the CPU.")
        assert "no kernel image is available for execution on the device" in caplog.text
        assert "CUDA kernel errors" not in caplog.text

    def test_a_device_that_has_gone(self, machine: pytest.MonkeyPatch, repeatability: None) -> None:
        assert device.choose("cuda:0").device == "cpu"

    def test_a_device_that_computes_wrongly(self, machine: pytest.MonkeyPatch) -> None:
        machine.setattr(torch.nn.functional, "conv2d", lambda picture, kernel: torch.zeros(1, 1, 6, 6))
        assert "computes wrongly" in device.failure("cpu")

    def test_a_full_device_is_not_broken(self, machine: pytest.MonkeyPatch) -> None:
        def full(*_: object, **__: object) -> None:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 MiB")

        machine.setattr(torch, "ones", full)
        assert device.failure("cpu") == ""

    def test_what_is_no_device_is_an_error(self) -> None:
        with pytest.raises(ScumbleError, match="no device “abacus”"):
            device.choose("abacus")


@pytest.fixture
def repeatability() -> Iterator[None]:
    """What `repeatable` changes is changed back."""
    settings: Any = torch.utils.deterministic
    before, filled = torch.get_deterministic_debug_mode(), settings.fill_uninitialized_memory
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        patch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
        yield
    torch.set_deterministic_debug_mode(before)
    settings.fill_uninitialized_memory = filled


class TestRepeatable:
    def test_cuda_computes_by_deterministic_algorithms(self, repeatability: None) -> None:
        device.repeatable("cuda:0")
        assert torch.are_deterministic_algorithms_enabled()
        assert torch.is_deterministic_algorithms_warn_only_enabled()
        assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"

    def test_a_workspace_that_was_chosen_stays(self, repeatability: None, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", ":16:8")
        device.repeatable("cuda:0")
        assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":16:8"

    def test_the_cpu_stays_as_it_is(self, repeatability: None) -> None:
        device.repeatable("cpu")
        assert not torch.are_deterministic_algorithms_enabled()
        assert "CUBLAS_WORKSPACE_CONFIG" not in os.environ


class TestDescribe:
    @pytest.mark.parametrize(("kind", "name"), [("cuda", "Pretended device"), ("mps", "Apple GPU")])
    def test_an_accelerator(self, kind: str, name: str) -> None:
        with pretended(kind) as where:
            assert device.describe(str(where))["name"] == name

    def test_the_cpu(self) -> None:
        found = device.describe("cpu")
        assert found["device"] == "cpu"
        assert found["name"] == f"CPU, {torch.get_num_threads()} threads"
        assert found["memory"] > 10_000_000


class TestOutOfMemory:
    @pytest.mark.parametrize(
        "error",
        [
            MemoryError(),
            torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
            RuntimeError("[enforce fail at alloc_cpu.cpp:118] DefaultCPUAllocator: can't allocate memory: you tried"),
            RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"),
            RuntimeError("Invalid buffer size: 24.00 GiB"),
            RuntimeError("CUDA error: out of memory"),
            RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
            RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
            RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"),
            RuntimeError("cusolver error: CUSOLVER_STATUS_ALLOC_FAILED, when calling `cusolverDnCreate(handle)`"),
            RuntimeError("CUDA error: resource allocation failed when calling `cusparseCreate(handle)`"),
            RuntimeError("level_zero backend failed with error: 39 (UR_RESULT_ERROR_OUT_OF_DEVICE_MEMORY)"),
        ],
    )
    def test_is_known_in_all_its_forms(self, error: BaseException) -> None:
        assert device.is_out_of_memory(error)

    def test_as_torch_itself_says_it(self) -> None:
        with pytest.raises(RuntimeError) as raised:
            torch.empty(2**60, dtype=torch.uint8)
        assert device.is_out_of_memory(raised.value)

    @pytest.mark.parametrize(
        "error",
        [
            RuntimeError("shape mismatch"),
            ValueError("out of memory"),
            OSError(),
            RuntimeError("CUDA error: an illegal memory access was encountered"),
            RuntimeError("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED when calling `cublasSgemm(handle)`"),
            RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"),
        ],
    )
    def test_is_not_anything_else(self, error: BaseException) -> None:
        assert not device.is_out_of_memory(error)
