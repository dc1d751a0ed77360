"""How far a run is, and whether it is to go on: in a small window, or by GIMP's own means where nobody looks.

GIMP's progress bar has a Cancel button that kills the plug-in without a word. So it is used only where there is no window.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Iterator

from host import Gimp, GLib

if TYPE_CHECKING:
    from host import Toolkit


WAKE_MS = 100
SHOW_SECONDS = 0.2
"""A run that is over by then shows no window."""


def ticker(seconds: float) -> Iterator[bool]:
    """Gives True once in so many seconds, else False."""
    after = time.monotonic() + seconds
    while True:
        now = time.monotonic()
        if now >= after:
            after = now + seconds
            yield True
        else:
            yield False


def _said(fraction: float, text: str) -> str:
    """What is being done, and how far it is."""
    return f"{text}, {round(100 * fraction)} %" if fraction else text


class QuietProgress:
    """By GIMP: its status line, or standard output. If GIMP ends the plug-in, the daemon notices."""

    def __init__(self, title: str) -> None:
        self.cancelled = False
        self._event = threading.Event()
        self._said = (-1.0, "")
        Gimp.progress_init(title)

    ticker = staticmethod(ticker)

    def wake(self) -> None:
        """From any thread: something has happened."""
        self._event.set()

    def report(self, fraction: float, text: str) -> None:
        said = _said(fraction, text)
        if said != self._said[1]:
            Gimp.progress_set_text(said)
        if abs(fraction - self._said[0]) >= 0.01:
            Gimp.progress_update(fraction)
        elif said == self._said[1]:
            return
        self._said = (fraction, said)

    def pause(self) -> None:
        self._event.wait(WAKE_MS / 1000)
        self._event.clear()

    def close(self) -> None:
        Gimp.progress_end()


class WindowProgress:
    """A window with a bar and a button that cancels."""

    def __init__(self, title: str, toolkit: Toolkit) -> None:
        gtk, gimp_ui = toolkit
        self.cancelled = False
        self._context = GLib.MainContext.default()
        self._timer = GLib.timeout_add(WAKE_MS, lambda: True)
        self._show_at = time.monotonic() + SHOW_SECONDS
        self._window = gtk.Dialog(title=f"Scumble: {title}")
        self._button = self._window.add_button("_Cancel", gtk.ResponseType.CANCEL)
        self._bar = gtk.ProgressBar(show_text=False)
        self._label = gtk.Label(label="", xalign=0.0)
        box = self._window.get_content_area()
        box.set_border_width(12)
        box.set_spacing(6)
        box.pack_start(self._label, False, False, 0)
        box.pack_start(self._bar, False, False, 0)
        self._window.set_default_size(400, -1)
        self._window.connect("response", self._cancel)
        self._window.connect("delete-event", lambda *_: True)
        gimp_ui.window_set_transient(self._window)

    ticker = staticmethod(ticker)

    def wake(self) -> None:
        """From any thread: something has happened."""
        self._context.wakeup()

    def report(self, fraction: float, text: str) -> None:
        self._bar.set_fraction(min(max(fraction, 0.0), 1.0))
        self._label.set_text("Cancelling" if self.cancelled else _said(fraction, text))
        if not self._window.get_visible() and time.monotonic() >= self._show_at:
            self._window.show_all()

    def pause(self) -> None:
        self._context.iteration(True)
        while self._context.pending():
            self._context.iteration(False)

    def close(self) -> None:
        GLib.source_remove(self._timer)
        self._window.destroy()
        while self._context.pending():
            self._context.iteration(False)

    def _cancel(self, *_: Any) -> None:
        self.cancelled = True
        self._button.set_sensitive(False)
        self._label.set_text("Cancelling")
