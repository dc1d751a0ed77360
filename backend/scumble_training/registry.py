"""Which trainers there are: Scumble's own, and those of add-ons.

A trainer's module is imported when it is asked for, so that listing names is cheap. Add-ons name theirs in the entry point group
`scumble.trainers` (`NAME = "module:TRAINER"`); one that has a fault costs itself alone.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from functools import cache
from typing import Any

from pydantic import BaseModel

from scumble.operations.addons import Fault, Installed, installed, sentence
from scumble_client.errors import ScumbleError

from .common.trainer import Trainer

TRAINERS = {
    "face-finish": "faces.finish:TRAINER",
    "face-latent": "faces.latent:TRAINER",
    "face-landmarks": "faces.landmarks:TRAINER",
    "face-parsing": "faces.parsing:TRAINER",
    "face-shapes": "faces.shapes:TRAINER",
    "face-sketch": "faces.sketch:TRAINER",
    "features": "style.features:TRAINER",
    "inpaint-art": "inpainting.fill:ART",
    "inpaint-gated": "inpainting.gated:TRAINER",
    "inpaint-mosaic": "mosaic.restoration:TRAINER",
    "inpaint-partial": "inpainting.partial:TRAINER",
    "inpaint-photo": "inpainting.fill:PHOTO",
    "style": "style.network:TRAINER",
}
"""Scumble's own by name: module of this package, and what the trainer is called there."""

GROUP = "scumble.trainers"


def names() -> list[str]:
    """Of all trainers: Scumble's own, then those of add-ons."""
    return [*TRAINERS, *_addons()[0]]


def faults() -> Sequence[Fault]:
    """What of the add-ons can't even be asked for. Whether a trainer can be loaded is known when it is."""
    return _addons()[1]


def forget() -> None:
    """Look again at the next call: for tests that install something."""
    _addons.cache_clear()


def find(name: str) -> Trainer[Any]:
    """The trainer of that name; ScumbleError `invalid_parameter` where there is none, or an add-on's can't be used."""
    if name in TRAINERS:
        module, _, attribute = TRAINERS[name].partition(":")
        trainer: Trainer[Any] = getattr(importlib.import_module(f"{__package__}.{module}"), attribute)
        return trainer
    addons, left_out = _addons()
    if name in addons:
        return _load(addons[name])
    broken = next((fault for fault in left_out if name in fault.names), None)
    if broken:
        raise ScumbleError("invalid_parameter", broken.message, broken.hint)
    raise ScumbleError(
        "invalid_parameter", f"There is no model “{name}” to train.", f"Choose one of: {', '.join(names())}."
    )


@cache
def _addons() -> tuple[dict[str, Installed], tuple[Fault, ...]]:
    faults: list[Fault] = []
    found: dict[str, Installed] = {}
    for point in installed(GROUP, faults):
        name = point.point.name
        if name in TRAINERS or name in found or name == "list":
            other = found[name].shown if name in found else "Scumble itself"
            said = f"The trainer “{name}” of the add-on {point.shown} is left out: {other} has one of that name."
            faults.append(Fault(point.shown, said, "Its author has to choose another name.", (name,)))
        else:
            found[name] = point
    return found, tuple(faults)


def _load(addon: Installed) -> Trainer[Any]:
    said = f"The trainer “{addon.point.name}” of the add-on {addon.shown} can't be used"
    hint = f"Ask its author, or take it away: pip uninstall {addon.package}"
    try:
        trainer = addon.load()
    except (Exception, SystemExit) as error:
        raise ScumbleError("invalid_parameter", f"{said}: {sentence(error)}", hint) from error
    if not isinstance(trainer, Trainer):
        raise ScumbleError("invalid_parameter", f"{said}: it is no Trainer, but a {type(trainer).__name__}.", hint)
    if not (isinstance(trainer.settings, type) and issubclass(trainer.settings, BaseModel)):
        raise ScumbleError("invalid_parameter", f"{said}: its settings are no TrainerSettings.", hint)
    return trainer
