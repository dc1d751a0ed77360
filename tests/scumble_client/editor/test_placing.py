"""Where a new layer goes while the document changes, and its raster in bands."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from scumble_client import Pixels, Result, ResultLayer
from scumble_client.editor.placing import InsertionPoint, LayerTree, WireForm, bands, filled_layers, wire_form
from scumble_client.errors import ScumbleError


@dataclass(eq=False)
class _Layer:
    name: str
    inside: _Layer | None = None


@dataclass
class _Tree(LayerTree[_Layer]):
    layers: list[_Layer] = field(default_factory=list)

    def key(self, layer: _Layer) -> str:
        return layer.name

    def find(self, key: str) -> _Layer | None:
        return next((layer for layer in self.layers if layer.name == key), None)

    def parent(self, layer: _Layer) -> _Layer | None:
        return layer.inside


@pytest.fixture
def tree() -> _Tree:
    group = _Layer("group")
    return _Tree([group, _Layer("picture", group), _Layer("top")])


def test_a_result_goes_above_its_layer_in_its_group_and_follows_it(tree: _Tree) -> None:
    group, picture, _ = tree.layers
    point = InsertionPoint(tree, picture)
    assert point.find(tree) == (group, picture)
    picture.inside = None
    assert point.find(tree) == (None, picture)


def test_where_the_layer_is_gone_it_goes_on_top_of_the_group_and_then_of_the_document(tree: _Tree) -> None:
    group, picture, _ = tree.layers
    point = InsertionPoint(tree, picture)
    tree.layers.remove(picture)
    assert point.find(tree) == (group, None)
    tree.layers.remove(group)
    assert point.find(tree) == (None, None)


def test_without_a_layer_it_goes_on_top(tree: _Tree) -> None:
    assert InsertionPoint(tree, None).find(tree) == (None, None)


@pytest.mark.parametrize(
    ("most", "multiple", "rows"), [(1, 1, 1), (90, 1, 4), (90, 3, 3), (10, 64, 64), (10**6, 1, 10)]
)
def test_bands_are_whole_rows_and_together_the_raster(most: int, multiple: int, rows: int) -> None:
    pixels = Pixels(bytes(range(200)), 10, 10, "graya", x=-3, y=7)
    found = list(bands(pixels, most, multiple))
    assert b"".join(data for _, _, data in found) == pixels.data
    assert next(count for _, count, _ in found) == min(rows, 10)
    assert [top for top, _, _ in found] == list(range(0, 10, rows))
    assert sum(count for _, count, _ in found) == 10


def test_no_rows_give_no_bands() -> None:
    assert list(bands(Pixels(b"", 0, 0), 100)) == []


def test_a_rasters_form_tells_how_many_bytes_a_pixel_has() -> None:
    form = wire_form(Pixels(bytes(16), 2, 1, "rgba", "uint16"))
    assert (form, form.pixel_bytes) == (WireForm("rgba", "uint16", "srgb"), 8)


def test_layers_without_pixels_are_left_out_and_none_at_all_is_a_mistake() -> None:
    full, empty = (ResultLayer("x", Pixels(bytes(4 * n), n, n), 1) for n in (1, 0))
    assert filled_layers(Result([full, empty], [], {}, 0.0)) == [full]
    assert filled_layers(Result([empty], [], {}, 0.0)) == []
    with pytest.raises(ScumbleError, match="no layer"):
        filled_layers(Result([], [], {}, 0.0))
