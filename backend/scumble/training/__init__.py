"""Data pipelines and trainers of every weight that Scumble ships, and of those that others train long.

Importing this package is cheap; a trainer's module is imported when it is asked for.
"""

from __future__ import annotations

import importlib
from typing import Any

from scumble_client.errors import ScumbleError

from .trainer import Trainer

TRAINERS = {
    "face-latent": "face_latent",
    "face-landmarks": "face_landmarks",
    "face-sketch": "face_sketch",
    "features": "features",
    "inpaint-art": "inpaint_fill.ART",
    "inpaint-gated": "inpaint_gated",
    "inpaint-mosaic": "inpaint_mosaic",
    "inpaint-partial": "inpaint_partial",
    "inpaint-photo": "inpaint_fill.PHOTO",
}
"""By name: module of this package, and what the trainer is called there where it is not `TRAINER`."""


def find(name: str) -> Trainer[Any]:
    """The trainer of that name; ScumbleError `invalid_parameter` where there is none."""
    try:
        module, _, attribute = TRAINERS[name].partition(".")
    except KeyError:
        raise ScumbleError(
            "invalid_parameter", f"There is no model “{name}” to train.", f"Choose one of: {', '.join(TRAINERS)}."
        ) from None
    trainer: Trainer[Any] = getattr(importlib.import_module(f"{__name__}.{module}"), attribute or "TRAINER")
    return trainer
