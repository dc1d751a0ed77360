"""Segments of two pictures: flat colours that go together, soft edges between them, and segments that are found."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from scumble.style.photo.segments import PUBLISHED, automatic, from_colours, published_mask

Floats = NDArray[np.float32]


def stripes(*colours: tuple[float, ...], width: int = 20, height: int = 24) -> Floats:
    """Columns of flat colours, side by side."""
    return np.concatenate([np.full((height, width, 3), colour, np.float32) for colour in colours], axis=1)


def test_all_nine_published_colours_are_told_apart() -> None:
    colours = list(PUBLISHED.values())
    both = from_colours(stripes(*colours), stripes(*colours[::-1]))
    assert both.count == 9
    content, style = both.content[0, 10::20], both.style[0, 10::20]
    assert len(set(content.tolist())) == 9
    assert content.tolist() == style[::-1].tolist()
    assert both.lonely() == []


def test_colours_of_any_kind_are_matched_by_colour() -> None:
    both = from_colours(stripes((0.2, 0.7, 0.4), (0.9, 0.5, 0.1)), stripes((0.91, 0.5, 0.13), (0.2, 0.66, 0.4)))
    assert both.count == 2
    assert both.content[0, 5] == both.style[0, 35]
    assert both.content[0, 35] == both.style[0, 5]


def test_soft_edges_are_no_segments_of_their_own() -> None:
    soft = ndimage.gaussian_filter(stripes((0, 0, 0), (1, 1, 1)), (0, 2, 0))  # passes through the published grey
    both = from_colours(soft, soft)
    assert both.count == 2
    edge = np.flatnonzero(np.diff(both.content[0]))
    assert len(edge) == 1
    assert abs(int(edge[0]) - 19) <= 1


def test_compression_s_noise_changes_nothing() -> None:
    rng = np.random.default_rng(0)
    noisy = stripes((0, 0, 1), (0, 0, 0)) + rng.uniform(-0.02, 0.02, (24, 40, 3)).astype(np.float32)
    assert from_colours(noisy, noisy).count == 2


def test_specks_are_no_segments() -> None:
    spotted = stripes((0, 0, 0), (1, 1, 1), width=100, height=100)
    spotted[50, 50] = (1, 0, 0)
    assert from_colours(spotted, stripes((0, 0, 0), (1, 1, 1))).count == 2


def test_what_the_style_lacks_is_named() -> None:
    both = from_colours(stripes((1, 0, 0), (0, 0, 0)), stripes((0, 0, 0), (0, 1, 0)))
    assert both.lonely() == [both.content[0, 5]]


def test_transparent_parts_take_their_neighbour_s_label() -> None:
    picture = stripes((1, 0, 0), (0, 0, 0), (0, 1, 0))
    seen = np.ones(picture.shape[:2], np.bool_)
    seen[:, 20:40] = False  # what was erased keeps its black
    both = from_colours(picture, picture, seen, seen)
    assert both.count == 2
    assert set(both.content[0].tolist()) == {0, 1}


def test_a_map_of_one_colour_is_one_segment() -> None:
    both = from_colours(stripes((1, 0, 0)), stripes((1, 0, 0)))
    assert both.count == 1
    assert not both.content.any()


@pytest.mark.parametrize(
    ("name", "colour", "inside"),
    [("blue", (0.09, 0.05, 0.91), 1), ("blue", (0.11, 0, 1), 0), ("blue", (0, 0, 0.89), 0), ("grey", (0.41, 0.5, 0.59), 1),
     ("grey", (0.39, 0.5, 0.5), 0), ("white", (0.95, 0.95, 0.95), 1), ("purple", (1, 0, 1), 1), ("lightblue", (0, 1, 1), 1)],
)  # fmt: skip
def test_published_thresholds(name: str, colour: tuple[float, ...], inside: int) -> None:
    assert published_mask(np.array([[colour]], np.float32), name)[0, 0] == inside


def test_automatic_segments_pair_sky_with_sky() -> None:
    rng = np.random.default_rng(0)

    def landscape(sky: float, ground: float, horizon: int) -> Floats:
        lab = np.zeros((60, 80, 3), np.float32)
        lab[:horizon, :, 0], lab[horizon:, :, 0] = sky, ground
        return lab + rng.normal(0, 2, lab.shape).astype(np.float32)

    both = automatic(landscape(90, 40, 25), landscape(45, 10, 40), 2)
    assert len(set(both.content[5].tolist())) == 1
    assert both.content[5, 40] == both.style[5, 40]
    assert both.content[55, 40] == both.style[55, 40]
    assert both.content[5, 40] != both.content[55, 40]


def test_automatic_segments_of_one_colour_are_one() -> None:
    flat = np.zeros((1, 30, 3), np.float32)
    assert automatic(flat, flat, 5).count == 1
