from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from scumble.vision import blending
from scumble.vision.patchmatch import solver
from scumble.vision.patchmatch.completion import SearchEffort, complete
from scumble.vision.patchmatch.features import describe


def stripes(height: int, width: int, period: int = 8) -> Tensor:
    """Coloured diagonal stripes: there is one right continuation."""
    y, x = np.mgrid[:height, :width]
    wave = 0.5 + 0.5 * np.sin((x + y) * 2 * np.pi / period)
    return torch.tensor(np.stack([wave, 1 - wave, 0.3 + 0.2 * wave], 2), dtype=torch.float32)


def noise(height: int, width: int, seed: int = 0) -> Tensor:
    return torch.rand((height, width, 3), generator=torch.Generator().manual_seed(seed))


def box(height: int, width: int, top: int, bottom: int, left: int, right: int) -> Tensor:
    hole = torch.zeros((height, width), dtype=torch.bool)
    hole[top:bottom, left:right] = True
    return hole


HOLES = {
    "middle": box(64, 80, 20, 40, 30, 50),
    "corner": box(64, 80, 0, 15, 0, 18),
    "edge": box(64, 80, 50, 64, 20, 60),
    "several": box(64, 80, 5, 12, 5, 12) | box(64, 80, 40, 60, 60, 80) | box(64, 80, 30, 31, 0, 40),
    "one pixel": box(64, 80, 33, 34, 44, 45),
    "most": ~box(64, 80, 10, 34, 12, 40),
    "two columns left": ~box(64, 80, 0, 64, 3, 5),
    "a few pixels left": ~box(64, 80, 31, 33, 40, 43),
    "one pixel left": ~box(64, 80, 31, 32, 40, 41),
}


@pytest.mark.parametrize("rows", [1, 5, 9])
@pytest.mark.parametrize("patch", [3, 7, 15])
def test_however_strips_and_heights_meet(rows: int, patch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Descriptors are made in strips of rows; the last may be thinner than a patch, on any scale."""
    width = 48
    monkeypatch.setattr(solver, "STRIP", rows * width)
    effort = SearchEffort(coarsest=24, rounds=(1,))
    for height in range(33, 33 + max(rows, 2)):
        image, hole = noise(height, width), box(height, width, height - 9, height - 3, 20, 29)
        done = complete(image, hole, patch=patch, effort=effort)
        assert torch.equal(done.image[~hole], image[~hole])
        assert torch.isfinite(done.image).all()


@pytest.mark.parametrize("height", range(40, 56))
def test_strips_together_are_the_whole(height: int) -> None:
    image, patch, step = noise(height, 30).permute(2, 0, 1), 7, 8
    filters = torch.randn((5, 3, patch, patch), generator=torch.Generator().manual_seed(1))
    tops = range(0, height, step)
    parts = [describe(image, filters, slice(top, min(top + step, height))) for top in tops]
    torch.testing.assert_close(torch.cat(parts), describe(image, filters, slice(0, height)))


@pytest.mark.parametrize("name", HOLES)
def test_every_hole_is_filled_from_the_source_and_nothing_else_changes(name: str) -> None:
    image, hole = noise(64, 80), HOLES[name]
    garbage = torch.where(hole[:, :, None], torch.tensor(7.0), image)
    done = complete(garbage, hole)
    assert torch.equal(done.image[~hole], image[~hole])
    assert done.image.dtype == torch.float32
    known = image[~hole]
    assert (done.image[hole] <= known.amax(0) + 1e-4).all()  # no trace of the garbage
    assert (done.image[hole] >= known.amin(0) - 1e-4).all()
    origin = done.nearest[hole]
    assert not hole[origin[:, 0], origin[:, 1]].any()
    rows, columns = (~hole).nonzero(as_tuple=True)
    assert torch.equal(done.nearest[~hole], torch.stack([rows, columns], 1))
    assert (done.distance[~hole] == 0).all()
    assert torch.isfinite(done.distance).all()
    assert (done.distance >= 0).all()
    assert torch.isfinite(done.suggestion).all()


@pytest.mark.parametrize("size", [(64, 80), (200, 170), (33, 300)])
def test_a_pattern_is_continued(size: tuple[int, int]) -> None:
    truth = stripes(*size)
    hole = box(*size, size[0] // 3, size[0] // 3 + 14, size[1] // 3, size[1] // 3 + 20)
    done = complete(torch.where(hole[:, :, None], 0.0, truth), hole)
    assert (done.image - truth)[hole].abs().mean() < 0.02
    assert done.distance.max() < 0.1


def test_the_field_says_where_colours_come_from() -> None:
    truth = stripes(90, 100)
    hole = box(90, 100, 30, 50, 30, 60)
    done = complete(truth, hole)
    gathered = truth[done.nearest[..., 0], done.nearest[..., 1]]
    assert (gathered - done.image)[hole].abs().mean() < 0.03


def test_distance_tells_good_matches_from_bad_ones() -> None:
    hole = box(100, 200, 30, 60, 20, 60) | box(100, 200, 30, 60, 140, 180)
    image = stripes(100, 200)
    image[:, 100:] = noise(100, 100)
    done = complete(image, hole)
    assert done.distance[40:50, 35:45].mean() * 3 < done.distance[40:50, 155:165].mean()


def test_only_the_source_is_copied() -> None:
    image = torch.zeros((60, 90, 3))
    image[..., 0] = 1.0
    image[:, 60:] = torch.tensor([0.0, 0.0, 1.0])
    hole = box(60, 90, 20, 40, 10, 30)
    source = torch.zeros_like(hole)
    source[:, 60:] = True
    done = complete(image, hole, source=source)
    assert torch.allclose(done.image[hole], torch.tensor([0.0, 0.0, 1.0]), atol=1e-5)
    assert torch.allclose(complete(image, hole).image[hole], torch.tensor([1.0, 0.0, 0.0]), atol=1e-5)


def test_a_guide_decides_between_textures() -> None:
    image = torch.zeros((96, 160, 3)) + 0.5
    image[:, :60] = noise(96, 60) * 0.2 + 0.1
    image[:, 100:] = noise(96, 60, 1) * 0.2 + 0.7
    hole = box(96, 160, 36, 60, 68, 92)
    dark = complete(image, hole, guide=torch.full_like(image, 0.2)).image[hole].mean()
    light = complete(image, hole, guide=torch.full_like(image, 0.8)).image[hole].mean()
    assert dark + 0.2 < light


def test_a_guide_of_detail_gets_the_source_s_detail() -> None:
    truth = stripes(120, 150)
    hole = box(120, 150, 40, 80, 50, 100)
    blurred = torch.nn.functional.avg_pool2d(truth.permute(2, 0, 1)[None], 3, 1, 1)[0].permute(1, 2, 0)
    done = complete(truth, hole, guide=blurred.contiguous())
    assert (done.image - truth)[hole].abs().mean() < (blurred - truth)[hole].abs().mean() / 2


def test_same_seed_same_picture() -> None:
    image, hole = noise(150, 160), box(150, 160, 40, 90, 50, 110)
    effort = SearchEffort(coarsest=64)
    first = complete(image, hole, seed=5, effort=effort)
    again = complete(image, hole, seed=5, effort=effort)
    other = complete(image, hole, seed=6, effort=effort)
    assert torch.equal(first.image, again.image)
    assert torch.equal(first.nearest, again.nearest)
    assert not torch.equal(first.image, other.image)


def test_the_global_generator_is_left_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    complete(noise(40, 40), box(40, 40, 10, 20, 10, 20))
    assert torch.equal(torch.rand(4), expected)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (5, 5), (40, 30)])
def test_nothing_to_fill(size: tuple[int, int]) -> None:
    image = noise(*size)
    done = complete(image, torch.zeros(size, dtype=torch.bool))
    assert torch.equal(done.image, image)
    assert torch.equal(done.suggestion, image)
    assert done.image is not image


@pytest.mark.parametrize("size", [(1, 2), (2, 2), (1, 40), (4, 3), (6, 6), (8, 300)])
def test_tiny_and_thin_pictures(size: tuple[int, int]) -> None:
    image = noise(*size)
    hole = torch.zeros(size, dtype=torch.bool)
    hole[0, 0] = True
    done = complete(image, hole)
    assert torch.equal(done.image[~hole], image[~hole])
    assert (done.image[0, 0] <= image[~hole].amax(0) + 1e-5).all()


@pytest.mark.parametrize("size", [(1, 1), (20, 20)])
def test_no_source(size: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="no pixel to copy"):
        complete(noise(*size), torch.ones(size, dtype=torch.bool))
    hole = torch.zeros(size, dtype=torch.bool)
    hole[0, 0] = True
    with pytest.raises(ValueError, match="no pixel to copy"):
        complete(noise(*size), hole, source=hole)


def test_values_above_one_are_kept() -> None:
    image = noise(60, 60) * 4
    hole = box(60, 60, 20, 30, 20, 30)
    assert complete(image, hole).image[hole].max() > 1.5


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"image": torch.zeros((8, 8))}, "image"),
        ({"image": torch.zeros((8, 8, 4))}, "image"),
        ({"image": torch.zeros((8, 8, 3), dtype=torch.float64)}, "image"),
        ({"hole": torch.zeros((8, 9), dtype=torch.bool)}, "hole"),
        ({"hole": torch.zeros((8, 8))}, "hole"),
        ({"source": torch.zeros((7, 8), dtype=torch.bool)}, "source"),
        ({"guide": torch.zeros((8, 8))}, "guide"),
        ({"patch": 4}, "odd"),
        ({"patch": -1}, "odd"),
    ],
)
def test_wrong_arguments(change: dict[str, object], said: str) -> None:
    arguments: dict[str, object] = {"image": torch.zeros((8, 8, 3)), "hole": box(8, 8, 2, 3, 2, 3)}
    with pytest.raises(ValueError, match=said):
        complete(**{**arguments, **change})  # type: ignore[arg-type]


def test_progress_grows_to_the_end() -> None:
    seen: list[float] = []
    complete(noise(300, 300), box(300, 300, 50, 200, 60, 220), progress=seen.append)
    assert len(seen) > 30
    assert seen == sorted(seen)
    assert 0 <= seen[0] < 0.2
    assert seen[-1] == 1


def test_progress_may_cancel() -> None:
    class CancelledError(Exception):
        pass

    calls = 0

    def stop(fraction: float) -> None:
        nonlocal calls
        calls += 1
        if calls == 5:
            raise CancelledError

    with pytest.raises(CancelledError):
        complete(noise(100, 100), box(100, 100, 20, 60, 20, 60), progress=stop)
    assert calls == 5


def test_large_scales_take_over_matches() -> None:
    effort = SearchEffort(largest_search=100 * 100)
    truth = stripes(240, 260)
    hole = box(240, 260, 100, 140, 90, 160)
    seen: list[float] = []
    done = complete(truth, hole, progress=seen.append, effort=effort)
    assert (done.image - truth)[hole].abs().mean() < 0.05
    assert seen == sorted(seen)


def test_the_suggestion_meets_its_surroundings_through_the_membrane() -> None:
    """A fill from a darker place is lifted to the brightness around the hole."""
    ramp = torch.linspace(0.1, 0.9, 160)[None, :, None].expand(120, 160, 3).contiguous()
    hole = box(120, 160, 40, 80, 60, 100)
    source = torch.zeros_like(hole)
    source[:, :40] = True
    done = complete(ramp, hole, source=source)
    blended = blending.membrane(done.suggestion.numpy(), ramp.numpy(), hole.numpy())
    raw = (done.image - ramp)[hole].abs().mean()
    assert np.abs(blended - ramp.numpy())[hole.numpy()].mean() < 0.2 * raw
    assert (blended[~hole.numpy()] == ramp.numpy()[~hole.numpy()]).all()


def test_every_device_fills_as_well_as_the_cpu(device: str) -> None:
    truth = stripes(150, 170)
    hole = box(150, 170, 40, 90, 40, 110)
    done = complete(truth.to(device), hole.to(device))
    assert (done.image.cpu() - truth)[hole].abs().mean() < 0.05


@pytest.mark.parametrize("size", [(48, 80), (96, 160), (192, 320)])
def test_a_guide_of_any_size(size: tuple[int, int]) -> None:
    """Dark on the left of the hole and light on the right, said in few pixels or in many."""
    image = torch.zeros((96, 160, 3)) + 0.5
    image[:, :60] = noise(96, 60) * 0.2 + 0.1
    image[:, 100:] = noise(96, 60, 1) * 0.2 + 0.7
    hole = box(96, 160, 36, 60, 60, 100)
    guide = torch.full((*size, 3), 0.2)
    guide[:, size[1] // 2 :] = 0.8
    made = complete(image, hole, guide=guide).image
    assert made[40:56, 64:76].mean() + 0.3 < made[40:56, 84:96].mean()


def test_a_guide_that_is_no_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="the guide must be"):
        complete(noise(40, 40), box(40, 40, 10, 20, 10, 20), guide=torch.zeros(40, 40))
