"""Soft faces finished: what stays, what copies add, and at which size."""

from __future__ import annotations

import numpy as np
import pytest

from scumble.faces.detection.found_face import FaceFrame
from scumble.faces.exemplars.copying import Copies
from scumble.faces.finishing.soft_face import FineFace, Finishing, SoftFace, finished
from scumble.imaging.layer import Layer
from scumble.operations.context import Context
from scumble.worker.models import ModelCache
from tests.support.faces import portrait

WARM = ModelCache()


def context() -> Context:
    return Context(0, "cpu", WARM, lambda fraction, message: None)


def soft(large: bool = False) -> SoftFace:
    """The portrait, with its right eye blurred."""
    sides = (256, 512) if large else (256,)
    made = []
    for side in sides:
        whole = portrait(side).astype(np.float32) / np.float32(255)
        hole = np.zeros((side, side), np.bool_)
        hole[side * 2 // 5 : side * 11 // 20, side * 11 // 20 : side * 3 // 4] = True
        cells = whole.reshape(32, side // 32, 32, side // 32, 3).mean((1, 3))
        blurry = np.kron(cells, np.ones((side // 32, side // 32, 1), np.float32))
        made.append((np.where(hole[..., None], blurry, whole).astype(np.float32), hole))
    (picture, hole), none = made[0], np.zeros((256, 256), np.bool_)
    fine = FineFace(made[1][0], made[1][0], made[1][1], np.zeros((512, 512), np.bool_)) if large else None
    return SoftFace(picture, picture, hole, none, none, fine)


@pytest.mark.parametrize("large", [False, True])
def test_outside_the_hole_it_is_the_photograph_bit_for_bit(large: bool) -> None:
    given = soft(large)
    finishing = Finishing(given, 1, context())
    picture, hole = (given.picture, given.hole) if given.large is None else (given.large.picture, given.large.hole)
    found = finishing.picture()
    assert found.shape == picture.shape == (finishing.side, finishing.side, 3)
    assert np.array_equal(found[~hole], picture[~hole])
    assert np.abs(found - picture)[hole].mean() > 0.005
    assert 0 <= found.min() <= found.max() <= 1


@pytest.mark.parametrize("large", [False, True])
def test_copies_that_nobody_trusts_change_nothing(large: bool) -> None:
    finishing = Finishing(soft(large), 1, context())
    side = finishing.side
    nothing = Copies(np.random.default_rng(0).random((side, side, 3), np.float32), np.zeros((side, side), np.float32))
    alone = finishing.picture()
    assert finishing.picture(nothing) == pytest.approx(alone, abs=1e-5)


def test_a_copy_that_agrees_lends_its_finest_detail_to_a_large_face() -> None:
    given = soft(True)
    assert given.large is not None
    finishing = Finishing(given, 1, context())
    alone = finishing.picture()
    checks = np.float32(0.06) * ((np.indices((512, 512)).sum(0) % 2) * 2 - 1)[..., None]
    trust = given.large.hole.astype(np.float32)
    lent = finishing.picture(Copies((alone + checks).clip(0, 1).astype(np.float32), trust))
    middle = given.large.hole & np.roll(given.large.hole, 20, 0) & np.roll(given.large.hole, -20, 0)
    signs = np.sign(checks[..., 0])[middle]
    assert ((lent - alone).mean(2)[middle] * signs).mean() > 0.02


def test_the_same_seed_gives_the_same_pixels() -> None:
    one, two, other = (Finishing(soft(), seed, context()).picture() for seed in (4, 4, 5))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)


def test_exemplars_are_asked_for_only_where_they_are_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    from scumble.faces.exemplars import copying

    asked: list[int] = []

    def fake(guess: copying.Guess, *more: object) -> Copies:
        asked.append(len(guess.hole))
        return Copies(guess.picture, np.zeros(guess.hole.shape, np.float32))

    monkeypatch.setattr(copying, "copied", fake)
    place = FaceFrame(np.array([[256, 0, 0], [0, 256, 0.0]]), True)
    for exemplars in (False, True):
        finished(soft(), exemplars, Layer(portrait(256)), place, None, 0, context())
    assert asked == [256]
