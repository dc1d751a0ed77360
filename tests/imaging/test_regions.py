from __future__ import annotations

import tracemalloc
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from scumble.imaging.geometry import Bounds
from scumble.imaging.regions import ContextPolicy, hole_bounds, plan_regions

CANVAS = Bounds(0, 0, 1000, 800)
POLICY = ContextPolicy(factor=0.5, minimum=64)


@pytest.mark.parametrize(
    ("hole", "crop"),
    [
        (Bounds(400, 300, 10, 10), Bounds(336, 236, 138, 138)),  # the least context
        (Bounds(400, 300, 200, 100), Bounds(300, 200, 400, 300)),  # half the longest side
        (Bounds(0, 0, 10, 10), Bounds(0, 0, 138, 138)),  # top left: moved inwards, not cut
        (Bounds(990, 790, 10, 10), Bounds(862, 662, 138, 138)),
        (Bounds(0, 300, 10, 10), Bounds(0, 236, 138, 138)),
        (Bounds(990, 300, 10, 10), Bounds(862, 236, 138, 138)),
        (Bounds(0, 0, 1000, 800), CANVAS),
        (Bounds(0, 0, 1000, 1), Bounds(0, 0, 1000, 800)),
        (Bounds(-50, -50, 60, 60), Bounds(0, 0, 138, 138)),  # clipped to the layer first
    ],
)
def test_context(hole: Bounds, crop: Bounds) -> None:
    (region,) = plan_regions(CANVAS, [hole], POLICY)
    assert region.crop == crop
    assert region.hole == hole.intersection(CANVAS)


@pytest.mark.parametrize("holes", [[], [Bounds(5, 5, 0, 4)], [Bounds(2000, 0, 10, 10)], [Bounds(-20, 0, 20, 10)]])
def test_nothing_to_do(holes: list[Bounds]) -> None:
    assert plan_regions(CANVAS, holes, POLICY) == []


@pytest.mark.parametrize(
    ("holes", "count"),
    [
        ([Bounds(100, 100, 10, 10), Bounds(250, 100, 10, 10)], 2),
        ([Bounds(100, 100, 10, 10), Bounds(237, 100, 10, 10)], 1),
        ([Bounds(100, 100, 10, 10), Bounds(238, 100, 10, 10)], 2),  # crops that only touch
        ([Bounds(100, 100, 10, 10), Bounds(100, 100, 10, 10)], 1),
        ([Bounds(0, 0, 10, 10), Bounds(130, 0, 10, 10)], 1),  # the crop moved inwards reaches further
        ([Bounds(100, 100, 10, 10), Bounds(220, 100, 10, 10), Bounds(340, 100, 10, 10)], 1),  # a chain
        # The joint hole of the outer two is larger, so its context reaches the third.
        ([Bounds(300, 300, 10, 10), Bounds(300, 430, 10, 10), Bounds(438, 365, 10, 10)], 1),
    ],
)
def test_grouping(holes: list[Bounds], count: int) -> None:
    for order in (holes, holes[::-1]):
        assert len(plan_regions(CANVAS, order, POLICY)) == count


@pytest.mark.parametrize("wrong", [{"factor": -0.1}, {"minimum": -1}])
def test_wrong_policies(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="context"):
        ContextPolicy(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("offset", [(0, 0), (-700, -50), (13, 9000)])
def test_layers_that_do_not_start_at_the_origin(offset: tuple[int, int]) -> None:
    frame = CANVAS.relative_to(Bounds(*offset, 0, 0).offset)
    hole = Bounds(frame.x + 400, frame.y + 300, 10, 10)
    (region,) = plan_regions(frame, [hole], POLICY)
    assert region.crop == Bounds(frame.x + 336, frame.y + 236, 138, 138)
    assert region.to_crop(region.hole) == Bounds(64, 64, 10, 10)


boxes = st.builds(Bounds, st.integers(-50, 650), st.integers(-50, 450), st.integers(1, 80), st.integers(1, 80))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(boxes, max_size=12),
    st.sampled_from([0.0, 0.25, 1.0]),
    st.sampled_from([0, 1, 16, 64]),
)
def test_every_plan(holes: list[Bounds], factor: float, minimum: int) -> None:
    frame = Bounds(-20, -10, 600, 400)
    policy = ContextPolicy(factor, minimum)
    plan = plan_regions(frame, holes, policy)
    for hole in holes:
        inside = hole.intersection(frame)
        if inside:
            assert sum(region.hole.contains(inside) for region in plan) == 1
    for region in plan:
        assert frame.contains(region.crop)
        assert region.crop.contains(region.hole)
    for a, b in combinations(plan, 2):
        assert not a.crop.intersection(b.crop)


class TestHoleBounds:
    @pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.uint16, np.float32])
    def test_parts(self, dtype: type) -> None:
        mask: NDArray[Any] = np.zeros((50, 60), dtype=dtype)
        mask[3:8, 10:20] = 1
        mask[30, 0] = 1
        mask[49, 59] = 1
        assert hole_bounds(mask) == [Bounds(10, 3, 10, 5), Bounds(0, 30, 1, 1), Bounds(59, 49, 1, 1)]

    def test_touching_at_a_corner_is_connected(self) -> None:
        assert hole_bounds(np.eye(7, dtype=np.bool_)) == [Bounds(0, 0, 7, 7)]

    def test_a_part_inside_the_box_of_another(self) -> None:
        mask = np.zeros((20, 20), dtype=np.uint8)
        mask[0, :] = mask[:, 0] = mask[10, 10] = 255
        assert hole_bounds(mask) == [Bounds(0, 0, 20, 20), Bounds(10, 10, 1, 1)]

    @pytest.mark.parametrize("shape", [(0, 0), (0, 5), (4, 4), (1, 1)])
    def test_empty(self, shape: tuple[int, int]) -> None:
        assert hole_bounds(np.zeros(shape, dtype=np.uint8)) == []

    def test_full(self) -> None:
        assert hole_bounds(np.ones((4, 5), dtype=np.bool_)) == [Bounds(0, 0, 5, 4)]

    def test_negative_values_are_hole(self) -> None:
        assert hole_bounds(np.full((1, 2), -1.0)) == [Bounds(0, 0, 2, 1)]

    def test_needs_two_dimensions(self) -> None:
        with pytest.raises(ValueError, match="2 dimensions"):
            hole_bounds(np.zeros((2, 2, 1)))


def test_a_small_hole_on_a_large_canvas_costs_little() -> None:
    mask = np.zeros((10_000, 10_000), dtype=np.uint8)
    mask[5000:5300, 7000:7300] = 255
    tracemalloc.start()
    try:
        (region,) = plan_regions(Bounds(0, 0, 10_000, 10_000), hole_bounds(mask), ContextPolicy())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert region.crop == Bounds(6850, 4850, 600, 600)
    # Each pixel is looked at once; labels of all of them would take four bytes for each.
    assert peak < mask.nbytes / 4


def test_speckles_are_planned_quickly() -> None:
    holes = [Bounds(x, y, 1, 1) for y in range(0, 1000, 4) for x in range(0, 1000, 4)]
    (region,) = plan_regions(Bounds(0, 0, 1000, 1000), holes, ContextPolicy())
    assert region.hole == Bounds(0, 0, 997, 997)
