"""Holes made of real patches: the right one is found where it lies, what is known stays, and choices are settled together."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch.nn import functional

from scumble.faces.exemplars import synthesis
from scumble.faces.exemplars.synthesis import PATCH, REACH, SIDE, STEP, Faces, synthesized

LARGE = 256


def picture(seed: int) -> torch.Tensor:
    """(3, 256, 256): something smooth with fine texture, unlike that of any other seed."""
    drawn = torch.Generator().manual_seed(seed)
    coarse = functional.interpolate(torch.rand(1, 3, 9, 9, generator=drawn), size=(LARGE, LARGE), mode="bicubic")[0]
    fine = torch.rand(3, LARGE, LARGE, generator=drawn)
    return (0.2 + 0.5 * coarse + 0.15 * fine).clamp(0, 1)


def faces(*pictures: torch.Tensor, known: list[torch.Tensor] | None = None) -> Faces:
    large = (torch.stack(pictures) * 255).round().to(torch.uint8)
    small = functional.avg_pool2d(large.float() / 255, 2)
    whole = torch.ones(len(pictures), 1, SIDE, SIDE)
    return Faces(small, large, whole if known is None else torch.stack(known))


def hole(top: int = 80, left: int = 90, bottom: int = 150, right: int = 170) -> torch.Tensor:
    out = torch.zeros(1, LARGE, LARGE)
    out[:, top:bottom, left:right] = 1
    return out


def softened(truth: torch.Tensor, hole: torch.Tensor) -> torch.Tensor:
    small = functional.avg_pool2d(truth[None], 8)
    soft = functional.interpolate(small, size=(LARGE, LARGE), mode="bilinear")[0]
    return torch.where(hole > 0, soft, truth)


def fine(picture: torch.Tensor) -> torch.Tensor:
    return picture - functional.avg_pool2d(picture[None], 5, 1, 2)[0]


def likeness(a: torch.Tensor, b: torch.Tensor, where: torch.Tensor) -> float:
    inside = where[0] > 0
    one, other = fine(a)[:, inside].flatten(), fine(b)[:, inside].flatten()
    return float(torch.corrcoef(torch.stack([one, other]))[0, 1])


@pytest.mark.parametrize("told", [0.0, 1.0])
def test_the_texture_comes_from_the_face_that_is_meant(told: float) -> None:
    truth, where = picture(0), hole()
    library = faces(*(picture(n) for n in (5, 0, 6, 7)))
    guess = softened(truth, where)
    made = synthesized(guess, where, torch.full_like(where, told), library)
    assert likeness(guess, truth, where) < 0.3
    assert likeness(made.picture, truth, where) > (0.5 if told else 0.8)
    assert float(made.trust[where > 0].mean()) > 0.9


def test_a_face_that_lies_a_little_elsewhere_is_found_there() -> None:
    truth, where = picture(0), hole()
    shifted = torch.roll(truth, (2 * synthesis.SHIFT, -2 * synthesis.SHIFT), (1, 2))
    made = synthesized(softened(truth, where), where, torch.zeros_like(where), faces(picture(5), shifted))
    assert likeness(made.picture, truth, where) > 0.7


@pytest.mark.parametrize(
    "where", [hole(), hole(0, 0, 30, 256), hole(226, 226, 256, 256), hole(0, 0, 256, 256), hole(100, 100, 101, 101)]
)
def test_outside_the_hole_everything_stays_bit_for_bit(where: torch.Tensor) -> None:
    guess = picture(3)
    made = synthesized(guess, where, torch.zeros_like(where), faces(picture(5), picture(6)))
    assert made.picture.shape == guess.shape
    assert torch.equal(made.picture[:, where[0] == 0], guess[:, where[0] == 0])
    assert not bool(made.trust[where == 0].any())
    assert bool(made.picture.isfinite().all())


def test_what_is_coarse_stays_the_guess_s() -> None:
    where = hole()
    guess = softened(picture(0), where)
    made = synthesized(guess, where, torch.ones_like(where), faces(picture(0) * 0.7 + 0.1))
    means = [functional.avg_pool2d((p * where)[None], 16)[0] for p in (guess, made.picture)]
    assert float((means[0] - means[1]).abs().max()) < 0.02


def test_nothing_fits_so_the_guess_stays() -> None:
    where = hole()
    guess = torch.full((3, LARGE, LARGE), 0.5)
    stripes = (torch.arange(LARGE) // 16 % 2).float().expand(3, LARGE, LARGE)
    made = synthesized(guess, where, torch.zeros_like(where), faces(stripes, 1 - stripes))
    assert float(made.trust.max()) == 0
    torch.testing.assert_close(made.picture, guess)


def test_what_is_not_known_of_a_face_is_not_copied() -> None:
    truth, where = picture(0), hole()
    known = torch.ones(1, SIDE, SIDE)
    known[:, 30:90, 30:100] = 0
    poison = truth.clone()
    poison[:, 60:180, 60:200] = torch.tensor([1.0, 0.0, 0.0])[:, None, None]
    guess = softened(truth, where)
    made = synthesized(guess, where, torch.zeros_like(where), faces(poison, known=[known]))
    torch.testing.assert_close(made.picture, guess)


def test_no_faces_and_no_hole() -> None:
    guess, where = picture(0), hole()
    none = Faces(
        torch.zeros(0, 3, SIDE, SIDE), torch.zeros(0, 3, LARGE, LARGE, dtype=torch.uint8), torch.zeros(0, 1, SIDE, SIDE)
    )
    assert torch.equal(synthesized(guess, where, where, none).picture, guess)
    empty = torch.zeros_like(where)
    assert torch.equal(synthesized(guess, empty, where, faces(picture(1))).picture, guess)


def test_a_seed_is_a_choice_and_stays_one() -> None:
    where = hole()
    # four faces that fit about as well as each other
    coarse = softened(picture(0), torch.ones(1, LARGE, LARGE))
    alike = [
        (coarse + 0.5 * (picture(n) - softened(picture(n), torch.ones(1, LARGE, LARGE)))).clamp(0, 1) for n in range(4)
    ]
    run = [synthesized(coarse, where, torch.zeros_like(where), faces(*alike), seed).picture for seed in (1, 1, 2)]
    assert torch.equal(run[0], run[1])
    assert float((run[0] - run[2]).abs().max()) > 0.02


def test_twice_as_large_is_the_same_choice() -> None:
    """Patches are chosen at one size; a document's size only says how fine they are laid."""
    truth, where = picture(0), hole()
    double = functional.interpolate(truth[None], scale_factor=2.0, mode="nearest")[0]
    big_hole = functional.interpolate(where[None], scale_factor=2.0, mode="nearest")[0]
    guess = softened(truth, where)
    big_guess = functional.interpolate(guess[None], scale_factor=2.0, mode="nearest")[0]
    library = faces(picture(5), truth)
    large = (
        (torch.stack([functional.interpolate(picture(5)[None], scale_factor=2.0)[0], double]) * 255)
        .round()
        .to(torch.uint8)
    )
    big = Faces(library.small, large, library.known)
    small_result = synthesized(guess, where, torch.zeros_like(where), library).picture
    large_result = synthesized(big_guess, big_hole, torch.zeros_like(big_hole), big).picture
    reduced = functional.avg_pool2d(large_result[None], 2)[0]
    assert likeness(reduced, small_result, where) > 0.95


def test_propagation_finds_the_least_sum_on_a_chain() -> None:
    drawn = torch.Generator().manual_seed(0)
    cost = torch.rand(1, 5, 3, generator=drawn)
    right = torch.rand(1, 4, 3, 3, generator=drawn)
    found = synthesis._propagated(cost, torch.zeros(0, 5, 3, 3), right)[0].tolist()

    def total(labels: tuple[int, ...]) -> float:
        own = sum(float(cost[0, n, label]) for n, label in enumerate(labels))
        return own + sum(float(right[0, n, a, b]) for n, (a, b) in enumerate(itertools.pairwise(labels)))

    best = min(itertools.product(range(3), repeat=5), key=total)
    assert total(tuple(found)) == pytest.approx(total(best))


def test_lengths_fit_each_other() -> None:
    assert (SIDE - PATCH) % STEP == 0
    assert REACH % synthesis.SHIFT == 0
    assert STEP % synthesis.SHIFT == 0
    assert PATCH % synthesis.SHIFT == 0
