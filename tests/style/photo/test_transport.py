"""The fast photographic transfer: near the style, true to the content's structure, per segment, without a border."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from scumble.style.colour_transfer import sliced_wasserstein
from scumble.style.photo.transport import TransportEffort, apply, solve

Floats = NDArray[np.float32]
Labels = NDArray[np.int32]


def scene(seed: int, lightness: float, hue: tuple[float, float], contrast: float = 8.0) -> Floats:
    """Texture at several scales around a mean colour, in Lab."""
    rng = np.random.default_rng(seed)
    waves = sum(ndimage.gaussian_filter(rng.standard_normal((90, 120)), s) * s for s in (1, 3, 9))
    lab = np.empty((90, 120, 3), np.float32)
    lab[..., 0] = lightness + contrast * waves
    lab[..., 1:] = np.array(hue) + rng.normal(0, 3, (90, 120, 2)) + 4 * waves[..., None]
    return lab


def result(content: Floats, style: Floats, labels: Labels, style_labels: Labels, **effort: float) -> Floats:
    transfer = solve(content, style, labels, style_labels, TransportEffort(**effort))  # type: ignore[arg-type]
    return apply(transfer.planes(), content)


ONE = np.zeros((90, 120), np.int32)
HALVES = np.repeat([[0] * 60 + [1] * 60], 90, axis=0).astype(np.int32)


def test_colours_come_near_the_style_s() -> None:
    content, style = scene(1, 60, (0, -20)), scene(2, 35, (25, 30), 5)
    found = result(content, style, ONE, ONE)
    before = sliced_wasserstein(content.reshape(-1, 3), style.reshape(-1, 3))
    assert sliced_wasserstein(found.reshape(-1, 3), style.reshape(-1, 3)) < 0.12 * before


def test_lightness_keeps_the_content_s_structure() -> None:
    content, style = scene(1, 60, (0, -20)), scene(2, 35, (25, 30), 5)
    found = result(content, style, ONE, ONE)[..., 0]
    detail = [plane - ndimage.gaussian_filter(plane, 4) for plane in (found, content[..., 0])]
    assert np.corrcoef(detail[0].ravel(), detail[1].ravel())[0, 1] > 0.95


def test_each_segment_takes_its_own_counterpart() -> None:
    content = scene(1, 50, (0, 0))
    style = np.where(HALVES[..., None] == 0, scene(2, 30, (40, 0)), scene(3, 70, (-40, 0)))
    found = result(content, np.asarray(style, np.float32), HALVES, HALVES)
    assert found[:, :45, 1].mean() == pytest.approx(40, abs=4)
    assert found[:, 75:, 1].mean() == pytest.approx(-40, abs=4)


def test_no_step_where_segments_meet_without_an_edge() -> None:
    content = scene(1, 50, (0, 0), contrast=0.5)
    style = np.where(HALVES[..., None] == 0, scene(2, 30, (40, 0), 1), scene(3, 70, (-40, 0), 1))
    found = result(content, np.asarray(style, np.float32), HALVES, HALVES, rim=0.05)
    profile = found[..., 0].mean(axis=0)
    assert profile[-20:].mean() - profile[:20].mean() > 30
    assert np.abs(np.diff(profile)).max() < 8  # a fifth of the change of 40


def test_a_segment_that_the_style_lacks_stays_as_it_is() -> None:
    content, style = scene(1, 60, (0, -20)), scene(2, 35, (25, 30))
    found = result(content, style, HALVES, ONE)
    assert np.abs(found[:, 75:] - content[:, 75:]).max() < 0.5
    assert found[:, :45, 0].mean() == pytest.approx(style[..., 0].mean(), abs=4)


def test_what_counts_for_nothing_has_no_influence() -> None:
    content, style = scene(1, 60, (0, -20)), scene(2, 35, (25, 30))
    other = content.copy()
    other[:, 60:, 1] += 50
    labels = np.where(HALVES == 1, -1, 0).astype(np.int32)
    found, changed = (result(c, style, labels, ONE)[:, :40] for c in (content, other))
    assert np.abs(found - changed).mean() < 0.5


def test_least_contrast_is_kept() -> None:
    content, style = scene(1, 60, (0, 0)), np.full((90, 120, 3), (50, 0, 0), np.float32)
    content[..., 1:] = 0
    found = [result(content, style, ONE, ONE, least_gain=gain) for gain in (0.0, 0.5)]
    detail = [(lab[..., 0] - ndimage.gaussian_filter(lab[..., 0], 2)).std() for lab in (content, *found)]
    assert detail[1] < 0.05 * detail[0]
    assert detail[2] == pytest.approx(0.5 * detail[0], rel=0.1)


def test_nothing_to_do_is_no_transfer() -> None:
    content = scene(1, 60, (0, 0))
    assert solve(content, content, ONE - 1, ONE).parts == ()


def test_same_seed_same_coefficients() -> None:
    content, style = scene(1, 60, (0, -20)), scene(2, 35, (25, 30))
    one, two, other = (solve(content, style, ONE, ONE, seed=seed).planes() for seed in (1, 1, 2))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)


def test_progress_may_end_the_work() -> None:
    def stop(fraction: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        solve(scene(1, 60, (0, 0)), scene(2, 30, (0, 0)), ONE, ONE, progress=stop)
