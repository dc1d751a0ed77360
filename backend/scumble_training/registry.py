"""Which trainers there are. A trainer's module is imported when it is asked for, so that listing names is cheap."""

from __future__ import annotations

import importlib
from typing import Any

from scumble_client.errors import ScumbleError

from .common.trainer import Trainer

TRAINERS = {
    "face-finish": "faces.finish:TRAINER",
    "face-latent": "faces.latent:TRAINER",
    "face-landmarks": "faces.landmarks:TRAINER",
    "face-sketch": "faces.sketch:TRAINER",
    "features": "style.features:TRAINER",
    "inpaint-art": "inpainting.fill:ART",
    "inpaint-gated": "inpainting.gated:TRAINER",
    "inpaint-mosaic": "mosaic.restoration:TRAINER",
    "inpaint-partial": "inpainting.partial:TRAINER",
    "inpaint-photo": "inpainting.fill:PHOTO",
}
"""By name: module of this package, and what the trainer is called there."""


def find(name: str) -> Trainer[Any]:
    """The trainer of that name; ScumbleError `invalid_parameter` where there is none."""
    try:
        module, _, attribute = TRAINERS[name].partition(":")
    except KeyError:
        raise ScumbleError(
            "invalid_parameter", f"There is no model “{name}” to train.", f"Choose one of: {', '.join(TRAINERS)}."
        ) from None
    trainer: Trainer[Any] = getattr(importlib.import_module(f"{__package__}.{module}"), attribute)
    return trainer
