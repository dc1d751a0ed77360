"""The mouse wheel scrolls a dialog, and changes no value that it happens to pass over."""

from __future__ import annotations

from typing import Any


def leave_values_alone(gtk: Any, widget: Any) -> None:
    """For a widget and all that is in it: GTK's own boxes and fields would take the wheel as a new value.

    A field for numbers takes it where it was clicked into, as one that is meant.
    """
    if isinstance(widget, (gtk.ComboBox, gtk.SpinButton, gtk.Scale)):
        widget.connect("scroll-event", _passed_on, isinstance(widget, gtk.ComboBox))
    elif isinstance(widget, gtk.Container):
        for inner in widget.get_children():
            leave_values_alone(gtk, inner)


def _passed_on(widget: Any, _event: Any, always: bool) -> bool:
    if always or not widget.has_focus():
        widget.stop_emission_by_name("scroll-event")  # …of the widget's own handler; what is around it gets the event
    return False
