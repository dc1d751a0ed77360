"""The pretended device refuses what real ones refuse, computes what the CPU computes, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

from .support.pretended_device import pretended, unrepeatable


@pytest.fixture(params=["cuda", "mps"])
def where(request: pytest.FixtureRequest) -> Iterator[torch.device]:
    with pretended(request.param) as device:
        yield device


@pytest.fixture
def mps() -> Iterator[torch.device]:
    with pretended("mps") as device:
        yield device


HOST = torch.arange(12, dtype=torch.float32).reshape(3, 4)


def refused(error: type[Exception], said: str, work: Callable[[], Any]) -> None:
    with pytest.raises(error, match=said):
        work()


class TestTensors:
    def test_say_where_they_are(self, where: torch.device) -> None:
        made = [
            torch.zeros(3, device=where),
            torch.tensor([1, 2], device=str(where)),
            torch.as_tensor(np.zeros(2, np.float32), device=where),
            HOST.to(where),
            HOST.to(where.type),
            HOST.to(device=torch.device(where.type), dtype=torch.float16),
            HOST.to(where)[1:, ::2],
            torch.ones(1, device=where.type),
            torch.nn.Linear(1, 1).to(where.type).weight,
            torch.zeros_like(HOST.to(where)),
            HOST.to(where).new_tensor([3.0]),
            torch.rand(2, device=where, generator=torch.Generator(where).manual_seed(1)),
        ]
        assert {tensor.device for tensor in made} == {where}
        assert {tensor.is_cuda for tensor in made} == {where.type == "cuda"}
        assert HOST.to(where).cpu().device == torch.device("cpu")

    def test_compute_what_the_cpu_computes(self, where: torch.device) -> None:
        there = HOST.to(where)
        there[1] = 5
        there[:, 2].mul_(2)
        there.view(-1)[3:5] -= there[2, 0]
        here = HOST.clone()
        here[1] = 5
        here[:, 2].mul_(2)
        here.view(-1)[3:5] -= here[2, 0]
        assert there.tolist() == here.tolist()
        assert int(there.argmax()) == int(here.argmax())
        assert there.nonzero().tolist() == here.nonzero().tolist()
        assert there.t_().shape == (4, 3)

    def test_to_where_it_is_already_is_the_same(self, where: torch.device) -> None:
        there = HOST.to(where)
        assert there.to(where) is there
        assert there.to(where, torch.float32) is there
        assert there.to(where, copy=True) is not there
        assert there.to(torch.float16).dtype == torch.float16

    def test_learn(self, where: torch.device) -> None:
        torch.manual_seed(0)
        network = torch.nn.Sequential(torch.nn.Conv2d(1, 3, 3), torch.nn.ReLU(), torch.nn.Conv2d(3, 1, 1))
        x = torch.rand(1, 1, 6, 6)
        network(x).square().sum().backward()
        wanted = [parameter.grad for parameter in network.parameters()]
        network.zero_grad()
        network.to(where)(x.to(where)).square().sum().backward()
        for parameter, grad in zip(network.parameters(), wanted, strict=True):
            assert parameter.device == where
            assert parameter.grad is not None
            assert grad is not None
            torch.testing.assert_close(parameter.grad.cpu(), grad)
        torch.optim.Adam(network.parameters()).step()

    def test_work_in_inference_mode(self, where: torch.device) -> None:
        outside = HOST.to(where)
        with torch.inference_mode():
            for tensor in (outside, HOST.to(where)):
                assert tensor[1:].view(-1)[0].item() == 4
                assert functional.max_pool2d(tensor[None, None], 2).tolist() == [[[[5.0, 7.0]]]]
                assert torch.nn.Linear(4, 2).to(where)(tensor).shape == (3, 2)

    def test_half_precision(self, where: torch.device) -> None:
        there = HOST.to(where)
        with torch.autocast(where.type, torch.bfloat16):
            assert (there @ there.T).dtype == torch.bfloat16
            assert (there + there).dtype == torch.float32
            with torch.autocast(where.type, enabled=False):
                assert (there @ there.T).dtype == torch.float32
        assert (there @ there.T).dtype == torch.float32
        with torch.autocast("cpu", torch.bfloat16):
            assert (there @ there.T).dtype == torch.float32
            assert (HOST @ HOST.T).dtype == torch.bfloat16


class TestRefusals:
    MIXED = "Expected all tensors to be on the same device"

    def test_tensors_of_two_devices(self, where: torch.device) -> None:
        there, index = HOST.to(where), torch.zeros(3, 1, dtype=torch.int64)
        conv = torch.nn.Conv2d(1, 1, 3).to(where)
        for work in (
            lambda: there + HOST,
            lambda: HOST.add_(there),
            lambda: torch.cat([there, HOST]),
            lambda: there @ HOST.T,
            lambda: there.gather(1, index),
            lambda: there.index_select(0, index[:, 0]),
            lambda: functional.embedding(index, there),
            lambda: torch.stack([there[0, 0], torch.tensor(1.0)]),
            lambda: torch.tensor(1.0).add_(there[0, 0]),
            lambda: torch.where(there > 1, there, HOST),
            lambda: conv(torch.rand(1, 1, 5, 5)),
            lambda: there.__setitem__(index[:, 0], HOST),
        ):
            refused(RuntimeError, self.MIXED, work)

    def test_not_scalars_and_indices_of_the_cpu(self, where: torch.device) -> None:
        there = HOST.to(where)
        assert (there + torch.tensor(1.0)).device == where
        assert (torch.tensor(2.0) * there).device == where
        assert torch.where(there > 1, there, torch.tensor(0.0)).device == where
        assert there[torch.tensor([0, 2])].tolist() == HOST[[0, 2]].tolist()
        there[torch.tensor([0, 1])] = torch.tensor(2.0)
        assert there[:2].tolist() == [[2.0] * 4] * 2
        there.masked_fill_(there > 2, torch.tensor(1.0))

    def test_an_index_on_the_device_for_what_is_not(self, where: torch.device) -> None:
        index = torch.tensor([0], device=where)
        refused(RuntimeError, "indices should be either on cpu", lambda: HOST[index])

    def test_numpy(self, where: torch.device) -> None:
        there = HOST.to(where)
        refused(TypeError, "can't convert .* device type tensor to numpy", there.numpy)
        refused(TypeError, "can't convert .* device type tensor to numpy", lambda: np.asarray(there))
        assert there.cpu().numpy().tolist() == HOST.tolist()

    def test_pinning(self, where: torch.device) -> None:
        refused(RuntimeError, "only dense CPU tensors can be pinned", HOST.to(where).pin_memory)
        assert torch.equal(HOST.pin_memory(), HOST)

    def test_generators_of_another_device(self, where: torch.device) -> None:
        here, there = torch.Generator(), torch.Generator(where)
        said = f"Expected a '{where.type}' device type for generator but found 'cpu'"
        refused(RuntimeError, said, lambda: torch.rand(3, device=where, generator=here))
        refused(RuntimeError, said, lambda: HOST.to(where).normal_(generator=here))
        said = f"Expected a 'cpu' device type for generator but found '{where.type}'"
        refused(RuntimeError, said, lambda: torch.randperm(3, generator=there))
        assert there.device == where

    def test_products_of_integers(self, where: torch.device) -> None:
        numbers = HOST.to(where).long()
        refused(NotImplementedError, "not implemented", lambda: numbers @ numbers.T)

    def test_64_bit_floats_on_mps(self, mps: torch.device) -> None:
        there, doubles = HOST.to(mps), HOST.double()
        for work in (
            lambda: there.double(),
            lambda: doubles.to(mps),
            lambda: torch.zeros(3, dtype=torch.float64, device=mps),
            lambda: torch.tensor(np.zeros(3), device=mps),
            lambda: torch.as_tensor(np.zeros(3), device=mps),
            lambda: there.sum(dtype=torch.float64),
            lambda: there.cumsum(0, dtype=torch.float64),
            lambda: torch.full((3,), 1.0, dtype=torch.float64, device=mps),
        ):
            refused(TypeError, "doesn't support float64", work)
        assert there.cpu().double().dtype == torch.float64

    def test_pools_whose_sizes_don_t_divide_on_mps(self, mps: torch.device) -> None:
        there = torch.rand(1, 2, 6, 9).to(mps)
        for inference in (False, True):
            with torch.inference_mode(inference):
                refused(RuntimeError, "must be divisible", lambda: functional.adaptive_avg_pool2d(there, (4, 3)))
                refused(RuntimeError, "must be divisible", lambda: functional.adaptive_max_pool2d(there, (3, 4)))
                refused(RuntimeError, "must be divisible", lambda: functional.interpolate(there, (4, 9), mode="area"))
                assert functional.adaptive_max_pool2d(there, (3, 3)).shape == (1, 2, 3, 3)

    def test_operators_without_a_kernel_on_mps(self, mps: torch.device) -> None:
        there = HOST.to(mps)
        index = torch.tensor([1], device=mps)
        for inference in (False, True):
            with torch.inference_mode(inference):
                refused(NotImplementedError, "not currently implemented", lambda: torch.linalg.eigh(there[:, :3]))
                refused(NotImplementedError, "not currently implemented", lambda: there.take(index))


def test_what_need_not_be_the_same_twice_is_told() -> None:
    with pretended("cuda") as where:
        there = HOST.to(where).requires_grad_()
        functional.pad(there[None, None], (1, 1, 1, 1), mode="reflect").sum()
        torch.bincount(there.detach().long().flatten())
        there.long().cumsum(0)
        assert unrepeatable() == set()
        functional.pad(there[None, None], (1, 1, 1, 1), mode="reflect").sum().backward()  # type: ignore[no-untyped-call]
        there.detach().cumsum(0)
        assert unrepeatable() == {"reflection_pad2d_backward", "cumsum"}
    with pretended("cuda"):
        assert unrepeatable() == set()


def test_everything_is_as_before() -> None:
    names = ["Generator", "autocast", "tensor", "as_tensor"]
    before = [getattr(torch, name) for name in names], torch.cuda.is_available(), torch.cuda._lazy_init
    with pretended("cuda") as where:
        torch.zeros(3, device=where)
    with pytest.raises(ZeroDivisionError), pretended("mps"):
        raise ZeroDivisionError
    assert before == ([getattr(torch, name) for name in names], torch.cuda.is_available(), torch.cuda._lazy_init)
    assert type(torch.zeros(3)) is torch.Tensor
    if not torch.cuda.is_available():
        with pytest.raises((RuntimeError, AssertionError, NotImplementedError)):
            torch.zeros(3, device="cuda")


def test_only_cuda_and_mps() -> None:
    with pytest.raises(ValueError, match="no pretended device"), pretended("cpu"):
        pass
