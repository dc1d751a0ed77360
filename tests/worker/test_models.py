"""Warm models: the least recently used one leaves first, a budget in bytes, and nothing when nobody works."""

from __future__ import annotations

import time

import pytest
import torch

from scumble.worker.models import ModelCache, size_of


def model(kilobytes: int) -> torch.nn.Module:
    """Of so many kilobytes of parameters (float32)."""
    made = torch.nn.Module()
    made.weight = torch.nn.Parameter(torch.zeros(kilobytes * 256))
    return made


def load(cache: ModelCache, name: str, kilobytes: int = 1) -> torch.nn.Module:
    return cache.get(name, lambda: model(kilobytes))


def test_a_warm_model_is_not_loaded_again() -> None:
    cache = ModelCache()
    first = load(cache, "a")

    def again() -> torch.nn.Module:
        raise AssertionError("loaded again")

    assert cache.get("a", again) is first


def test_the_least_recently_used_leaves_under_the_budget() -> None:
    cache = ModelCache(budget=3 * 1024)
    for name in ("a", "b", "c"):
        load(cache, name)
    load(cache, "a")
    load(cache, "d")
    assert cache.names == ["c", "a", "d"]
    assert cache.bytes == 3 * 1024


def test_several_leave_for_a_large_one() -> None:
    cache = ModelCache(budget=4 * 1024)
    for name in ("a", "b", "c"):
        load(cache, name)
    load(cache, "large", 3)
    assert cache.names == ["c", "large"]


def test_one_that_is_larger_than_the_budget_is_kept_while_it_is_used() -> None:
    cache = ModelCache(budget=1024)
    load(cache, "small")
    load(cache, "huge", 5)
    assert cache.names == ["huge"]
    load(cache, "small")
    assert cache.names == ["small"]


def test_a_model_that_can_t_be_loaded_leaves_the_others() -> None:
    cache = ModelCache()
    load(cache, "a")

    def broken() -> torch.nn.Module:
        raise OSError("no file")

    with pytest.raises(OSError, match="no file"):
        cache.get("b", broken)
    assert cache.names == ["a"]


def test_free_forgets_all() -> None:
    cache = ModelCache()
    first = load(cache, "a")
    cache.free()
    assert (cache.names, cache.bytes) == ([], 0)
    assert load(cache, "a") is not first


def test_using_a_model_is_remembered_with_its_time() -> None:
    cache = ModelCache()
    load(cache, "a")
    cache.used_at = 0.0
    before = time.monotonic()
    load(cache, "a")
    assert before <= cache.used_at <= time.monotonic()


def test_sizes_count_parameters_and_buffers() -> None:
    norm = torch.nn.BatchNorm2d(8)
    bytes_of_floats = 4 * 8 * 4  # weight, bias, running mean and variance
    assert size_of(norm) == bytes_of_floats + norm.num_batches_tracked.element_size()  # type: ignore[union-attr]
    assert size_of(model(2).half()) == 1024
    assert size_of("no module") == 0
