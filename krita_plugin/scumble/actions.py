"""The menu Tools ▸ Scripts ▸ Scumble, and what its entries do."""

from krita import Extension, Krita

from .document import active_layer, identity, is_open
from .qt import QtWidgets
from .scumble_client.editor.roles import NO_DOCUMENT
from .scumble_client.errors import ScumbleError
from .settings import SettingsDialog
from .trouble import guarded

MENU = "tools/scripts/scumble_menu"


class ScumbleExtension(Extension):
    """Made once; `createActions` is called for every window."""

    def __init__(self, parent, studio):
        super().__init__(parent)
        self.studio = studio
        self._dialog = None

    def setup(self):
        notifier = Krita.instance().notifier()
        notifier.setActive(True)
        notifier.applicationClosing.connect(self.studio.close)
        notifier.viewClosed.connect(self._on_view_closed)

    @guarded
    def createActions(self, window):
        menu = QtWidgets.QMenu("scumble_menu", window.qwindow())
        window.createAction("scumble_menu", "Scumble", "tools/scripts").setMenu(menu)
        for operation in self.studio.catalogue.operations:
            name = operation["name"]
            # What is for tests has an action, which a shortcut can have, but no place in the menu.
            where = "" if operation.get("hidden") else MENU
            self._add(window, f"scumble_{name}", operation["title"], where, lambda name=name: self.studio.run(name))
        self._add(window, "scumble_run_again", "Run Again", MENU, self.studio.run_again)
        self._add(window, "scumble_cancel", "Cancel", MENU, self.studio.cancel)
        self._add(window, "scumble_new_layers", "New Sketch and Color Layers", MENU, self._new_layers)
        self._add(window, "scumble_settings", "Scumble Settings...", MENU, self._settings)

    def _add(self, window, name, title, where, work):
        action = window.createAction(name, title, where)

        def triggered(*_):
            try:
                work()
            except Exception as error:
                from .trouble import as_error

                self.studio.fail(as_error(error))

        action.triggered.connect(triggered)

    def _new_layers(self):
        document = Krita.instance().activeDocument()
        if document is None:
            raise ScumbleError("missing_input", *NO_DOCUMENT)
        self.studio.steps.start(_new_layers(document))

    def _settings(self):
        self._dialog = SettingsDialog(self.studio, Krita.instance().activeWindow().qwindow())
        self._dialog.show()

    @guarded
    def _on_view_closed(self, *_):
        self.studio.results.tidy()


def _new_layers(document):
    """Steps: two empty layers above the active one, the sketch uppermost and active."""
    below = active_layer(document)
    parent = below.parentNode() if below is not None else document.rootNode()
    for name in ("Color", "Sketch"):
        layer = document.createNode(name, "paintlayer")
        parent.addChildNode(layer, below)
        below = layer
        yield None
    wanted = identity(below)
    for _ in range(50):
        yield None
        if not is_open(document):
            return
        active = document.activeNode()
        if active is not None and identity(active) == wanted:
            return
