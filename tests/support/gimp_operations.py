"""An operation for the tests in GIMP: slow, and in the menu."""

from __future__ import annotations

from .operations import Slow


class Waiting(Slow):
    name = "test-waiting"
    title = "Waiting"
    hidden = False
