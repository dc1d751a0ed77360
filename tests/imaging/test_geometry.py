"""Sizes and places."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scumble.imaging.geometry import Bounds, Extent, Point

places = st.integers(-50, 50)
sides = st.integers(0, 40)
rectangles = st.builds(Bounds, places, places, sides, sides)
full_rectangles = st.builds(Bounds, places, places, st.integers(1, 40), st.integers(1, 40))


def cells(bounds: Bounds) -> set[tuple[int, int]]:
    return {(x, y) for x in range(bounds.x, bounds.right) for y in range(bounds.y, bounds.bottom)}


def test_points_add_and_subtract_by_coordinate() -> None:
    assert Point(3, -4) + Point(-5, 1) == Point(-2, -3)
    assert Point(3, -4) - (1, 1) == Point(2, -5)
    with pytest.raises(TypeError, match="expected a point"):
        Point(1, 2) + 3


@pytest.mark.parametrize(
    ("extent", "factor", "scaled"),
    [
        (Extent(100, 50), 0.5, Extent(50, 25)),
        (Extent(100, 1), 0.1, Extent(10, 1)),
        (Extent(0, 10), 2.0, Extent(0, 20)),
    ],
)
def test_scaling_never_loses_a_side(extent: Extent, factor: float, scaled: Extent) -> None:
    assert extent.scaled(factor) == scaled


def test_extent_properties() -> None:
    extent = Extent(30, 20)
    assert (extent.area, extent.longest, extent.shortest, extent.shape) == (600, 30, 20, (20, 30))


@settings(deadline=None)
@given(full_rectangles, full_rectangles)
def test_intersection_is_the_common_pixels(a: Bounds, b: Bounds) -> None:
    common = a.intersection(b)
    assert cells(common) == cells(a) & cells(b)
    assert bool(common) == bool(cells(a) & cells(b))


@settings(deadline=None)
@given(st.lists(rectangles, max_size=4))
def test_union_is_the_smallest_rectangle_around_all(many: list[Bounds]) -> None:
    union = Bounds.union(many)
    full = [b for b in many if b]
    assert bool(union) == bool(full)
    assert all(union.contains(b) for b in full)
    if full:
        assert any(b.x == union.x for b in full)
        assert any(b.right == union.right for b in full)
        assert any(b.y == union.y for b in full)
        assert any(b.bottom == union.bottom for b in full)


@settings(deadline=None)
@given(rectangles, places, places)
def test_moving_there_and_back(bounds: Bounds, x: int, y: int) -> None:
    moved = bounds.moved(Point(x, y))
    assert moved.extent == bounds.extent
    assert moved.relative_to(Point(x, y)) == bounds


def test_padding_may_shrink_to_nothing() -> None:
    assert Bounds(0, 0, 4, 4).padded(2) == Bounds(-2, -2, 8, 8)
    assert not Bounds(0, 0, 4, 4).padded(-3)


@settings(deadline=None)
@given(full_rectangles, full_rectangles)
def test_shifting_into_a_frame_keeps_as_much_as_fits(bounds: Bounds, frame: Bounds) -> None:
    shifted = bounds.shifted_into(frame)
    assert frame.contains(shifted)
    assert shifted.width == min(bounds.width, frame.width)
    assert shifted.height == min(bounds.height, frame.height)
    if frame.contains(bounds):
        assert shifted == bounds


def test_slices_are_rows_then_columns() -> None:
    assert Bounds(2, 3, 4, 5).slices == (slice(3, 8), slice(2, 6))
    with pytest.raises(AssertionError):
        _ = Bounds(-1, 0, 4, 4).slices
