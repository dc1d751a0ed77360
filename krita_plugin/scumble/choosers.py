"""For each role of an operation: a combo box with the layers, the selection, a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Iterable, Iterator, List, Mapping, Optional, Tuple

from .document import identity, is_open, walk
from .qt import Qt, QtGui, QtWidgets, Signal
from .scumble_client.editor.roles import RESULT, Source, explain, label, obvious
from .widgets import ICON, Quiet, Rows, combo

if TYPE_CHECKING:
    from krita import Document

    from .scumble_client.editor.roles import View
    from .widgets import ComboBox


PICTURES = "Pictures (*.png *.jpg *.jpeg *.tif *.tiff *.webp *.bmp);;All files (*)"


class RoleChoosers(Rows):
    """`chosen(document, role, source)` comes when the artist chooses: for the document that was shown then.

    `advanced` has the roles that are folded away at first.
    """

    chosen = Signal(object, str, object)

    def __init__(self, operation: Dict[str, Any], parent: Optional[QtWidgets.QWidget] = None) -> None:
        super().__init__(parent)
        self._operation = operation
        self._names = [role["name"] for role in operation["roles"]]
        self._state: Any = None
        self._document: Optional[Document] = None
        self._view: Optional[View] = None
        self.boxes: Dict[str, ComboBox] = {}
        self._sources: Dict[str, List[Source]] = {}
        self._dialog: Optional[QtWidgets.QFileDialog] = None
        self.advanced = Rows()
        for role in operation["roles"]:
            box = combo()
            box.activated.connect(lambda place, role=role: self._activated(role, place))
            box.opening.connect(lambda role=role: self._draw(role, range(self.boxes[role["name"]].count())))
            self.boxes[role["name"]] = box
            title = QtWidgets.QLabel(label(role))
            title.setToolTip(role["help"])
            (self.advanced if role.get("advanced") else self).add(title, box)

    def refresh(self, document: Optional[Document], view: Optional[View], chosen: Mapping[str, Source]) -> None:
        """Show a document's layers, and what is chosen: {role: Source}. Does nothing where nothing has changed."""
        self._document, self._view = document, view
        state = (view, tuple(sorted(chosen.items(), key=lambda item: item[0])))
        if state == self._state:
            return
        self._state = state
        for role in self._operation["roles"]:
            self._fill(role, view, chosen.get(role["name"], Source()))

    def _fill(self, role: Dict[str, Any], view: Optional[View], chosen: Source) -> None:
        box, sources = self.boxes[role["name"]], []
        with Quiet(box):
            box.clear()
            for source, text in self._entries(role, view, chosen):
                sources.append(source)
                box.addItem(text)
            box.setCurrentIndex(next((i for i, s in enumerate(sources) if _alike(s, chosen)), 0))
        self._sources[role["name"]] = sources
        self._draw(role, [box.currentIndex()])
        found = "" if view is None or chosen.kind != "auto" else self._explain(role, view)
        said = [role["help"], f"Now: {found}." if found else "", "" if role.get("required") else "It can be left out."]
        box.setToolTip("\n".join(line for line in said if line))

    def _obvious(self, role: Dict[str, Any], view: View) -> Source:
        return obvious(role, view, self._names)

    def _explain(self, role: Dict[str, Any], view: View) -> str:
        """What *Auto* is now, with all that is read."""
        source = self._obvious(role, view)
        found = explain(source, view)
        layer = view.layer(source) if role["name"] == "image" and source.kind in ("active", "layer") else None
        over = view.layers[: view.layers.index(layer)] if layer is not None else ()
        return found + (", with the results over it" if any(one.why == RESULT for one in over) else "")

    def _draw(self, role: Dict[str, Any], places: Iterable[int]) -> None:
        """Put small pictures beside entries: of a layer, of all that is visible, of a file."""
        document, box = self._document, self.boxes[role["name"]]
        if document is None or self._view is None or not is_open(document):
            return
        nodes = {identity(node): node for node, _ in walk(document.rootNode())}
        for place in places:
            source = self._sources[role["name"]][place]
            if source.kind == "auto":
                source = self._obvious(role, self._view)
            active = self._view.active if source.kind == "active" else self._view.below
            node = nodes.get(active.id if source.kind in ("active", "below") and active is not None else source.id)
            if source.kind == "visible":
                image = document.thumbnail(ICON, ICON)
            elif source.kind == "file" and source.path:
                reader = QtGui.QImageReader(source.path)
                reader.setScaledSize(reader.size().scaled(ICON, ICON, Qt.AspectRatioMode.KeepAspectRatio))
                image = reader.read()
            elif node is not None:
                image = node.thumbnail(ICON, ICON)
            else:
                continue
            if not image.isNull():
                box.setItemIcon(place, QtGui.QIcon(QtGui.QPixmap.fromImage(image)))

    def _entries(self, role: Dict[str, Any], view: Optional[View], chosen: Source) -> Iterator[Tuple[Source, str]]:
        if view is None:
            yield Source(), "–"
            return
        yield Source(), f"Auto: {_short(self._obvious(role, view))}"
        if role.get("kind") == "mask":
            yield Source("selection"), "Selection" if view.selection else "Selection (nothing is selected)"
        if role["name"] == "image":
            yield Source("visible"), "What is visible"
            yield Source("active"), "Active layer"
            yield Source("below"), "Layer below"
        for layer in view.layers:
            yield Source("layer", layer.id, layer.name), layer.name
        if chosen.kind == "layer" and view.layer(chosen) is None:
            yield chosen, f"{chosen.name} (gone)"
        if chosen.kind == "file":
            yield chosen, chosen.path.replace("\\", "/").rsplit("/", 1)[-1]
        yield Source("file"), "File..."
        if not role.get("required"):
            yield Source("none"), "Nothing"

    def _activated(self, role: Dict[str, Any], place: int) -> None:
        source = self._sources[role["name"]][place]
        if source.kind == "file" and not source.path:
            self._open(role)
        else:
            self._state = None
            self.chosen.emit(self._document, role["name"], source)

    def _open(self, role: Dict[str, Any]) -> None:
        document = self._document  # another one may be active before a file is chosen
        self._dialog = QtWidgets.QFileDialog(self, role["title"], "", PICTURES)
        self._dialog.setFileMode(QtWidgets.QFileDialog.FileMode.ExistingFile)
        self._dialog.fileSelected.connect(lambda path: self.choose_file(document, role["name"], path))
        self._dialog.finished.connect(lambda _result: self._again())
        self._dialog.open()

    def choose_file(self, document: Optional[Document], role: str, path: str) -> None:
        """Take a file for a document's role."""
        self._state = None
        self.chosen.emit(document, role, Source("file", path=path))

    def _again(self) -> None:
        self._state = None  # the box shows “File...”, whatever was chosen before


def _short(source: Source) -> str:
    """As short as can be: the docker is narrow."""
    words = {"visible": "what is visible", "selection": "selection", "none": "nothing"}
    return source.name if source.kind in ("layer", "active") else words[source.kind]


def _alike(one: Source, other: Source) -> bool:
    if one.kind != other.kind:
        return False
    return one.id == other.id and one.path == other.path
