"""Running one operation: the same steps in a worker and, with `--local`, in the command line's own process."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scumble import __version__
from scumble.imaging.layer import Layer
from scumble.imaging.mask_reading import understood
from scumble.operations import find
from scumble.operations.base import Operation, Output
from scumble.operations.context import Context, Models
from scumble_client.errors import ScumbleError

from .device import is_out_of_memory
from .view import View

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What a run gave: layers with their names, sentences for the artist, and what to store with the layers."""

    layers: list[tuple[str, Output]]
    notes: list[str]
    request: dict[str, Any]


def execute(
    operation: str,
    parameters: Mapping[str, Any],
    layers: Mapping[str, Layer],
    seed: int,
    device: str,
    models: Models,
    report: Callable[[float, str], None],
    preview: Callable[[Layer], None] | None = None,
    view: Mapping[str, int] | None = None,
) -> Outcome:
    """Run an operation. Where memory runs out: once more with smaller tiles, then on the CPU, then a clear error.

    With a `view` (x, y, width, height, side) it runs on what is in view, made that small, and gives that part before and
    after, each as a layer.

    Raises ScumbleError; any other exception is a defect in the operation.
    """
    chosen = find(operation)
    chosen.check_roles(list(layers))
    valid = chosen.validate(parameters)
    for role, layer in layers.items():
        if not layer.bounds:
            raise ScumbleError(
                "missing_input", f"The {role} has no pixels (0 × 0).", "Choose a layer that has something on it."
            )
    layers, said = _with_masks_understood(chosen, layers)
    seen = View.of(view) if view is not None else None
    given = layers
    if seen is not None:
        given, valid = seen.layers(chosen, layers), seen.parameters(chosen, valid)
    attempts = [(device, 1.0), (device, 0.5)] + ([("cpu", 1.0)] if device != "cpu" else [])
    for number, (where, scale) in enumerate(attempts):
        context = Context(seed, where, models, report, memory_scale=scale, notes=list(said), preview=preview)
        try:
            outputs = chosen.run(given, valid, context)
            _check_outputs(outputs, given.get("image"))
            break
        except ScumbleError:
            raise  # said already; looking further would import torch, which takes seconds
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            log.warning("out of memory on %s at scale %s: %s", where, scale, error)
            if hasattr(models, "free"):
                models.free()
            if number + 1 == len(attempts):
                raise ScumbleError(
                    "out_of_memory",
                    "There is not enough memory for this layer.",
                    "Close other programs, or select a smaller part.",
                ) from error
    if context.device != device:
        context.note("The graphics card ran out of memory, so this was computed on the CPU.")
    request = {
        "operation": operation,
        "parameters": valid.model_dump(mode="json"),
        "seed": seed,
        "weights": context.weights,
        "version": __version__,
    }
    if context.copied_from:
        request["copied_from"] = context.copied_from
    if seen is not None:
        pair = seen.before_and_after(given["image"], outputs[0].layer)
        outputs = [Output(layer, outputs[0].seed) for layer in pair]
        return Outcome(list(zip(("Before", "After"), outputs, strict=True)), context.notes, request)
    return Outcome([(chosen.title, o) for o in outputs], context.notes, request)


def _check_outputs(outputs: Any, image: Layer | None) -> None:
    """What cannot be sent back is its author's mistake. Raises TypeError, ValueError."""
    if not isinstance(outputs, Sequence) or not outputs or not all(isinstance(one, Output) for one in outputs):
        raise TypeError("`run` must return a list of at least one Output")
    for one in outputs:
        layer = one.layer
        if not isinstance(layer, Layer) or not isinstance(one.seed, int):
            raise TypeError("an Output is a Layer with a seed, a whole number")
        if image and layer is not image and (layer.depth, layer.colour) != (image.depth, image.colour):
            raise ValueError(
                f"a new layer is {layer.depth} and {layer.colour.kind}, but its picture {image.depth} and {image.colour.kind}"
            )


def _with_masks_understood(chosen: Operation[Any], layers: Mapping[str, Layer]) -> tuple[dict[str, Layer], list[str]]:
    """The layers with every mask as its maker meant it, and what was understood."""
    found, notes = dict(layers), list[str]()
    for role in chosen.roles:
        if role.kind == "mask" and role.name in found:
            mask = understood(found[role.name])
            found[role.name] = mask.layer
            notes += mask.notes
    return found, notes
