"""A step down the gradient: bounded, at the rate that is asked for, and left out where the gradient is not finite."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import nn

from scumble_client.errors import ScumbleError
from scumble_training.common.checkpoints import WeightAverage
from scumble_training.common.descent import PATIENCE, Descent


@pytest.fixture
def weight() -> nn.Parameter:
    return nn.Parameter(torch.tensor([3.0, 4.0]))


def test_it_goes_down_at_the_rate_asked_for(weight: nn.Parameter) -> None:
    assert Descent(torch.optim.SGD([weight], 1.0)).step(weight.sum(), 0.25)
    assert weight.tolist() == [2.75, 3.75]


def test_a_larger_gradient_is_scaled_down_to_the_bound(weight: nn.Parameter) -> None:
    Descent(torch.optim.SGD([weight], 1.0), bound=5.0).step(100 * (weight**2).sum() / 2)
    torch.testing.assert_close(weight.detach(), torch.tensor([0.0, 0.0]), atol=1e-5, rtol=0)


def test_without_a_bound_the_gradient_is_as_it_is(weight: nn.Parameter) -> None:
    Descent(torch.optim.SGD([weight], 1.0)).step(100 * (weight**2).sum() / 2)
    assert weight.tolist() == [-297.0, -396.0]


def test_what_an_earlier_step_left_does_not_count(weight: nn.Parameter) -> None:
    descent = Descent(torch.optim.SGD([weight], 1.0))
    descent.step(weight.sum())
    descent.step(weight.sum())
    assert weight.tolist() == [1.0, 2.0]


# finite loss whose gradient is not; a loss that is not; a gradient that overflows
BROKEN: dict[str, Callable[[nn.Parameter], torch.Tensor]] = {
    "root": lambda w: torch.sqrt((w - w.detach()) ** 2).sum(),
    "nan": lambda w: (w * math.nan).sum(),
    "infinite": lambda w: (w * 1e38 * 1e38).sum(),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_gradient_that_is_not_finite_changes_nothing(weight: nn.Parameter, broken: str) -> None:
    optimizer = torch.optim.AdamW([weight], 0.1)
    descent = Descent(optimizer, bound=1.0)
    average = WeightAverage(nn.ParameterList([weight]))
    descent.step(weight.sum())
    before = [weight.tolist(), *(value.tolist() for value in optimizer.state[weight].values())]
    assert not descent.step(BROKEN[broken](weight))
    average.update(nn.ParameterList([weight]))
    assert [weight.tolist(), *(value.tolist() for value in optimizer.state[weight].values())] == before
    assert all(torch.isfinite(one).all() for one in average.state.values())
    assert descent.step(weight.sum())


def test_of_several_optimizers_all_go_or_none() -> None:
    one, other = (nn.Parameter(torch.ones(1)) for _ in range(2))
    descent = Descent(torch.optim.SGD([one], 0.5), torch.optim.SGD([other], 0.5))
    descent.step(one.sum() + (other * math.nan).sum())
    assert (one.item(), other.item()) == (1.0, 1.0)
    descent.step(one.sum() + other.sum())
    assert (one.item(), other.item()) == (0.5, 0.5)


def test_too_many_in_a_row_end_the_training_with_a_sentence(weight: nn.Parameter) -> None:
    descent = Descent(torch.optim.SGD([weight], 1.0))
    for _ in range(PATIENCE - 1):
        descent.step(weight.sum() * math.nan)
    descent.step(weight.sum())  # the count begins anew
    for _ in range(PATIENCE - 1):
        descent.step(weight.sum() * math.nan)
    with pytest.raises(ScumbleError, match="lost its way"):
        descent.step(weight.sum() * math.nan)
