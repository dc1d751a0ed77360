"""`restore-mosaic`: only the mosaic changes, its cells keep their colours, wherever it is and however it is said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from scumble.imaging.colour import LINEAR
from scumble.imaging.geometry import Bounds, Point
from scumble.imaging.layer import Layer, composite
from scumble.inpainting.networks.deepcreampy import DeepCreamPyNet
from scumble.inpainting.weights.loading import Converted
from scumble.mosaic.grid import Grid, cell_numbers
from scumble.mosaic.network import MosaicNetwork
from scumble.operations import find
from scumble.operations.base import Output
from scumble.operations.context import Context
from scumble.weights import WeightStore
from scumble.worker.models import ModelCache
from scumble_client.errors import ScumbleError
from tests.support.mosaics import box, drawing, with_mosaic

Pixels = NDArray[Any]
PICTURE = drawing()
GRID = Grid(8, 8, 3, 5)
MASK = box(PICTURE.shape, 37, 35, 101, 115)
DAMAGED = with_mosaic(PICTURE, MASK, GRID)
MODELS = ModelCache()


@pytest.fixture(autouse=True)
def network(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that changes the smooth start strongly: what must hold has to hold for any."""
    torch.manual_seed(0)
    made = MosaicNetwork(8, 1, fine=8, fine_blocks=1).eval()
    torch.nn.init.normal_(made.last.weight, std=0.05)
    monkeypatch.setattr("scumble.mosaic.weights.load", lambda path: made)


def run(
    image: Pixels | Layer, seed: int = 0, notes: list[str] | None = None, mask: Pixels | Layer | None = None,
    marked: Pixels | Layer | None = None, **parameters: Any,
) -> Sequence[Output]:  # fmt: skip
    given = {"image": image, "mask": mask, "marked": marked}
    layers = {
        role: value if isinstance(value, Layer) else Layer(value if value.ndim == 3 else value[..., None].astype(np.uint8) * 255)
        for role, value in given.items()
        if value is not None
    }  # fmt: skip
    operation = find("restore-mosaic")
    context = Context(seed, "cpu", MODELS, lambda fraction, message: None)
    made = operation.run(layers, operation.validate(parameters), context)
    if notes is not None:
        notes += context.notes
    return made


def finished(image: Pixels | Layer, **more: Any) -> Pixels:
    layer = image if isinstance(image, Layer) else Layer(image)
    (output,) = run(layer, **more)
    return composite(layer, output.layer).pixels


def worst_cell(made: Pixels, damaged: Pixels, mask: NDArray[np.bool_], grid: Grid = GRID) -> float:
    """Largest difference, in 8-bit steps, between a cell's mean and its colour, of cells that lie wholly in the mask."""
    rows = cell_numbers(grid.size_y, grid.origin_y, mask.shape[0])
    columns = cell_numbers(grid.size_x, grid.origin_x, mask.shape[1])
    number = rows[:, None] * (columns[-1] + 1) + columns[None]
    worst, cells = 0.0, 0
    for cell in np.unique(number[mask]):
        there = number == cell
        if mask[there].all():
            worst = max(worst, float(np.abs(made[there].astype(float).mean(0) - damaged[there][0]).max()))
            cells += 1
    assert cells > 5
    return worst


def changed(made: Pixels, image: Pixels) -> NDArray[np.bool_]:
    return np.asarray((made != image).any(axis=2))


def test_cells_keep_their_colours_and_nothing_else_changes() -> None:
    made = finished(DAMAGED, mask=MASK)
    assert worst_cell(made, DAMAGED, MASK) <= 2
    assert not (changed(made, DAMAGED) & ~MASK).any()
    assert changed(made, DAMAGED)[MASK].mean() > 0.8


@pytest.mark.parametrize(
    "grid",
    [Grid(4, 4, 1, 2), Grid(13, 13, 0, 9), Grid(20, 20, 3, 3), Grid(9.4, 9.4, 2, 5.5), Grid(31, 31, 4, 8)],
    ids=str,
)
def test_cells_of_any_size(grid: Grid) -> None:
    mask = box(PICTURE.shape, 12, 16, 148, 160)
    damaged = with_mosaic(PICTURE, mask, grid)
    made = finished(damaged, mask=mask)
    assert worst_cell(made, damaged, mask, grid) <= 2
    assert not (changed(made, damaged) & ~mask).any()


def test_black_and_white_cells_stay_in_range() -> None:
    hard = np.where(PICTURE > 110, 255, 0).astype(np.uint8)
    damaged = with_mosaic(hard, MASK, GRID)
    assert worst_cell(finished(damaged, mask=MASK), damaged, MASK) <= 2


def test_smooth_needs_no_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scumble.mosaic.weights.load", lambda path: pytest.fail("it was loaded"))
    made = finished(DAMAGED, mask=MASK, method="smooth")
    assert worst_cell(made, DAMAGED, MASK) <= 2
    error = [((x[MASK].astype(float) - PICTURE[MASK]) ** 2).mean() for x in (made, DAMAGED)]
    assert error[0] < error[1]


@pytest.mark.parametrize("shape", ["disc", "ring", "speckled", "pixel"])
def test_regions_of_any_shape(shape: str) -> None:
    rows, columns = np.mgrid[: PICTURE.shape[0], : PICTURE.shape[1]]
    distance = np.hypot(rows - 80, columns - 88)
    mask = {
        "disc": distance < 50,
        "ring": (distance < 60) & (distance > 30),
        "speckled": (distance < 60) & (np.random.default_rng(0).random(distance.shape) > 0.2),
        "pixel": distance < 0.5,
    }[shape]
    damaged = with_mosaic(PICTURE, distance < 70, GRID)
    if shape == "pixel":
        with pytest.raises(ScumbleError, match="No mosaic"):
            finished(damaged, mask=mask)
        made = finished(damaged, mask=mask, cell=8)
    else:
        made = finished(damaged, mask=mask)
    assert not (changed(made, damaged) & ~mask).any()
    assert shape == "pixel" or changed(made, damaged)[mask].mean() > 0.5


def test_several_regions_with_cells_of_their_own() -> None:
    one, two = box(PICTURE.shape, 8, 8, 72, 72), box(PICTURE.shape, 88, 90, 152, 170)
    grids = Grid(8, 8), Grid(13, 13, 90 % 13, 88 % 13)
    damaged = with_mosaic(with_mosaic(PICTURE, one, grids[0]), two, grids[1])
    made = finished(damaged, mask=one | two)
    assert worst_cell(made, damaged, one, grids[0]) <= 2
    assert worst_cell(made, damaged, two, grids[1]) <= 2
    assert changed(made, damaged)[one].any()
    assert changed(made, damaged)[two].any()


def test_at_the_border_and_over_everything() -> None:
    everything = np.ones(PICTURE.shape[:2], np.bool_)
    grid = Grid(8, 8)
    damaged = with_mosaic(PICTURE, everything, grid)
    assert worst_cell(finished(damaged, mask=everything), damaged, everything, grid) <= 2
    corner = box(PICTURE.shape, 0, 0, 64, 56)
    assert not (changed(finished(damaged, mask=corner), damaged) & ~corner).any()


@pytest.mark.parametrize("kind", ["gray", "gray alpha", "rgba", "16 bit", "float", "linear"])
def test_layouts_and_depths(kind: str) -> None:
    pixels: Pixels = DAMAGED
    colour = Layer(DAMAGED).colour
    if kind.startswith("gray"):
        pixels = with_mosaic(PICTURE[..., :1], MASK, GRID)
    if kind.endswith("alpha") or kind == "rgba":
        pixels = np.concatenate([pixels, np.full((*MASK.shape, 1), 255, np.uint8)], axis=2)
    if kind == "16 bit":
        pixels = DAMAGED.astype(np.uint16) * 257
    if kind in ("float", "linear"):
        pixels = (DAMAGED / 255).astype(np.float32)
    if kind == "linear":
        colour = LINEAR
    image = Layer(pixels, colour=colour)
    (output,) = run(image, mask=MASK)
    made = composite(image, output.layer)
    assert (made.depth, made.layout, made.colour) == (image.depth, image.layout, image.colour)
    assert made.pixels[~MASK].tobytes() == pixels[~MASK].tobytes()
    if kind == "linear":
        return
    full = {"16 bit": 257, "float": 1 / 255}.get(kind, 1)
    channels = slice(0, 1 if kind.startswith("gray") else 3)
    assert worst_cell(made.pixels[..., channels] / full, pixels[..., channels] / full, MASK) <= 2


def test_moved_layers_give_the_moved_result() -> None:
    offset = Point(-300, 41)
    (here,) = run(DAMAGED, mask=MASK)
    selection = Layer(MASK[..., None].astype(np.uint8) * 255, offset)
    (there,) = run(Layer(DAMAGED, offset), mask=selection)
    assert there.layer.bounds == here.layer.bounds.moved(offset)
    np.testing.assert_array_equal(there.layer.pixels, here.layer.pixels)


def test_variations_differ_and_all_agree_with_the_mosaic() -> None:
    made = run(DAMAGED, mask=MASK, variations=4)
    assert [output.seed for output in made] == [0, 1, 2, 3]
    pictures = [composite(Layer(DAMAGED), output.layer).pixels for output in made]
    assert all(worst_cell(picture, DAMAGED, MASK) <= 2 for picture in pictures)
    assert all(changed(a, b).any() for i, a in enumerate(pictures) for b in pictures[:i])
    (again,) = run(DAMAGED, mask=MASK, seed=2)
    np.testing.assert_array_equal(again.layer.pixels, made[2].layer.pixels)


def test_a_soft_selection_gives_a_soft_layer() -> None:
    (output,) = run(DAMAGED, mask=MASK[..., None].astype(np.uint8) * np.uint8(90))
    assert set(np.unique(output.layer.pixels[..., 3])) <= {0, 90}


class TestKeyColour:
    marked = np.where(MASK[..., None], np.array([0, 255, 0], np.uint8), DAMAGED)

    def test_the_marked_picture_says_where(self) -> None:
        made = finished(DAMAGED, marked=self.marked, mask_from="color")
        assert worst_cell(made, DAMAGED, MASK) <= 2
        assert changed(made, DAMAGED)[MASK].mean() > 0.8
        near = box(PICTURE.shape, 35, 33, 103, 117)
        assert not (changed(made, DAMAGED) & ~near).any()

    def test_a_selection_bounds_it(self) -> None:
        selection = box(PICTURE.shape, 0, 0, 160, 75)
        made = finished(DAMAGED, marked=self.marked, mask=selection, mask_from="color")
        assert not (changed(made, DAMAGED) & ~selection).any()
        assert changed(made, DAMAGED)[MASK & selection].mean() > 0.8

    def test_without_the_unpainted_picture_it_says_what_is_missing(self) -> None:
        with pytest.raises(ScumbleError, match="hides the mosaic") as raised:
            run(self.marked, mask_from="color")
        assert "--marked" in raised.value.hint

    def test_another_size_and_another_colour_are_said(self) -> None:
        with pytest.raises(ScumbleError, match="150 × 160"):
            run(DAMAGED, marked=self.marked[:, :150], mask_from="color")
        with pytest.raises(ScumbleError, match="Nothing has the colour #ff00ff"):
            run(DAMAGED, marked=self.marked, mask_from="color", key_color="#ff00ff")


class TestBadInput:
    def test_no_selection(self) -> None:
        with pytest.raises(ScumbleError, match="Nothing is selected"):
            run(DAMAGED)
        with pytest.raises(ScumbleError, match="empty"):
            run(DAMAGED, mask=np.zeros_like(MASK))
        beside = Layer(np.full((5, 5, 1), 255, np.uint8), Point(900, 900))
        with pytest.raises(ScumbleError, match="outside the layer"):
            run(DAMAGED, mask=beside)

    def test_no_mosaic(self) -> None:
        with pytest.raises(ScumbleError, match="No mosaic was found"):
            run(PICTURE, mask=MASK)

    def test_a_place_without_one_is_noted(self) -> None:
        picture = drawing(160, 420)
        mask, empty = box(picture.shape, 37, 35, 101, 115), box(picture.shape, 30, 320, 120, 400)
        damaged = with_mosaic(picture, mask, GRID)
        notes: list[str] = []
        (output,) = run(damaged, mask=mask | empty, notes=notes)
        assert output.layer.bounds.right < 200
        assert "1 of 2" in notes[0]

    @pytest.mark.parametrize("given", [{"cell": 1}, {"cell": -1}, {"key_color": "green"}, {"variations": 9}])
    def test_parameters(self, given: dict[str, Any]) -> None:
        with pytest.raises(ScumbleError) as raised:
            run(DAMAGED, mask=MASK, **given)
        assert raised.value.code == "invalid_parameter"

    def test_not_numbers(self) -> None:
        pixels = (DAMAGED / 255).astype(np.float32)
        pixels[50, 50] = np.nan
        notes: list[str] = []
        (output,) = run(pixels, mask=MASK, notes=notes)
        assert np.isfinite(output.layer.pixels).all()
        assert notes


def test_deepcreampy_s_weights(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCUMBLE_WEIGHTS", str(tmp_path))
    with pytest.raises(ScumbleError, match="not on this machine") as raised:
        run(DAMAGED, mask=MASK, weights="deepcreampy-mosaic")
    assert "weights convert" in raised.value.hint
    torch.manual_seed(1)
    entry = WeightStore().manifest["deepcreampy-mosaic"]
    Converted("deepcreampy", DeepCreamPyNet(4).state_dict()).save(tmp_path / entry.file)
    made = finished(DAMAGED, mask=MASK, weights="deepcreampy-mosaic")
    assert worst_cell(made, DAMAGED, MASK) <= 2
    assert not (changed(made, DAMAGED) & ~MASK).any()


def test_the_layer_is_cropped_to_what_changed() -> None:
    (output,) = run(DAMAGED, mask=MASK)
    assert output.layer.bounds == Bounds.from_edges(35, 37, 115, 101)
