"""Live mode: while the artist paints, one result layer follows."""

import time

from krita import Krita

from . import runs
from .document import find, is_open, view_of
from .qt import QObject, QTimer, Signal
from .scumble_client.editor import messages
from .scumble_client.editor.jobs import Entry
from .scumble_client.editor.live import Pace
from .scumble_client.editor.roles import Source, resolve
from .scumble_client.editor.stored import Stored, dump
from .scumble_client.request import Request
from .trouble import as_error
from .writing import add_layer, keep_request, update_layer

TICK_MS = 50


class Live(QObject):
    """At most one at a time: an operation that follows a document's layers. `changed`: it was switched on or off."""

    changed = Signal()

    def __init__(self, studio):
        super().__init__(studio)
        self.studio = studio
        self.operation = None
        self.document = None
        self.layer = ""
        self.updates = 0
        self._reading = self._placing = False
        self._job = self._waiting = None
        self._timer = QTimer(self)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._tick)

    @property
    def on(self):
        return self.operation is not None

    def start(self, name):
        """Follow the active document with an operation; whether it has begun."""
        try:
            operation = self.studio.operation(name)
            document = Krita.instance().activeDocument()
            chosen = self.studio.sources(document, name) if document else {}
            sources = resolve(operation, chosen, view_of(document))
            self.studio.check_daemon()
        except Exception as error:
            self.studio.fail(as_error(error))
            self.changed.emit()
            return False
        if self.on:
            self.stop()
        self._sources = {
            role: Source("layer", s.id, s.name) if s.kind == "active" else s for role, s in sources.items()
        }
        self._place = runs.place_of(document, self._sources)
        self._chosen, self._pace, self._seed = chosen, Pace(), self.studio.next_seed()
        self.operation, self.document, self.layer, self.updates = operation, document, "", 0
        self._covered = None
        self._timer.start()
        self.changed.emit()
        return True

    def stop(self):
        """Switch off; the layer stays as it is."""
        self._timer.stop()
        if self._job is not None:
            self.studio.connection.cancel(self._job)
        self.operation = self.document = self._job = self._waiting = None
        self.changed.emit()

    def close(self):
        self._timer.stop()
        self.operation = None

    def _tick(self):
        if not self.on or self._reading or self._placing:
            return
        if not is_open(self.document) or (self.layer and find(self.document, self.layer) is None):
            self.stop()
            return
        if self._pace.may_look(time.monotonic()):
            self._reading = True
            self.studio.steps.start(self._look(self.operation), self._failed)

    def _failed(self, error):
        self._reading = self._placing = False
        self.stop()
        self.studio.fail(as_error(error))

    def _look(self, operation):
        """Steps: read the inputs, and submit them where they have changed."""
        try:
            begun = time.monotonic()
            view = view_of(self.document)
            chosen = {**self._sources}
            if self._chosen.get("mask", Source()).kind == "auto":
                chosen.pop("mask", None)  # the selection may come and go
            sources = resolve(operation, chosen, view)
            pixels = yield from runs.read_roles(self.studio, self.document, sources, operation)
            cost = time.monotonic() - begun
            digests = yield from runs.in_background(
                self.studio, lambda: {role: one.digest for role, one in pixels.items()}
            )
        finally:
            self._reading = False
        if self.operation is not operation:
            return
        parameters = self.studio.parameters(operation)
        seen = (digests, parameters, {r: (p.x, p.y, p.width, p.height) for r, p in pixels.items()})
        if not self._pace.looked(time.monotonic(), seen, cost):
            return
        mask = pixels.get("mask") if sources.get("mask", Source()).kind == "selection" else None
        stored = Stored(operation["name"], parameters, self._seed, sources, mask)
        replaces = self._job.id if self._job is not None else None
        request = Request(operation["name"], pixels, parameters, self._seed, replaces=replaces)
        self._job = self.studio.connection.submit(request)
        self._waiting = Entry(operation["title"], stored, self.document, self._place, "sending", self._job)

    def handle(self, event):
        """Whether the event was about a live job."""
        job = event.job
        if job is None or not job.request or job is not self._job:
            return False
        if event.kind == "result":
            entry, self._job = self._waiting, None
            self._placing = True
            self.studio.steps.start(self._show(entry, job), self._failed)
        elif event.kind == "error":
            self._job = None
            if event.error.code == "cancelled":
                self._pace.ended(time.monotonic(), again=True)
            else:
                self.stop()
                self.studio.fail(event.error)
        return True

    def _show(self, entry, job):
        """Steps: the first result becomes a layer, the later ones are written over it."""
        try:
            self.studio.connection.received(job)
            new = job.result.layers[0]
            text = yield from runs.in_background(self.studio, lambda: dump(runs.finished(entry, job.result)))
            if not self.on or self.document is not entry.document or not is_open(self.document):
                return
            if not self.layer:
                self.layer = yield from add_layer(entry.document, self._place, new.name, new.pixels)
            elif not (yield from update_layer(entry.document, self.layer, new.pixels, self._covered)):
                self.stop()
                self.studio.say(messages.LIVE_GONE)
                return
            if not self.on or not is_open(entry.document):
                return
            keep_request(entry.document, self.layer, text)
            self._covered = (new.pixels.x, new.pixels.y, new.pixels.width, new.pixels.height)
            self.updates += 1
            self._pace.ended(time.monotonic())
        finally:
            self._placing = False
