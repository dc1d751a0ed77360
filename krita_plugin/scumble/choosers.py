"""For each role of an operation: a combo box with the layers, the selection, a file."""

from .qt import QtWidgets, Signal
from .scumble_client.editor.roles import Source, explain, label, obvious
from .widgets import Quiet, combo

PICTURES = "Pictures (*.png *.jpg *.jpeg *.tif *.tiff *.webp *.bmp);;All files (*)"


class RoleChoosers(QtWidgets.QWidget):
    """`chosen(document, role, source)` comes when the artist chooses: for the document that was shown then."""

    chosen = Signal(object, str, object)

    def __init__(self, operation, parent=None):
        super().__init__(parent)
        self._operation = operation
        self._names = [role["name"] for role in operation["roles"]]
        self._state = self._document = None
        self.boxes = {}
        self._sources = {}
        self._dialog = None
        layout = QtWidgets.QFormLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.setRowWrapPolicy(QtWidgets.QFormLayout.RowWrapPolicy.WrapLongRows)
        for role in operation["roles"]:
            box = combo()
            box.setToolTip(role["help"] + ("" if role.get("required") else "\nIt can be left out."))
            box.activated.connect(lambda place, role=role: self._activated(role, place))
            self.boxes[role["name"]] = box
            title = QtWidgets.QLabel(label(role))
            title.setToolTip(role["help"])
            layout.addRow(title, box)

    def refresh(self, document, view, chosen):
        """Show a document's layers, and what is chosen: {role: Source}. Does nothing where nothing has changed."""
        self._document = document
        state = (view, tuple(sorted(chosen.items(), key=lambda item: item[0])))
        if state == self._state:
            return
        self._state = state
        for role in self._operation["roles"]:
            self._fill(role, view, chosen.get(role["name"], Source()))

    def _fill(self, role, view, chosen):
        box, sources = self.boxes[role["name"]], []
        with Quiet(box):
            box.clear()
            for source, text in self._entries(role, view, chosen):
                sources.append(source)
                box.addItem(text)
            box.setCurrentIndex(next((i for i, s in enumerate(sources) if _alike(s, chosen)), 0))
        self._sources[role["name"]] = sources

    def _entries(self, role, view, chosen):
        if view is None:
            yield Source(), "–"
            return
        yield Source(), f"Auto: {explain(obvious(role, view, self._names), view)}"
        if role.get("kind") == "mask":
            yield Source("selection"), "Selection" if view.selection else "Selection (nothing is selected)"
        if role["name"] == "image":
            yield Source("visible"), "What is visible"
        for layer in view.layers:
            yield Source("layer", layer.id, layer.name), layer.name
        if chosen.kind == "layer" and view.layer(chosen) is None:
            yield chosen, f"{chosen.name} (gone)"
        if chosen.kind == "file":
            yield chosen, chosen.path.replace("\\", "/").rsplit("/", 1)[-1]
        yield Source("file"), "File..."
        if not role.get("required"):
            yield Source("none"), "Nothing"

    def _activated(self, role, place):
        source = self._sources[role["name"]][place]
        if source.kind == "file" and not source.path:
            self._open(role)
        else:
            self._state = None
            self.chosen.emit(self._document, role["name"], source)

    def _open(self, role):
        document = self._document  # another one may be active before a file is chosen
        self._dialog = QtWidgets.QFileDialog(self, role["title"], "", PICTURES)
        self._dialog.setFileMode(QtWidgets.QFileDialog.FileMode.ExistingFile)
        self._dialog.fileSelected.connect(lambda path: self.choose_file(document, role["name"], path))
        self._dialog.finished.connect(lambda _result: self._again())
        self._dialog.open()

    def choose_file(self, document, role, path):
        """Take a file for a document's role."""
        self._state = None
        self.chosen.emit(document, role, Source("file", path=path))

    def _again(self):
        self._state = None  # the box shows “File...”, whatever was chosen before


def _alike(one, other):
    if one.kind != other.kind:
        return False
    return one.id == other.id and one.path == other.path
