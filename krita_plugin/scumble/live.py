"""Live mode: while the artist paints, one result layer follows."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Dict, Mapping, Optional, cast

from krita import Krita

from . import runs
from .crash_log import as_error
from .document import find, is_open, view_of
from .qt import QObject, QTimer, Signal
from .scumble_client.editor import messages
from .scumble_client.editor.live import Pace
from .scumble_client.editor.provenance import Provenance, dump
from .scumble_client.editor.roles import Source, resolve
from .scumble_client.editor.source_files import folder_of
from .scumble_client.request import Request
from .steps import DocumentClosedError
from .writing import Below, add_layer, keep_provenance, update_layer

if TYPE_CHECKING:
    from krita import Document

    from .scumble_client.client import Event, Job
    from .scumble_client.editor.layout import Rect
    from .scumble_client.editor.reading import Steps
    from .scumble_client.errors import ScumbleError
    from .scumble_client.request import Result
    from .studio import Studio


TICK_MS = 50


class Live(QObject):
    """At most one session at a time. `changed`: live mode was switched on or off."""

    changed = Signal()

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio)
        self.studio = studio
        self.session: Optional[LiveSession] = None
        self._last: Optional[LiveSession] = None
        self._timer = QTimer(self)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._tick)

    @property
    def on(self) -> bool:
        return self.session is not None

    @property
    def updates(self) -> int:
        """How many results the last session has shown."""
        return self._last.updates if self._last is not None else 0

    def start(self, name: str) -> bool:
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
        self.session = self._last = LiveSession(self, operation, cast("Document", document), chosen, sources)
        self._timer.start()
        self.changed.emit()
        return True

    def stop(self) -> None:
        """Switch off; the layer stays as it is."""
        session, self.session = self.session, None
        self._timer.stop()
        if session is not None:
            session.cancel()
        self.changed.emit()

    def close(self) -> None:
        self._timer.stop()
        self.session = None

    def _tick(self) -> None:
        if self.session is not None:
            self.session.tick()

    def handle(self, event: Event) -> bool:
        """Whether the event was about a live job."""
        return self.session is not None and self.session.handle(event)


class LiveSession:
    """Live mode from its start to its end: one operation that follows one document.

    All that goes on for it, reading, hashing, placing, belongs to the session, and ends with it: nothing that was
    begun for one document can come to another.
    """

    def __init__(
        self,
        live: Live,
        operation: Dict[str, Any],
        document: Document,
        chosen: Mapping[str, Source],
        sources: Dict[str, Source],
    ) -> None:
        self.live, self.studio = live, live.studio
        self.operation, self.document = operation, document
        self.layer, self.updates = "", 0
        self._chosen = chosen
        self._sources = {role: source.pinned() for role, source in sources.items()}
        self._place = runs.place_of(document, self._sources)
        self._seed = self.studio.next_seed()
        self._pace = Pace(two_steps=bool(self.operation.get("live")))
        self._parameters = self.studio.parameters(operation)
        self._reading = self._placing = self._writing = False
        self._job: Optional[Job] = None
        self._sent: Optional[Provenance] = None
        self._covered: Optional[Rect] = None
        self._below = Below()
        self._said = ""

    @property
    def current(self) -> bool:
        return self.live.session is self

    def cancel(self) -> None:
        """The artist has switched it off: the job that is under way is not wanted any more."""
        if self._job is not None:
            self.studio.connection.cancel(self._job)

    def tick(self) -> None:
        """Look at the document, where it is time."""
        if self._reading or self._placing:
            return
        if not is_open(self.document) or (self.layer and find(self.document, self.layer) is None):
            self.live.stop()
        elif self._pace.may_look(time.monotonic()):
            self._reading = True
            self._start(self._look())

    def handle(self, event: Event) -> bool:
        """Whether the event was about this session's job."""
        job = event.job
        if job is None or job is not self._job:
            return False
        if event.kind == "result":
            self._job, self._placing = None, True
            self._start(self._show(cast(Provenance, self._sent), job))
        elif event.kind == "error":
            self._job = None
            assert event.error is not None
            if event.error.code == "cancelled":
                self._pace.ended(time.monotonic(), again=True)
            elif event.error.code == "missing_input":
                self._wait(event.error)
            else:
                self._end(event.error)
        return True

    def _wait(self, error: ScumbleError) -> None:
        """Something is still to be painted or selected: it is said once, and live mode goes on when the inputs change."""
        self._pace.ended(time.monotonic())
        if str(error) != self._said:
            self._said = str(error)
            self.studio.fail(error)

    def _start(self, steps: Steps[Any]) -> None:
        # A layer that is being written is written to its end.
        self.studio.steps.start(steps, self.document, self._end, lambda: self.current or self._writing)

    def _end(self, error: BaseException) -> None:
        """Something went wrong; the artist is told, unless the document was closed or live mode is off already."""
        told = as_error(error)  # a defect goes to the log in any case
        if self.current:
            self.live.stop()
            if not isinstance(error, DocumentClosedError):
                self.studio.fail(told)

    def _look(self) -> Steps[None]:
        """Steps: read the inputs, and submit them where they have changed."""
        begun = time.monotonic()
        operation = self.operation
        view = view_of(self.document)
        chosen = dict(self._sources)
        if self._chosen.get("mask", Source()).kind == "auto":
            chosen.pop("mask", None)  # the selection may come and go
        sources = resolve(operation, chosen, view)
        if Krita.instance().activeDocument() == self.document:  # what is changed elsewhere is not meant for this one
            self._parameters = self.studio.parameters(operation)
        parameters = self._parameters
        automatic = self._chosen.get("image", Source()).kind == "auto"
        pixels, used = yield from runs.read(
            self.studio, self.document, operation, sources, automatic=automatic, own=self.layer
        )
        cost = time.monotonic() - begun
        digests = yield from runs.in_background(self.studio, lambda: {role: one.digest for role, one in pixels.items()})
        self._reading = False
        seen = (digests, parameters, {r: (p.x, p.y, p.width, p.height) for r, p in pixels.items()})
        if not self._pace.looked(time.monotonic(), seen, cost):
            return
        replaces = self._job.id if self._job is not None else None
        if self._pace.rough:
            parameters = {**parameters, **operation["live"]}
        self._sent = Provenance(operation["name"], parameters, self._seed).sent(used, pixels)
        request = Request(operation["name"], pixels, parameters, self._seed, replaces=replaces)
        self._job = self.studio.connection.submit(request)

    def _show(self, sent: Provenance, job: Job) -> Steps[None]:
        """Steps: the first result becomes a layer, the later ones are written over it."""
        self.studio.connection.received(job)
        result = cast("Result", job.result)
        document, new = self.document, result.layers[0]
        (made,) = sent.of_each(result, [new])
        folder = folder_of(document.fileName())
        text = yield from runs.in_background(self.studio, lambda: dump(made, folder))
        self._writing = True
        if not self.layer:
            (name,) = self.studio.results.names(document, self.operation["title"])
            self.layer = yield from add_layer(document, self._place, name, new.pixels, kept=self._below)
        elif not (yield from update_layer(document, self.layer, new.pixels, self._covered, self._below)):
            if self.current:
                self.live.stop()
                self.studio.say(messages.LIVE_GONE)
            return
        keep_provenance(document, self.layer, text)
        self._covered = (new.pixels.x, new.pixels.y, new.pixels.width, new.pixels.height)
        self.updates += 1
        self._said = ""
        self._pace.ended(time.monotonic())
        self._placing = self._writing = False
