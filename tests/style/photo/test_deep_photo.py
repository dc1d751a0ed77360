"""Deep Photo Style Transfer: the stages, what follows them, and what can be watched; on a small network."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from scumble.style.descent import Descent
from scumble.style.photo.deep_photo import DeepOptions, DeepResult, deep_photo, finished, noise
from scumble.vision.vgg.network import Vgg, random_weights
from tests.support.style import photograph

NETWORK = Vgg(random_weights((2, 2), (8, 12)), "average")
CONTENT, STYLE = photograph(1, 24, 28, (0.3, 0.4, 0.7)), photograph(2, 26, 22, (0.7, 0.5, 0.3))
LABELS = np.repeat([[0] * 14 + [1] * 14], 24, axis=0).astype(np.int32)
STYLE_LABELS = np.repeat([[0] * 11 + [1] * 11], 26, axis=0).astype(np.int32)
OPTIONS = DeepOptions(
    content_layers=("relu2_2",),
    style_layers=("relu1_1", "relu2_1"),
    descent=Descent("lbfgs", 25),
    affine_weight=10.0,
    laplacian_epsilon=1e-4,
    filter_radius=3,
    scale=40.0,
)


def run(options: DeepOptions = OPTIONS, **more: Any) -> DeepResult:
    return deep_photo(NETWORK, CONTENT, STYLE, LABELS, STYLE_LABELS, options, **more)


def test_the_loss_falls_in_its_running_mean() -> None:
    for losses in run(replace(OPTIONS, descent=Descent("lbfgs", 60))).losses:
        means = np.convolve(losses, np.ones(10) / 10, mode="valid")[::10]
        assert (np.diff(means) < 0).all(), means


def test_option_2_is_option_0_followed_by_option_1() -> None:
    both = run(replace(OPTIONS, style_option=2))
    first = run(replace(OPTIONS, style_option=0))
    second = run(replace(OPTIONS, style_option=1), start=first.optimised)
    assert both.losses == (first.losses[0], second.losses[0])
    assert np.array_equal(both.picture, second.picture)


def test_option_1_begins_with_the_content() -> None:
    seen: list[str] = []
    run(replace(OPTIONS, style_option=1), progress=lambda fraction, message: seen.append(message))
    assert "Building the matting Laplacian" in seen
    assert not any(message.startswith("Stage 1") for message in seen)


def test_option_0_has_neither_laplacian_nor_filter() -> None:
    seen: list[str] = []
    found = run(replace(OPTIONS, style_option=0), progress=lambda fraction, message: seen.append(message))
    assert "Building the matting Laplacian" not in seen
    assert np.array_equal(found.picture, found.optimised)


def test_photorealism_holds_the_content_s_edges() -> None:
    def roughness(weight: float) -> float:
        found = run(replace(OPTIONS, style_option=1, affine_weight=weight, smooth=False)).optimised
        plain = finished(found, CONTENT, replace(OPTIONS, refine=False))
        return float(np.abs(found - plain).mean())

    assert roughness(1000.0) < roughness(0.0)


def test_segments_pull_to_their_own_counterpart() -> None:
    style = STYLE.copy()
    style[:, :11], style[:, 11:] = (0.9, 0.2, 0.2), (0.2, 0.9, 0.2)
    options = replace(OPTIONS, style_option=0, content_weight=0.0, descent=Descent("lbfgs", 60))
    found = deep_photo(NETWORK, CONTENT, style, LABELS, STYLE_LABELS, options, start=CONTENT).picture
    left, right = found[:, :10].mean(axis=(0, 1)), found[:, 18:].mean(axis=(0, 1))
    assert left[0] - left[1] > right[0] - right[1] + 0.1


def test_same_seed_same_picture() -> None:
    assert np.array_equal(run(seed=3).picture, run(seed=3).picture)
    assert not np.array_equal(noise((9, 9), 1), noise((9, 9), 2))


def test_adam_works_as_well() -> None:
    (losses,) = run(replace(OPTIONS, style_option=1, descent=Descent("adam", 40, 2.0))).losses
    assert min(losses) < 0.7 * losses[0]


def test_previews_come_when_they_are_due_and_work_can_be_ended() -> None:
    shown: list[Any] = []
    run(replace(OPTIONS, preview_every=10), preview=shown.append)
    assert [picture.shape for picture in shown] == [CONTENT.shape] * 4
    assert all(picture.min() >= 0 and picture.max() <= 1 for picture in shown)
    count = 0

    def stop(fraction: float, message: str) -> None:
        nonlocal count
        count += 1
        if count == 12:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(progress=stop)
    assert count == 12
