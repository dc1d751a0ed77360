"""Hair where a mass of its colour was painted: strands, along the fall or the stroke, in that colour."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from scumble.faces.latent.assembly import Redrawn
from scumble.faces.latent.hair_strokes import direction, hair
from scumble.faces.latent.strokes import stroke_radius
from scumble.imaging.colour import luma

from .test_opened_mouth import SIDE
from .test_stroke_meanings import PHOTOGRAPH, POINTS, spot

FRINGE = (0, -0.75, 0.75, 0.3)
LOCK = (1.15, 0.4, 0.12, 0.8)


def made(where: NDArray[np.bool_], colour: tuple[float, float, float] = (0.3, 0.2, 0.12), seed: int = 0) -> Redrawn:
    rgb = np.broadcast_to(np.array(colour, np.float32), PHOTOGRAPH.shape)
    return hair(PHOTOGRAPH, np.asarray(rgb), where.astype(np.float32), POINTS, seed)


@pytest.mark.parametrize("colour", [(0.1, 0.08, 0.07), (0.45, 0.28, 0.16), (0.85, 0.7, 0.45), (0.8, 0.8, 0.8)])
def test_it_has_the_painted_colour_and_strands(colour: tuple[float, float, float]) -> None:
    where = spot(*FRINGE)
    found = made(where, colour)
    core = ndimage.binary_erosion(where, iterations=10)
    there = found.picture[core]
    assert np.abs(there.mean(axis=0) - colour).max() < 0.12
    assert luma(there).std() > 0.012, "not flat"
    assert luma(there).std() < 0.2
    grey = luma(found.picture)
    # down the forehead strands hardly change; across them they do
    down, across = np.abs(np.diff(grey, axis=0))[core[1:]], np.abs(np.diff(grey, axis=1))[core[:, 1:]]
    assert across.mean() > 1.5 * down.mean()


def test_beyond_the_stroke_and_its_ends_nothing_changes() -> None:
    where = spot(*FRINGE)
    found = made(where)
    away = ndimage.distance_transform_edt(~where)
    assert not found.weight[away > 0.08 * SIDE].any()
    assert found.weight[ndimage.binary_erosion(where, iterations=8)].min() > 0.9
    assert np.array_equal(found.over(PHOTOGRAPH)[found.weight == 0], PHOTOGRAPH[found.weight == 0])


def test_it_ends_raggedly() -> None:
    where = spot(*FRINGE)
    found = made(where).over(PHOTOGRAPH)
    dark = np.abs(found - PHOTOGRAPH).max(2) > 0.1
    columns = np.flatnonzero(where.sum(0) > 0.8 * where.sum(0).max())
    ends = np.array([np.flatnonzero(dark[:, x]).max() for x in columns])
    smooth = ndimage.gaussian_filter1d(ends.astype(float), 4)
    assert np.abs(ends - smooth).mean() > 0.5


def test_a_lock_beside_the_face_runs_along_its_stroke() -> None:
    where = spot(*LOCK)
    flow = direction(where, POINTS, stroke_radius(where))
    assert np.abs(flow[where][:, 1]).mean() > 0.97
    tilted = np.asarray(ndimage.rotate(where.astype(float), 20, reshape=False, order=1) > 0.5)
    flow = direction(tilted, POINTS, stroke_radius(tilted))
    rows, columns = np.nonzero(tilted)
    axis = np.linalg.eigh(np.cov(np.stack([columns, rows])))[1][:, 1]
    assert np.abs(flow[tilted] @ axis).mean() > 0.93


def test_a_band_across_the_forehead_falls_down_all_the_same() -> None:
    band = spot(0, -0.75, 0.9, 0.12)
    flow = direction(band, POINTS, stroke_radius(band))
    middle = band & spot(0, -0.75, 0.3, 0.3)
    assert flow[middle][:, 1].mean() > 0.8


def test_a_seed_gives_the_same_strands_and_another_gives_others() -> None:
    where = spot(*FRINGE)
    one, again, other = made(where), made(where), made(where, seed=1)
    assert np.array_equal(one.picture, again.picture)
    assert not np.array_equal(one.picture, other.picture)


def test_at_the_rim_of_the_frame_and_as_a_dot() -> None:
    corner = np.zeros((SIDE, SIDE), np.bool_)
    corner[:20, :30] = True
    dot = np.zeros((SIDE, SIDE), np.bool_)
    dot[40, 128] = True
    for where in (corner, dot, np.ones((SIDE, SIDE), np.bool_)):
        found = made(where)
        assert np.isfinite(found.picture).all()
        assert found.picture.min() >= 0
        assert found.picture.max() <= 1
