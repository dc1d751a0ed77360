"""The menu Tools ▸ Scripts ▸ Scumble, and what its entries do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict, Iterable, List, Optional, Set, Tuple, cast

from krita import Extension, Krita

from .crash_log import as_error, guarded
from .document import active_layer, covering, identity, owned
from .qt import QtWidgets, sip
from .scumble_client.editor.roles import DRAWN_LAYERS, NO_DOCUMENT, STROKES_LAYERS
from .scumble_client.errors import ScumbleError
from .settings import SettingsDialog

if TYPE_CHECKING:
    from krita import Document, Node, Window

    from .qt import QObject, QtGui
    from .scumble_client.editor.reading import Steps
    from .studio import Studio


PLACE = "tools/scripts"
"""Of the menu. Its entries have no place of their own: Krita 5.3 and newer sorts those by their ids."""


class ScumbleExtension(Extension):
    """Made once; `createActions` is called for every window."""

    def __init__(self, parent: QObject, studio: Studio) -> None:
        super().__init__(parent)
        self.studio = studio
        self._dialog: Optional[SettingsDialog] = None
        self._menus: List[Tuple[QtWidgets.QMainWindow, QtWidgets.QMenu, QtGui.QAction, Set[str]]] = []

    def setup(self) -> None:
        notifier = Krita.instance().notifier()
        notifier.setActive(True)
        notifier.applicationClosing.connect(self.studio.close)
        notifier.viewClosed.connect(self._on_view_closed)
        self.studio.operations_changed.connect(self._add_new_operations)

    @guarded
    def createActions(self, window: Window) -> None:
        menu = QtWidgets.QMenu("scumble_menu", window.qwindow())
        window.createAction("scumble_menu", "Scumble", PLACE).setMenu(menu)
        again = self._add(window, "scumble_run_again", "Run Again", self.studio.run_again)
        menu.addAction(again)
        for operation in self.studio.catalogue.operations:
            self._add_operation(window, operation, menu, again)
        for name, title, work in (
            ("scumble_cancel", "Cancel", self.studio.cancel),
            ("scumble_new_layers", "New Sketch and Color Layers", lambda: self._new_layers(DRAWN_LAYERS)),
            ("scumble_new_strokes", "New Strokes Layer", lambda: self._new_layers(STROKES_LAYERS)),
            ("scumble_settings", "Scumble Settings...", self._settings),
        ):
            menu.addAction(self._add(window, name, title, work))
        self._menus.append((window.qwindow(), menu, again, {o["name"] for o in self.studio.catalogue.operations}))

    def _add_operation(
        self, window: Window, operation: Dict[str, Any], menu: QtWidgets.QMenu, before: QtGui.QAction
    ) -> None:
        name = operation["name"]
        action = self._add(window, f"scumble_{name}", operation["title"], lambda: self.studio.run(name))
        if not operation.get("hidden"):  # what is for tests has an action, which a shortcut can have, and no entry
            menu.insertAction(before, action)

    @guarded
    def _add_new_operations(self, *_: Any) -> None:
        """The daemon knows operations that the installer did not: they come into the menus that there are."""
        self._menus = [one for one in self._menus if not sip.isdeleted(one[1])]  # of windows that were closed
        for qwindow, menu, before, known in self._menus:
            # The Window that Krita hands to `createActions` does not live on.
            window = next(w for w in owned(Krita.instance().windows()) if w.qwindow() == qwindow)
            for operation in self.studio.catalogue.operations:
                if operation["name"] in known:
                    continue
                known.add(operation["name"])
                self._add_operation(window, operation, menu, before)

    def _add(self, window: Window, name: str, title: str, work: Callable[[], Any]) -> QtGui.QAction:
        action = window.createAction(name, title, "")

        def triggered(*_: Any) -> None:
            try:
                work()
            except Exception as error:
                self.studio.fail(as_error(error))

        action.triggered.connect(triggered)
        return action

    def _new_layers(self, names: Iterable[str]) -> None:
        document = Krita.instance().activeDocument()
        if document is None:
            raise ScumbleError("missing_input", *NO_DOCUMENT)
        self.studio.steps.start(_new_layers(document, names), document)

    def _settings(self) -> None:
        self._dialog = SettingsDialog(self.studio, cast(Any, Krita.instance().activeWindow()).qwindow())
        self._dialog.show()

    @guarded
    def _on_view_closed(self, *_: Any) -> None:
        self.studio.results.tidy()


def _new_layers(document: Document, names: Iterable[str]) -> Steps[None]:
    """Steps: empty layers where they are seen above the active one, the last one uppermost and active."""
    below = active_layer(document)
    if below is not None:
        below = covering(document, below)
    parent: Any = below.parentNode() if below is not None else document.rootNode()
    for name in names:
        layer = document.createNode(name, "paintlayer")
        parent.addChildNode(layer, below)
        below = layer
        yield None
    wanted = identity(cast("Node", below))
    for _ in range(50):
        yield None
        active = document.activeNode()
        if active is not None and identity(active) == wanted:
            return
