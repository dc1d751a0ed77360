"""Widgets, and what is drawn in them: not checked. A dialog's faults are found by the tests in GIMP itself."""

from typing import Any

def __getattr__(name: str) -> Any: ...
