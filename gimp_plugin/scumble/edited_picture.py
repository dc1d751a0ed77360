"""A picture's layers as the shared code sees them. A layer's tattoo is its name from one session to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict, List, Mapping, Optional, Sequence, cast

from host import Gimp
from placing import all_layers, provenance_of, request_of
from reading import is_empty, read_drawable, read_mask, read_selection, read_visible

from scumble_client.editor.roles import DRAWN, RESULT, LayerInfo, Source, View, layer_gone, role_of
from scumble_client.editor.source_files import file_digest, folder_of
from scumble_client.errors import ScumbleError

if TYPE_CHECKING:
    from scumble_client.editor.provenance import Provenance
    from scumble_client.request import Pixels


class EditedPicture:
    """One image, and the layer that a call was made for."""

    def __init__(self, image: Gimp.Image, active: Gimp.Layer) -> None:
        self.image = image
        self.active = active
        self.look()

    def look(self) -> None:
        """Note what layers there are now."""
        self._items: Dict[str, Any] = {}
        self._infos: List[LayerInfo] = []
        self._results = {}
        for layer, visible in all_layers(self.image.get_layers()):
            made = provenance_of(layer)
            if made is not None and visible:
                self._results[key_of(layer)] = made
            is_result = request_of(layer) is not None
            why = "hidden" if not visible else RESULT if is_result else "a group" if layer.is_group() else ""
            empty = False
            if layer == self.active:
                why = ""  # the artist chose it: it is read, whatever it is
                empty = role_of(layer.get_name(), DRAWN) is not None and is_empty(layer)
            self._note(layer, LayerInfo(key_of(layer), layer.get_name(), not why, why, empty))
        for channel in self.image.get_channels():
            self._note(channel, LayerInfo(key_of(channel), channel.get_name(), False, "a channel"))

    def _note(self, item: Gimp.Item, info: LayerInfo) -> None:
        self._items[info.id] = item
        self._infos.append(info)

    def source(self, item: Gimp.Item) -> Source:
        """What names an item, also one of another image."""
        if item.get_image() == self.image:
            return Source("layer", key_of(item), item.get_name())
        key = f"@{item.get_id()}"
        if key not in self._items:
            self._note(item, LayerInfo(key, item.get_name(), False, "in another picture"))
        return Source("layer", key, item.get_name())

    def again(self, source: Source) -> Source:
        """The source of a kept request, in this picture. In a copy of the picture a tattoo may be another layer's."""
        if source.kind != "layer":
            return source
        same = [info for info in self._infos if info.name == source.name]
        found = next((info for info in same if info.id == source.id), same[0] if same else None)
        return Source("layer", found.id, found.name) if found else source

    def item(self, source: Source) -> Any:
        """The layer or channel that a source means, or None."""
        return self._items.get(source.id)

    def view(self) -> View:
        key = key_of(self.active)
        active = next((info for info in self._infos if info.id == key), None)
        return View(tuple(self._infos), active, not Gimp.Selection.is_empty(self.image), self._below())

    def _below(self) -> Optional[LayerInfo]:
        """The layer right below the active one, in the same group."""
        group = self.active.get_parent()
        beside = self.image.get_layers() if group is None else group.get_children()
        place = next((number for number, layer in enumerate(beside) if layer == self.active), len(beside))
        key = key_of(beside[place + 1]) if place + 1 < len(beside) else None
        return next((info for info in self._infos if info.id == key), None)

    @property
    def folder(self) -> Optional[str]:
        """Where the picture's own file lies; None where it has none yet."""
        return folder_of(_path_of(self.image)) if self.image.is_valid() else None

    def lasting(self, source: Source) -> Source:
        """A source that means the same when the picture's file is opened again."""
        if source.kind != "layer" or not source.id.startswith("@"):
            return source
        item = self.item(source)
        path = _path_of(item.get_image()) if item is not None and item.is_valid() else ""
        if not path:
            return Source("layer", "", source.name)
        try:
            return Source("file", path=path, digest=file_digest(path))
        except OSError:  # it was removed since it was opened
            return Source("file", path=path)

    def results_over(self, layer: Gimp.Layer, is_try: Callable[[Provenance], bool]) -> List[Gimp.Layer]:
        """The visible results of Scumble's that lie over a layer, the lowest first, but for those that `is_try` is true of."""
        over: List[Gimp.Layer] = []
        for key, item in self._items.items():
            if item == layer:
                break
            if key in self._results and not is_try(self._results[key]):
                over.insert(0, item)
        return over

    def results(self, is_try: Callable[[Provenance], bool]) -> List[Gimp.Layer]:
        """The visible results of Scumble's that `is_try` is true of."""
        return [self._items[key] for key, made in self._results.items() if is_try(made)]

    def read(
        self,
        source: Source,
        role: Mapping[str, Any],
        mask: bool = False,
        over: Sequence[Gimp.Layer] = (),
        without: Sequence[Gimp.Layer] = (),
    ) -> Optional[Pixels]:
        """A source's pixels for a role; None for an empty selection. Raises ScumbleError.

        `over`: layers that are read with a layer; `without`: those that are left out of what is visible.
        """
        if source.kind == "selection":
            return read_selection(self.image)
        if source.kind == "visible":
            return read_visible(self.image, without)
        item = self.item(source)
        if item is None or not item.is_valid():
            raise layer_gone(source, role)
        return read_mask(item) if mask else read_drawable(item, over=over)


def _path_of(image: Gimp.Image) -> str:
    """Of the file that a picture was saved to or opened from; empty where there is none."""
    file = image.get_file() or image.get_imported_file()
    return (file.get_path() or "") if file is not None else ""


def key_of(item: Gimp.Item) -> str:
    return str(item.get_tattoo())


def chosen_layer(drawables: Sequence[Gimp.Drawable]) -> Gimp.Layer:
    """The one layer that a call is about; the layer of a mask that is being edited. Raises ScumbleError."""
    if len(drawables) != 1:
        raise ScumbleError("missing_input", f"{len(drawables)} layers are chosen.", "Choose one layer.")
    drawable: Any = drawables[0]
    if drawable.is_layer_mask():
        drawable = Gimp.Layer.from_mask(drawable)
    if drawable is not None and drawable.is_channel():
        layers = drawable.get_image().get_layers()
        if len(layers) == 1:  # nothing else can be meant; a selection that was just kept is chosen as a channel
            return cast(Gimp.Layer, layers[0])
    if drawable is None or not drawable.is_layer():
        raise ScumbleError("missing_input", "A channel is chosen.", "Choose a layer.")
    if drawable.is_floating_sel():
        raise ScumbleError(
            "missing_input", "The selection floats.", "Anchor it, or make it a layer: Layer ▸ To New Layer."
        )
    return cast(Gimp.Layer, drawable)
