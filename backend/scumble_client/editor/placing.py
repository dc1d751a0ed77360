"""Placing results, as far as it is the same in every editor: where a new layer goes, and its raster in bands of rows."""

from typing import Any, Generic, Iterable, Iterator, List, NamedTuple, Optional, Tuple, TypeVar

from ..errors import ScumbleError
from ..request import CHANNELS, SAMPLE_BYTES, Pixels, Result, ResultLayer

Layer = TypeVar("Layer")


class LayerTree(Generic[Layer]):
    """A document's layers and groups, as an editor has them."""

    def key(self, layer: Layer) -> Any:
        """What names a layer for as long as it is there."""
        raise NotImplementedError

    def find(self, key: Any) -> Optional[Layer]:
        """The layer of that key; None where it is gone."""
        raise NotImplementedError

    def parent(self, layer: Layer) -> Optional[Layer]:
        """The group around a layer; None at the top."""
        raise NotImplementedError


class InsertionPoint:
    """Where a result goes: above a layer, or, if that is removed meanwhile, on top of the group where it was."""

    def __init__(self, tree: "LayerTree[Layer]", layer: Optional[Layer]) -> None:
        group = tree.parent(layer) if layer is not None else None
        self._layer = tree.key(layer) if layer is not None else None
        self._group = tree.key(group) if group is not None else None

    def find(self, tree: "LayerTree[Layer]") -> Tuple[Optional[Layer], Optional[Layer]]:
        """The group to add to (None: the document itself), and the layer to put it above (None: on top)."""
        layer = tree.find(self._layer) if self._layer is not None else None
        if layer is not None:
            return tree.parent(layer), layer
        return (tree.find(self._group) if self._group is not None else None), None


class WireForm(NamedTuple):
    """What pixels are on the wire: as in `scumble_client.request.Pixels`."""

    layout: str
    depth: str
    colour: str

    @property
    def pixel_bytes(self) -> int:
        return CHANNELS[self.layout] * SAMPLE_BYTES[self.depth]


def wire_form(pixels: Pixels) -> WireForm:
    """The form of a raster, which is as long as it should be: `Pixels` are measured when they are made."""
    return WireForm(pixels.layout, pixels.depth, pixels.colour)


def bands(pixels: Pixels, most: int, multiple: int = 1) -> Iterator[Tuple[int, int, bytes]]:
    """A raster in bands of whole rows: (first row, number of rows, bytes), each a copy of about `most` bytes.

    A copy of a whole large layer takes longer than its writing, since all of its memory is fresh. `multiple`: of rows,
    as the editor's tiles have them.
    """
    view = memoryview(pixels.data).cast("B")
    stride = len(view) // max(pixels.height, 1)
    rows = max(multiple, most // max(stride, 1) // multiple * multiple)
    for top in range(0, pixels.height, rows):
        count = min(rows, pixels.height - top)
        yield top, count, bytes(view[top * stride : (top + count) * stride])


def numbered_name(title: str, taken: Iterable[str]) -> str:
    """The name of a new result: “Inpaint 1”, or the number after the largest that a layer of the document has."""
    numbers = [name[len(title) + 1 :] for name in taken if name.startswith(f"{title} ")]
    return f"{title} {max((int(n) for n in numbers if n.isascii() and n.isdigit() and len(n) < 7), default=0) + 1}"


def filled_layers(result: Result) -> List[ResultLayer]:
    """A result's layers that have any pixels. Raises ScumbleError `internal` where the daemon sent none at all."""
    if not result.layers:
        raise ScumbleError("internal", "The daemon sent no layer.", "Please report this.")
    return [layer for layer in result.layers if layer.pixels.width and layer.pixels.height]
