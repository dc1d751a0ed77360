from __future__ import annotations

import torch

from scumble.vision.patchmatch import field as nnf


def setting(seed: int = 0) -> tuple[torch.Generator, torch.Tensor, torch.Tensor, torch.Tensor, int]:
    """A smooth table of descriptors of 60 x 50 patches, targets in the middle, sources to the left and right."""
    generator = torch.Generator().manual_seed(seed)
    height, width = 60, 50
    y, x = torch.meshgrid(torch.linspace(0, 3, height), torch.linspace(0, 5, width), indexing="ij")
    table = torch.stack([torch.sin(2 * x + y), torch.cos(x - 2 * y), torch.sin(x * y), x / 5], 2).reshape(-1, 4)
    columns = torch.arange(height * width) % width
    targets = ((columns >= 20) & (columns < 30)).nonzero()[:, 0]
    allowed = (columns < 18) | (columns >= 33)
    return generator, table, targets, allowed, width


def test_search_comes_close_to_the_exact_field() -> None:
    generator, table, targets, allowed, width = setting()
    sources = allowed.nonzero()[:, 0]
    wanted = table[targets]
    exact = nnf.random_field(targets, sources, len(table), generator)
    nnf.search_exactly(exact, wanted, sources, table, lambda n: None)
    brute = torch.cdist(wanted, table[sources], compute_mode="donot_use_mm_for_euclid_dist").min(1).values.square()
    assert torch.allclose(exact.cost, brute, atol=1e-4)
    field = nnf.random_field(targets, sources, len(table), generator)
    costs = []
    for _ in range(8):
        nnf.search(field, wanted, allowed, table, width, generator, lambda n: None)
        costs.append(float(field.cost.mean()))
    assert costs == sorted(costs, reverse=True)
    assert costs[-1] < float(brute.mean()) * 1.3 + 1e-3
    assert allowed[field.matches].all()
    assert torch.allclose(field.cost, (table[field.matches] - wanted).square().sum(1))


def test_matches_stay_allowed_and_untargeted_places_stay_empty() -> None:
    generator, table, targets, allowed, width = setting(1)
    allowed = torch.zeros_like(allowed)
    allowed[[0, 7, len(table) - 1]] = True
    field = nnf.random_field(targets, allowed.nonzero()[:, 0], len(table), generator)
    nnf.search(field, table[targets], allowed, table, width, generator, lambda n: None, radii=(100,))
    assert allowed[field.matches].all()
    rest = torch.ones(len(table), dtype=torch.bool)
    rest[targets] = False
    assert (field.nearest[rest] == -1).all()


def test_propagation_alone_spreads_a_good_match() -> None:
    generator, table, targets, allowed, width = setting(2)
    shifted = torch.rand((len(table), 4), generator=generator)
    shifted[targets] = shifted[targets - 15]  # the right match of each target lies 15 columns to its left
    field = nnf.random_field(targets, allowed.nonzero()[:, 0], len(table), generator)
    field.nearest[targets[0]] = targets[0] - 15
    for _ in range(60):
        nnf.search(field, shifted[targets], allowed, shifted, width, generator, lambda n: None, radii=())
    right = (field.matches == targets - 15) | (field.cost == 0)
    assert right[targets % width < 30].float().mean() > 0.9


def test_ticks_count_comparisons() -> None:
    generator, table, targets, allowed, width = setting()
    field = nnf.random_field(targets, allowed.nonzero()[:, 0], len(table), generator)
    ticks: list[int] = []
    nnf.search(field, table[targets], allowed, table, width, generator, ticks.append, steps=(1,), radii=(4, 2))
    assert sum(ticks) == len(targets) * (4 + 2)
