"""From a task to what is sent back: the part that a local worker and a Ray actor have in common."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from scumble_client import wire
from scumble_client.errors import ScumbleError

Store = Callable[[memoryview], dict[str, Any]]
"""Takes a new layer's bytes; its answer says where they are (`buffer` and more), and becomes part of the description."""


def compute(
    task: Mapping[str, Any],
    layers: Mapping[str, Any],
    device: str,
    models: Any,
    report: Callable[[float, str], None],
    preview: Callable[[Any], None] | None,
    store: Store,
) -> dict[str, Any]:
    """Run a task (a pool's `Task` as a mapping, `layers` its roles as `Layer`s); layers, notes, request, seconds.

    Raises ScumbleError; any other exception is a defect in the operation.
    """
    from .execute import execute

    started = time.monotonic()
    view = task.get("view")
    outcome = execute(
        task["operation"], task["parameters"], layers, task["seed"], device, models, report, preview, view
    )
    image = task["roles"].get("image", {})
    swapped = view is None and str(image.get("layout", "")).startswith("bgr")
    results = []
    for name, output in outcome.layers:
        layer = output.layer
        described: dict[str, Any] = {
            "width": layer.extent.width,
            "height": layer.extent.height,
            "x": layer.bounds.x,
            "y": layer.bounds.y,
            "layout": layer.layout,
            "depth": layer.depth,
            "colour": layer.colour.kind,
        }
        if layer is layers.get("image"):  # unchanged: the pool has these bytes
            described |= {"buffer": image["buffer"], "layout": image["layout"]}
        else:
            if swapped and not layer.is_gray:
                described["layout"] = "bgra" if layer.has_alpha else "bgr"
            described |= store(layer.to_buffer(described["layout"]))
        if layer.colour.icc is not None:
            described["icc"] = image["icc"]
        results.append({"name": name, "seed": output.seed, "pixels": described})
    return {
        "layers": results,
        "notes": outcome.notes,
        "request": outcome.request,
        "seconds": time.monotonic() - started,
    }


def layer_of(described: Mapping[str, Any], data: Any, icc: bytes | None) -> Any:
    """A `Layer` over the bytes of a role."""
    from scumble.imaging.colour import Colour
    from scumble.imaging.geometry import Extent, Point
    from scumble.imaging.layer import Layer

    return Layer.from_buffer(
        data,
        Extent(described["width"], described["height"]),
        described["layout"],
        described["depth"],
        Point(described["x"], described["y"]),
        Colour(described["colour"], icc),
    )


def small_picture(layer: Any, longest: int) -> tuple[dict[str, Any], bytes]:
    """A layer as a preview: its description, and 8-bit sRGB with alpha, at most `longest` pixels on a side."""
    import numpy as np

    from scumble.imaging.reduction import factor_for, reduce

    small = reduce(layer, layer.bounds, factor_for(layer.bounds, longest))
    height, width = small.alpha.shape
    values = np.concatenate([small.rgb, small.alpha[..., None]], axis=2)
    data = np.round(np.clip(np.nan_to_num(values), 0, 1) * 255).astype(np.uint8).tobytes()
    pixels = {
        "buffer": wire.digest(data),
        "width": width,
        "height": height,
        "x": 0,
        "y": 0,
        "layout": "rgba",
        "depth": "uint8",
        "colour": "srgb",
    }
    return pixels, data


def internal_error(error: BaseException, operation: str = "", hint: str = "") -> ScumbleError:
    """What to say of an exception that no operation meant: that memory ran out, if it did, else that it is a defect.

    Whose defect it is, is said: of an add-on with what its author has to know.
    """
    from scumble.operations.addons import sentence
    from scumble.operations.registry import origin

    from .device import is_out_of_memory

    if is_out_of_memory(error):
        return ScumbleError(
            "out_of_memory",
            "There is not enough memory for this layer.",
            "Close other programs, or select a smaller part.",
        )
    addon = origin(operation)
    if addon:
        said = f"The add-on {addon} made a mistake in “{operation}”: {sentence(error)}"
        return ScumbleError("internal", said, hint.replace("report it", "report it to its author"))
    return ScumbleError("internal", "Scumble made a mistake while it computed this.", hint)
