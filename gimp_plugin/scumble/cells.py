"""A grid of numbers as cells to paint, for operations that have such a parameter (the latent canvas)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, Optional, Sequence, Tuple

if TYPE_CHECKING:
    from arguments import Arguments
    from host import Gimp


CELL = 20
"""Pixels of a cell on the screen."""

LINE = b"\x48\x48\x48"
"""The colour between cells, red, green and blue."""

TOUCH = 0.25
"""How far one touch moves a cell, as a share of the way from the middle to an end."""

HELP = "Paint: the left button makes a cell lighter, the right one or Shift darker. A double click sets it back."


class CellCanvas:
    """Cells that are painted lighter or darker, for an argument that is a text of numbers; `widget` is all of it."""

    def __init__(self, gtk: Any, arguments: Arguments, config: Gimp.ProcedureConfig, parameter: Dict[str, Any]) -> None:
        from gi.repository import Gdk

        self._gtk, self._gdk = gtk, Gdk
        self._arguments, self._config, self._parameter = arguments, config, parameter
        self._rows, self._columns = int(parameter["rows"]), int(parameter["columns"])
        self._low, self._high = float(parameter["minimum"]), float(parameter["maximum"])
        self._cells: List[float] = []
        self._last: Optional[Tuple[int, int]] = None
        self._picture = gtk.Image()
        self.area = gtk.EventBox()
        self.area.set_tooltip_text(f"{parameter['help']} {HELP}")
        self.area.set_halign(gtk.Align.START)
        self.area.add(self._picture)
        masks = Gdk.EventMask.BUTTON_PRESS_MASK | Gdk.EventMask.BUTTON_RELEASE_MASK
        self.area.add_events(masks | Gdk.EventMask.BUTTON_MOTION_MASK)
        self.area.connect("button-press-event", self._pressed)
        self.area.connect("motion-notify-event", self._moved)
        self.area.connect("button-release-event", self._released)
        self.clear = gtk.Button(label="Clear")
        self.clear.set_tooltip_text("All cells back to the middle.")
        self.clear.set_valign(gtk.Align.END)
        self.clear.connect("clicked", lambda *_: self._keep([]))
        self.label = gtk.Label(label=parameter["title"], xalign=0.0)
        self.label.set_valign(gtk.Align.START)
        self.widget = gtk.Box(orientation=gtk.Orientation.HORIZONTAL, spacing=6)
        for part in (self.label, self.area, self.clear):
            self.widget.pack_start(part, False, False, 0)
        self.show()

    @property
    def neutral(self) -> float:
        """The value of a cell that was not touched."""
        return min(max(0.0, self._low), self._high)

    def show(self) -> None:
        """Show the numbers of the argument."""
        from gi.repository import GdkPixbuf, GLib

        self._cells = list(self._arguments.tidy_values(self._config)[self._parameter["name"]])
        span = (self._high - self._low) or 1.0
        cells = self._cells or [self.neutral] * (self._rows * self._columns)
        pixels = bytearray()
        for row in range(self._rows):
            line = bytearray()
            for value in cells[row * self._columns : (row + 1) * self._columns]:
                line += bytes([round(255 * (value - self._low) / span)] * 3) * (CELL - 1) + LINE
            pixels += line * (CELL - 1) + LINE * (CELL * self._columns)
        width, height = CELL * self._columns, CELL * self._rows
        data = GLib.Bytes.new(bytes(pixels))
        self._picture.set_from_pixbuf(
            GdkPixbuf.Pixbuf.new_from_bytes(data, GdkPixbuf.Colorspace.RGB, False, 8, width, height, 3 * width)
        )

    def touch(self, row: int, column: int, lighter: bool) -> None:
        """One touch of a cell."""
        cells = list(self._cells) or [self.neutral] * (self._rows * self._columns)
        step = (self._high - self._low) / 2 * TOUCH
        place = row * self._columns + column
        cells[place] = min(max(cells[place] + (step if lighter else -step), self._low), self._high)
        self._keep(cells)

    def _keep(self, cells: Sequence[float]) -> None:
        self._arguments.set_value(self._config, self._parameter, cells)
        self.show()

    def _pressed(self, _: Any, event: Any) -> bool:
        self._last = None
        if event.type == self._gdk.EventType.DOUBLE_BUTTON_PRESS:
            cell = self._at(event)
            if cell is not None and self._cells:
                cells = list(self._cells)
                cells[cell[0] * self._columns + cell[1]] = self.neutral
                self._keep(cells)
        elif event.type == self._gdk.EventType.BUTTON_PRESS:
            self._drawn(event, event.button == self._gdk.BUTTON_SECONDARY)
        return True

    def _moved(self, _: Any, event: Any) -> bool:
        self._drawn(event, bool(event.state & self._gdk.ModifierType.BUTTON3_MASK))
        return True

    def _released(self, *_: Any) -> bool:
        self._last = None
        return True

    def _drawn(self, event: Any, right: bool) -> None:
        """A stroke has come to a cell; each is touched once on its way."""
        cell = self._at(event)
        if cell is None or cell == self._last:
            return
        self._last = cell
        self.touch(*cell, lighter=not (right or event.state & self._gdk.ModifierType.SHIFT_MASK))

    def _at(self, event: Any) -> Optional[Tuple[int, int]]:
        row, column = int(event.y // CELL), int(event.x // CELL)
        return (row, column) if 0 <= row < self._rows and 0 <= column < self._columns else None
