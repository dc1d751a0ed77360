"""Data pipelines and trainers of every weight that Scumble ships, and of those that others train long.

Importing this package is cheap; a trainer's module is imported when it is asked for.
"""

from __future__ import annotations

import importlib
from typing import Any

from scumble_client.errors import ScumbleError

from .trainer import Trainer

TRAINERS = {
    "features": "features.TRAINER",
    "inpaint-photo": "inpaint_fill.PHOTO",
    "inpaint-art": "inpaint_fill.ART",
}
"""By name: module of this package, and what it is called there."""


def find(name: str) -> Trainer[Any]:
    """The trainer of that name; ScumbleError `invalid_parameter` where there is none."""
    try:
        module, _, attribute = TRAINERS[name].partition(".")
    except KeyError:
        raise ScumbleError(
            "invalid_parameter", f"There is no model “{name}” to train.", f"Choose one of: {', '.join(TRAINERS)}."
        ) from None
    trainer: Trainer[Any] = getattr(importlib.import_module(f"{__name__}.{module}"), attribute)
    return trainer
