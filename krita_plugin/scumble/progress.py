"""Progress where the eye is, whether or not the docker is shown: in the status bar, or, where that is hidden, over the canvas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, List, Optional

from krita import Krita

from .crash_log import guarded
from .document import owned
from .qt import QObject, QtGui, QTimer, QtWidgets, Signal, sip
from .scumble_client.editor.jobs import progress_text
from .widgets import tool_button

if TYPE_CHECKING:
    from .scumble_client.editor.jobs import Entry
    from .studio import Studio


RENEW_MS = 1000
"""How often the message over the canvas is renewed; it stays for twice as long."""

BAR_WIDTH = 120
"""Pixels."""


class StatusProgress(QObject):
    """One bar for each window, made when the first run begins there. `floated`: what was shown over the canvas instead."""

    floated = Signal(str)

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio)
        self.studio = studio
        self.bars: List[RunBar] = []
        studio.jobs_changed.connect(self.refresh)
        self._timer = QTimer(self)
        self._timer.setInterval(RENEW_MS)
        self._timer.timeout.connect(self._renew)

    @guarded
    def refresh(self, *_: Any) -> None:
        """Show the newest run, or nothing where none is under way."""
        if self.studio.closed:
            return
        entries = self.studio.entries
        self.bars = [bar for bar in self.bars if not sip.isdeleted(bar)]  # of windows that were closed
        if not entries:
            self._timer.stop()
        elif not self._timer.isActive():
            self._timer.start()
        for window in owned(Krita.instance().windows()) if entries else ():
            status: Any = window.qwindow().statusBar()
            if not any(bar.parent() is status for bar in self.bars):
                self.bars.append(RunBar(self.studio, status))
        for bar in self.bars:
            bar.show_run(entries[-1] if entries else None, len(entries))

    @guarded
    def _renew(self) -> None:
        window: Any = Krita.instance().activeWindow()
        view = window.activeView() if window is not None else None
        entries = self.studio.entries
        if view is None or view.document() is None or not entries or window.qwindow().statusBar().isVisible():
            return
        text = run_text(entries[-1])
        view.showFloatingMessage(text, QtGui.QIcon(), 2 * RENEW_MS, 1)
        self.floated.emit(text)


def run_text(entry: Entry) -> str:
    """A run and how far it is, in a few words."""
    return f"{entry.title}: {progress_text(entry)}"


class RunBar(QtWidgets.QWidget):
    """What runs, how far it is, and a button that cancels it."""

    def __init__(self, studio: Studio, status: QtWidgets.QStatusBar) -> None:
        super().__init__(status)
        self.entry: Optional[Entry] = None
        self.text = QtWidgets.QLabel()
        self.bar = QtWidgets.QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setFixedSize(BAR_WIDTH, 10)
        self.cancel = tool_button("✕", "Cancel this run", lambda: studio.cancel(self.entry))
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(4, 0, 4, 0)
        layout.setSpacing(4)
        for widget in (self.text, self.bar, self.cancel):
            layout.addWidget(widget)
        status.addPermanentWidget(self)

    def show_run(self, entry: Optional[Entry], count: int) -> None:
        self.entry = entry
        self.setVisible(entry is not None)
        if entry is not None:
            self.text.setText(run_text(entry) + (f" ({count} runs)" if count > 1 else ""))
            self.bar.setValue(round(1000 * entry.fraction))
            self.cancel.setEnabled(not entry.cancelled)
