"""Strokes read as wishes, and a small change brought back to the document."""

from __future__ import annotations

import numpy as np
import pytest

from scumble.faces.latent.compositing import enlarger, interpolation_mask, published_composite, published_mask, rim
from scumble.faces.latent.strokes import LIGHTER, paint_targets, stroke_radius
from scumble.imaging.geometry import Bounds

BEFORE = np.zeros((64, 64, 3), np.float32)
RGB = np.full((64, 64, 3), 0.9, np.float32)


def disc(radius: float = 4.0, x: int = 32, y: int = 32) -> np.ndarray:
    rows, columns = np.mgrid[0:64, 0:64]
    return np.asarray(np.hypot(rows - y, columns - x) <= radius, np.float32)


class TestWish:
    def test_colour_is_wanted_as_painted(self) -> None:
        found = paint_targets(RGB, disc(), BEFORE)
        assert np.allclose(found.colour, 0.8)
        assert np.array_equal(found.weight, disc())

    @pytest.mark.parametrize(("mode", "sign"), [("lighten", 1), ("darken", -1)])
    def test_light_and_dark_do_not_mind_the_colour(self, mode: str, sign: int) -> None:
        found = paint_targets(RGB, disc(), BEFORE, mode)  # type: ignore[arg-type]
        assert np.allclose(found.colour, sign * LIGHTER)

    def test_strength_goes_part_of_the_way(self) -> None:
        assert np.allclose(paint_targets(RGB, disc(), BEFORE, strength=0.25).colour, 0.2)

    def test_what_the_model_misses_is_not_asked_of_it(self) -> None:
        error = np.full((64, 64, 3), 0.3, np.float32)
        error[::2] += np.float32(0.1)
        error[1::2] -= np.float32(0.1)
        found = paint_targets(RGB, disc(), BEFORE, error=error).colour
        assert np.abs(found[5:-5] - 0.5).max() < 0.03  # the broad part, without the stripes

    def test_locality_leaves_what_is_far(self) -> None:
        found = paint_targets(RGB, disc(), BEFORE, locality=1.0)
        assert found.through[32, 32] == 1
        assert found.through[32, 32 + 7] > 0.5  # less than two radii away
        assert found.through[32, 50] == 0
        assert found.stay[32, 50] == 1
        assert found.stay[32, 32] == 0

    def test_without_locality_all_may_follow(self) -> None:
        found = paint_targets(RGB, disc(), BEFORE, locality=0.0)
        assert (found.through == 1).all()
        assert (found.stay == 0).all()

    def test_nothing_moves_outside_the_second_mask(self) -> None:
        within = np.zeros((64, 64), np.float32)
        within[:, :40] = 1
        found = paint_targets(RGB, disc(), BEFORE, locality=0.0, within=within)
        assert (found.through[:, 40:] == 0).all()
        assert (found.stay[:, 40:] == 1).all()

    def test_radius_is_half_the_width(self) -> None:
        line = np.zeros((64, 64), np.bool_)
        line[30:35, 5:60] = True
        assert stroke_radius(line) == pytest.approx(3)
        assert stroke_radius(disc(6) > 0) == pytest.approx(6.5, abs=0.7)

    def test_strokes_thinner_than_a_pixel_count(self) -> None:
        thin = disc() * np.float32(0.1)
        assert paint_targets(RGB, thin, BEFORE, locality=1.0).through.max() == 1


class TestMasks:
    def test_a_flat_change_gives_a_flat_mask(self) -> None:
        change = np.full((16, 16, 3), 0.3, np.float32)
        assert np.allclose(published_mask(change), 0.3, atol=1e-5)
        assert np.allclose(interpolation_mask(change), 1, atol=1e-5)
        assert np.allclose(interpolation_mask(change * np.float32(0.1)), 0.15, atol=1e-5)

    def test_published_composite(self) -> None:
        rng = np.random.default_rng(0)
        picture, before = (rng.uniform(-1, 1, (8, 8, 3)).astype(np.float32) for _ in range(2))
        assert np.allclose(published_composite(picture, before, before), picture, atol=1e-6)
        # a change so large that nothing of the error is left
        shown = published_composite(picture, before, np.full_like(before, 1.5) + before)
        assert np.allclose(shown, before + 1.5, atol=1e-5)


class TestEnlarger:
    FRAME = np.array([[200.0, 0, 30], [0, 200, 20]])

    def photograph(self) -> tuple[np.ndarray, np.ndarray]:
        """A picture of 240 × 260 with an edge, and its small form in the frame."""
        large = np.full((240, 260, 3), 0.3, np.float32)
        large[:, 130:] = 0.7  # the middle of the frame
        small = np.full((64, 64, 3), 0.3, np.float32)
        small[:, 32:] = 0.7
        return large, small

    def test_a_flat_change_stays_flat(self) -> None:
        large, small = self.photograph()
        made = enlarger(np.full((64, 64, 3), 0.1, np.float32), small, self.FRAME)
        change = made.change(large[100:140, 100:160], Bounds(100, 100, 60, 40))
        assert np.allclose(change, 0.1, atol=2e-3)

    def test_the_change_ends_at_the_photograph_s_edge(self) -> None:
        large, small = self.photograph()
        change = np.zeros((64, 64, 3), np.float32)
        change[:, 32:] = 0.2
        found = enlarger(change, small, self.FRAME).change(large[110:114, 100:160], Bounds(100, 110, 60, 4))[2, :, 0]
        bilinear = np.interp(np.arange(60) + 0.5, [30 - 200 / 128, 30 + 200 / 128], [0, 0.2])
        truth = np.where(np.arange(60) < 30, 0, 0.2)
        assert np.abs(found - truth).mean() < 0.65 * np.abs(bilinear - truth).mean()

    def test_fades_at_the_rim_and_ends_with_the_frame(self) -> None:
        large, small = self.photograph()
        made = enlarger(np.full((64, 64, 3), 0.1, np.float32), small, self.FRAME)
        change = made.change(large, Bounds(0, 0, 260, 240))
        outside = np.ones((240, 260), np.bool_)
        outside[20:220, 30:230] = False
        assert np.abs(change[outside]).max() < 2e-3
        assert rim(64)[0].max() < 0.03

    def test_parts_agree_with_the_whole(self) -> None:
        large, small = self.photograph()
        rng = np.random.default_rng(1)
        made = enlarger(rng.normal(0, 0.1, (64, 64, 3)).astype(np.float32), small, self.FRAME)
        whole = made.change(large, Bounds(0, 0, 260, 240))
        part = Bounds(70, 80, 50, 33)
        around = part.padded(made.margin)
        found = made.change(large[around.slices], around)[part.relative_to(around.offset).slices]
        assert np.abs(found - whole[part.slices]).max() < 1e-4

    def test_small_detail_is_kept_as_it_is(self) -> None:
        large, small = self.photograph()
        change = np.where(small > 0.5, np.float32(-0.35), np.float32(0))  # the light half becomes as dark as the other
        grain = np.random.default_rng(2).normal(0, 0.02, large.shape).astype(np.float32)
        made = enlarger(change, small, self.FRAME)
        part = Bounds(150, 100, 40, 40)
        plain, grainy = (made.change(picture[part.slices], part) for picture in (large, large + grain))
        assert np.abs(plain + 0.35).max() < 0.05
        assert np.std(grainy - plain) < 0.25 * np.std(grain)

    def test_turned_frames(self) -> None:
        _, small = self.photograph()
        turned = np.array([[0.0, -200, 230], [200, 0, 20]])  # a quarter turn clockwise
        change = np.zeros((64, 64, 3), np.float32)
        change[16:24, 40:48] = 0.3
        made = enlarger(change, np.full_like(small, 0.5), turned)
        found = made.change(np.full((240, 260, 3), 0.5, np.float32), Bounds(0, 0, 260, 240))
        rows, columns = np.nonzero(found[..., 0] > 0.15)
        assert columns.mean() == pytest.approx(230 - 200 * 20 / 64, abs=4)
        assert rows.mean() == pytest.approx(20 + 200 * 44 / 64, abs=4)

    def test_bounds_are_around_what_changes(self) -> None:
        _, small = self.photograph()
        change = np.zeros((64, 64, 3), np.float32)
        assert not enlarger(change, small, self.FRAME).bounds()
        change[30:34, 30:34] = 0.1
        bounds = enlarger(change, small, self.FRAME).bounds()
        assert bounds.width < 60
        assert bounds.contains(Bounds(30 + 94, 20 + 94, 12, 12))
