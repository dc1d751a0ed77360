"""The judge that sees with SqueezeNet: it learns to tell, and only places that count have a say."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch.nn import functional

from scumble_training.common.lpips import Lpips, load
from scumble_training.common.projected_judge import SEEN, ProjectedJudge, doubt, persuasion
from tests.scumble_training.common.test_lpips import published


@pytest.fixture
def lpips(tmp_path: Path) -> Lpips:
    network, heads, _ = published(tmp_path)
    return load(network, heads)


def pictures(seed: int, smooth: bool) -> torch.Tensor:
    drawn = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(seed))
    return functional.avg_pool2d(drawn, 5, 1, 2) if smooth else drawn


def test_it_learns_to_tell_and_can_be_persuaded(lpips: Lpips) -> None:
    torch.manual_seed(0)
    judge, where = ProjectedJudge(16), torch.ones(2, 1, 64, 64)
    optimizer = torch.optim.Adam(judge.parameters(), 5e-3, (0.0, 0.99))
    first = last = 0.0
    for step in range(60):
        true, made = (lpips.maps(pictures(step, smooth)) for smooth in (False, True))
        loss = doubt(judge(true), judge(made), where)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
        first, last = first or float(loss.detach()), float(loss.detach())
    assert last < 0.5 * first
    # a picture that is changed to persuade it looks truer to it
    picture = pictures(99, True).requires_grad_()
    before = persuasion(judge(lpips.maps(picture)), where)
    (slope,) = torch.autograd.grad(before, picture)
    after = persuasion(judge(lpips.maps((picture - 0.02 * slope.sign()).clamp(0, 1))), where)
    assert float(after.detach()) < float(before.detach())


def test_only_places_that_count_have_a_say(lpips: Lpips) -> None:
    judge = ProjectedJudge(8).eval()
    where = torch.zeros(2, 1, 64, 64)
    where[..., :8] = 1
    picture = pictures(0, False)
    other = picture.clone()
    other[..., 56:] = 0.5
    with torch.no_grad():
        one, two = (persuasion(judge(lpips.maps(p))[:1], where) for p in (picture, other))
        everywhere = [persuasion(judge(lpips.maps(p))[:1], torch.ones_like(where)) for p in (picture, other)]
    assert float(one) == pytest.approx(float(two), abs=1e-6)
    assert float(everywhere[0]) != pytest.approx(float(everywhere[1]), abs=1e-6)


def test_it_sees_from_fine_to_coarse(lpips: Lpips) -> None:
    verdicts = ProjectedJudge(8)(lpips.maps(pictures(0, False)))
    sides = [verdict.shape[-1] for verdict in verdicts]
    assert len(verdicts) == len(SEEN)
    assert sides == sorted(sides, reverse=True)
