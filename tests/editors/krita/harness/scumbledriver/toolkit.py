"""What scenarios use: documents, selections, actions, the plugin's own objects."""

import hashlib
import sys
import time

from krita import Krita, Selection

from . import qt

SRGB = "sRGB-elle-V2-srgbtrc.icc"


class Toolkit:
    def __init__(self, parent):
        self.app = Krita.instance()
        self.qt = qt
        self.longest = 0.0
        self._last = time.perf_counter()
        self._timer = qt.QtCore.QTimer(parent)
        self._timer.setInterval(2)
        self._timer.timeout.connect(self._beat)
        self.store = {}
        self.lent = {}

    def _beat(self):
        now = time.perf_counter()
        self.longest = max(self.longest, now - self._last)
        self._last = now

    def watch(self):
        """Begin to measure how long the event loop stands still."""
        self.longest, self._last = 0.0, time.perf_counter()
        self._timer.start()

    def unwatch(self):
        """The longest standstill in seconds."""
        self._beat()
        self._timer.stop()
        return self.longest

    @property
    def plugin(self):
        return sys.modules["scumble"]

    @property
    def studio(self):
        return self.plugin.studio

    def module(self, name):
        """One of the plugin's modules, or what a test has lent."""
        if name in self.lent:
            return self.lent[name]
        return sys.modules["scumble." + name]

    def said(self):
        return list(self.studio.messages) if "scumble" in sys.modules else None

    def runs(self):
        """How far each run is, for a message: [(title, state, share done)]."""
        entries = self.studio.entries if "scumble" in sys.modules else []
        return [(one.title, one.state, one.job.fraction if one.job is not None else None) for one in entries]

    def bytes(self, data):
        return qt.QtCore.QByteArray(data)

    def new(self, width, height, model="RGBA", depth="U8", profile=SRGB, pixels=None):
        """Steps: a document in a view; its background has the given pixels (bytes over the whole canvas)."""
        document = self.app.createDocument(width, height, "test", model, depth, profile, 300.0)
        assert document is not None, (model, depth, profile)
        if pixels is not None:
            document.topLevelNodes()[0].setPixelData(qt.QtCore.QByteArray(pixels), 0, 0, width, height)
            document.refreshProjection()
        yield from self.show(document)
        return document

    def open(self, path):
        """Steps: a file in a view."""
        document = self.app.openDocument(path)
        assert document is not None, path
        yield from self.show(document)
        return document

    def show(self, document):
        """Steps: the document in a view, and the docker as it was.

        With the first picture, Krita from 5.2 on brings the dockers back as they were when the last one was closed: one that
        was shown before any picture was there is hidden then, and looks at nothing.
        """
        docker = next((one for one in self.app.dockers() if one.windowTitle() == "Scumble"), None)
        was = (docker.isHidden(), docker.isFloating()) if docker is not None else None
        self.app.activeWindow().addView(document)
        yield lambda: self.app.activeDocument() == document
        document.waitForDone()
        yield lambda: document.activeNode() is not None
        if docker is not None and (docker.isHidden(), docker.isFloating()) != was:
            docker.setVisible(not was[0])
            docker.setFloating(was[1])

    def activate(self, document):
        """Steps: the document's view comes to the front."""
        view = next(v for v in self.app.activeWindow().views() if v.document() == document)
        view.setVisible()
        yield lambda: self.app.activeDocument() == document

    def close(self, document):
        """Steps: away with it, without questions; Krita needs its time between a change and this."""
        document.waitForDone()
        yield 0.3
        document.setModified(False)
        document.close()
        yield lambda: not any(d == document for d in self.app.documents())

    def select(self, document, x, y, width, height, value=255):
        selection = Selection()
        selection.select(x, y, width, height, value)
        document.setSelection(selection)

    def trigger(self, name):
        action = self.app.action(name)
        assert action is not None, name
        action.trigger()

    def idle(self):
        """Whether the plugin has nothing to do."""
        studio = self.studio
        return not studio.entries and not studio.steps.busy and not studio.connection.background.busy

    def layers(self, node):
        """Names of a document's or group's layers, topmost first, groups with theirs in a list."""
        children = node.topLevelNodes() if hasattr(node, "topLevelNodes") else node.childNodes()
        out = []
        for child in reversed(children):
            if child.type().endswith("layer"):
                out.append([child.name(), self.layers(child)] if child.type() == "grouplayer" else child.name())
        return out

    def digest(self, data):
        return hashlib.sha256(bytes(data)).hexdigest()

    def bgra(self, data):
        """RGBA of 8 bits as Krita has it, and back."""
        out = bytearray(data)
        out[0::4], out[2::4] = data[2::4], data[0::4]
        return bytes(out)

    def wide(self, data, model):
        """8 bits a channel as 16, where the colour model (as for `new`) says so."""
        if model[1:2] != ["U16"]:
            return data
        out = bytearray(2 * len(data))
        out[0::2] = out[1::2] = data
        return bytes(out)

    def narrow(self, data, model):
        """The reverse."""
        return data[1::2] if model[1:2] == ["U16"] else data

    def process(self):
        qt.QtWidgets.QApplication.processEvents()
