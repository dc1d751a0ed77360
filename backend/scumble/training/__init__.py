"""Data pipelines and trainers of every weight that Scumble ships, and of those that others train long.

Importing this package is cheap; a trainer's module is imported when it is asked for.
"""

from __future__ import annotations

import importlib
from typing import Any

from scumble_client.errors import ScumbleError

from .trainer import Trainer

TRAINERS = {
    "features": "features",
    "inpaint-gated": "inpaint_gated",
    "inpaint-mosaic": "inpaint_mosaic",
    "inpaint-partial": "inpaint_partial",
}
"""By name: the module of this package whose `TRAINER` it is."""


def find(name: str) -> Trainer[Any]:
    """The trainer of that name; ScumbleError `invalid_parameter` where there is none."""
    try:
        module = TRAINERS[name]
    except KeyError:
        raise ScumbleError(
            "invalid_parameter", f"There is no model “{name}” to train.", f"Choose one of: {', '.join(TRAINERS)}."
        ) from None
    trainer: Trainer[Any] = importlib.import_module(f"{__name__}.{module}").TRAINER
    return trainer
