"""What an operation would make of a part of the picture, beside its controls: made anew on each change, by the daemon.

The dialog never waits for it: requests go out a moment after the last change, each in place of the one before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict, Optional, Tuple, cast

from host import Gimp, GLib
from inputs import AUTOMATIC, Inputs
from runs import client_name

from scumble_client import Client
from scumble_client.editor.form import is_slow
from scumble_client.editor.jobs import job_text
from scumble_client.editor.layout import intersection
from scumble_client.editor.messages import STARTING
from scumble_client.editor.roles import resolve
from scumble_client.errors import ScumbleError
from scumble_client.request import Request

if TYPE_CHECKING:
    from edited_picture import EditedPicture

    from scumble_client.client import Job
    from scumble_client.editor.layout import Rect
    from scumble_client.editor.roles import Source
    from scumble_client.editor.settings import EditorSettings
    from scumble_client.request import Result


SIDE, LEAST_SIDE = 360, 120
"""Longest side of the picture on the screen, in pixels; on a small screen less."""

COARSE = 120
"""Of the one that is made first: a ninth of the pixels, so that something is seen soon."""

LEAST = 32
"""So many pixels of the document are seen at least."""

ZOOM = 1.25
REST_MS = 120
"""A control that moves on within this time has not come to rest."""

POLL_MS = 30

HOW = "Hold the mouse button down to see it as it was; turn the wheel to come closer."
BEFORE = "As it was."
SLOW = "No preview: this method takes minutes."
WORKING = "Working"


class Preview:
    """`widget` has the picture, a line on it, and the box that turns it off.

    `asked` gives what to make a preview of, (sources, parameters, seed, input); it raises ScumbleError where that is not
    whole.
    """

    def __init__(
        self,
        gtk: Any,
        picture: EditedPicture,
        operation: Dict[str, Any],
        settings: EditorSettings,
        asked: Callable[[], Tuple[Dict[str, Source], Dict[str, Any], int, str]],
    ) -> None:
        from gi.repository import Gdk, GdkPixbuf

        self._gdk, self._pixbuf = Gdk, GdkPixbuf
        self._picture, self._operation, self._settings, self._asked = picture, operation, settings, asked
        self._inputs: Dict[bool, Inputs] = {}
        self._client: Optional[Client] = None
        self._job: Optional[Job] = None
        self._shown: Optional[Tuple[Tuple[bytes, int, int], ...]] = None
        self.is_fine = False
        """Whether the last request was for the picture at its whole size."""
        self._question: Optional[Tuple[Any, ...]] = None
        """What is shown, or on its way."""
        self._rest = 0
        self._timer = 0
        self.view = first_view(picture.image)
        self._moved = False
        self._image = gtk.Image()
        self.area = gtk.EventBox()
        self.set_side(SIDE)
        self.area.add(self._image)
        masks = Gdk.EventMask.BUTTON_PRESS_MASK | Gdk.EventMask.BUTTON_RELEASE_MASK | Gdk.EventMask.SCROLL_MASK
        self.area.add_events(masks)
        self.area.connect("button-press-event", lambda *_: self._show(before=True))
        self.area.connect("button-release-event", lambda *_: self._show(before=False))
        self.area.connect("scroll-event", self._turned)
        self._line = gtk.Label(label="", xalign=0.0, yalign=0.0)
        self._line.set_line_wrap(True)
        self._line.set_max_width_chars(44)
        self._line.set_width_chars(44)
        self._line.set_lines(2)
        self.on = gtk.CheckButton.new_with_mnemonic("Previe_w")
        self.on.set_active(settings.option("preview"))
        self.on.connect("toggled", self._turned_on_or_off)
        self.widget = gtk.Box(orientation=gtk.Orientation.VERTICAL, spacing=6)
        frame = gtk.Frame()
        frame.add(self.area)
        for part in (frame, self._line, self.on):
            self.widget.pack_start(part, False, False, 0)

    @property
    def text(self) -> str:
        """What stands below the picture."""
        return str(self._line.get_text())

    @property
    def pair(self) -> Optional[Tuple[Tuple[bytes, int, int], ...]]:
        """The picture before and after as (RGBA, width, height) each; None while there is none."""
        return self._shown

    def set_side(self, most: int) -> None:
        """How large the picture may be at most, in pixels."""
        self._side = max(min(SIDE, most), LEAST_SIDE)
        self.area.set_size_request(self._side, self._side)

    def changed(self) -> None:
        """Something that decides what comes out may be another now."""
        if self._rest:
            GLib.source_remove(self._rest)
        self._rest = GLib.timeout_add(REST_MS, self._rested)

    def begin(self) -> None:
        """Ask for the first one at once: the daemon works while the dialog around it is being made."""
        try:
            self._rested()
        except Exception:
            self._question = None  # the dialog opens all the same, and asks once more when it stands

    def look_again(self) -> None:
        """The picture may have been worked on meanwhile."""
        self._question = None
        for inputs in self._inputs.values():
            inputs.forget()
        if not self._moved:
            self.view = first_view(self._picture.image)
        self.changed()

    def close(self) -> None:
        """Nothing comes any more."""
        for source in (self._rest, self._timer):
            if source:
                GLib.source_remove(source)
        self._rest = self._timer = 0
        if self._client is not None:
            if self._job is not None:
                self._client.cancel(self._job)
            self._client.close()

    def _turned_on_or_off(self, _: Any) -> None:
        self._settings.set_option("preview", self.on.get_active())
        self.changed()

    def _rested(self) -> bool:
        self._rest = 0
        self._ask(min(COARSE, self._side))
        return False

    def _ask(self, side: int) -> None:
        try:
            self._submit(side)
        except ScumbleError as error:
            self._none(str(error))

    def _submit(self, side: int) -> None:
        if not self.on.get_active():
            self._none("")
            return
        chosen, parameters, seed, wanted = self._asked()
        if is_slow(self._operation, parameters):
            self._none(SLOW)
            return
        question = (repr(sorted(parameters.items())), seed, wanted, self.view, chosen)
        if question == self._question and side != self._side:
            return  # a change that has none for what is seen
        if self._shown is None:
            self._line.set_text(WORKING)
        self._connected().connect()  # while the pixels are read
        sources = resolve(self._operation, chosen, self._picture.view())
        pixels, _ = self._inputs_for(wanted).read(sources)
        x, y, width, height = self.view
        view = {"x": x, "y": y, "width": width, "height": height, "side": side}
        before = self._job.id if self._job is not None and not self._job.ended else None
        request = Request(self._operation["name"], pixels, parameters, seed, replaces=before, view=view)
        self._job = self._connected().submit(request)
        self._question = question
        self.is_fine = side == self._side or max(width, height) <= side

    def _inputs_for(self, wanted: str) -> Inputs:
        """What was read stays, so that an unchanged layer is neither read nor sent twice."""
        with_results = wanted == AUTOMATIC
        if with_results not in self._inputs:
            self._inputs[with_results] = Inputs(self._picture, self._operation, self._settings, with_results)
        return self._inputs[with_results]

    def _connected(self) -> Client:
        if self._client is None:
            self._client = Client(client_name())
            self._timer = GLib.timeout_add(POLL_MS, self._poll)
        return self._client

    def _poll(self) -> bool:
        client = self._connected()
        for event in client.poll():
            if event.kind == "state" and event.state == "starting":
                self._line.set_text(STARTING)
            if event.job is None or event.job is not self._job:
                continue  # of a request that another one has replaced
            if event.kind == "result":
                client.received(event.job)
                self._take(cast("Result", event.job.result))
                if self._shown is not None and not self.is_fine:
                    self._ask(self._side)
            elif event.kind == "error":
                self._none(str(event.error))
            else:
                self._line.set_text(job_text(event.job) or WORKING)
        return True

    def _take(self, result: Result) -> None:
        pair = {layer.name: layer.pixels for layer in result.layers}
        if set(pair) != {"Before", "After"}:
            self._none("The daemon is older than this plug-in, and makes no previews. Bring it up to date.")
            return
        self._shown = tuple(
            (bytes(pixels.data), pixels.width, pixels.height) for pixels in (pair["Before"], pair["After"])
        )
        self._show(before=False)

    def _none(self, why: str) -> None:
        """No picture, and why."""
        if self._client is not None and self._job is not None and not self._job.ended:
            self._client.cancel(self._job)
        self._job = self._shown = self._question = None
        self._image.clear()
        self._line.set_text(why)

    def _show(self, before: bool) -> bool:
        if self._shown is None:
            return True
        data, width, height = self._shown[0 if before else 1]
        pixels = GLib.Bytes.new(data)
        made = self._pixbuf.Pixbuf.new_from_bytes(
            pixels, self._pixbuf.Colorspace.RGB, True, 8, width, height, 4 * width
        )
        # The document's own pixels are shown as they are; what was made smaller is made smooth.
        how = self._pixbuf.InterpType.NEAREST if width >= self.view[2] else self._pixbuf.InterpType.BILINEAR
        scale = min(self._side / width, self._side / height)
        width, height = max(1, round(width * scale)), max(1, round(height * scale))
        self._image.set_from_pixbuf(made.composite_color_simple(width, height, how, 255, 8, 0xFF999999, 0xFF666666))
        self._line.set_text(BEFORE if before else HOW)
        return True

    def _turned(self, _: Any, event: Any) -> bool:
        """The wheel: what is under the pointer stays there."""
        if event.direction not in (self._gdk.ScrollDirection.UP, self._gdk.ScrollDirection.DOWN):
            return True
        factor = 1 / ZOOM if event.direction == self._gdk.ScrollDirection.UP else ZOOM
        self.zoom(
            event.x / max(self.area.get_allocated_width(), 1),
            event.y / max(self.area.get_allocated_height(), 1),
            factor,
        )
        return True

    def zoom(self, across: float, down: float, factor: float) -> None:
        """Show a part that is `factor` times as large; the point at a share of the way across and down stays in place."""
        self._moved = True
        self.view = zoomed(self.view, (across, down), factor, whole(self._picture.image))
        self.changed()


def whole(image: Gimp.Image) -> Rect:
    """The whole canvas."""
    return 0, 0, image.get_width(), image.get_height()


def first_view(image: Gimp.Image) -> Rect:
    """The part that is looked at first: what is selected with some of what lies around it; all where nothing is."""
    _, selected, left, top, right, bottom = Gimp.Selection.bounds(image)
    if not selected:
        return whole(image)
    margin = max(right - left, bottom - top) // 2 + LEAST
    part = (left - margin, top - margin, right - left + 2 * margin, bottom - top + 2 * margin)
    return intersection(part, whole(image)) or whole(image)


def zoomed(view: Rect, at: Tuple[float, float], factor: float, canvas: Rect) -> Rect:
    """A view that is `factor` times as large, inside the canvas; the point at shares `at` of it stays in place."""
    x, y, width, height = view
    factor = max(factor, min(1.0, LEAST / min(width, height)))
    new_width, new_height = min(round(width * factor), canvas[2]), min(round(height * factor), canvas[3])
    left = round(x + at[0] * (width - new_width))
    top = round(y + at[1] * (height - new_height))
    return (
        min(max(left, canvas[0]), canvas[0] + canvas[2] - new_width),
        min(max(top, canvas[1]), canvas[1] + canvas[3] - new_height),
        new_width,
        new_height,
    )
