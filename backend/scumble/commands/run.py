"""`scumble run`: one operation on one picture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scumble_client.errors import ScumbleError

from ..files import write_picture
from ..layers import Layer, composite
from ..operations import find
from . import inputs
from .console import out, print_json, progress_bar, say_note
from .engine import DaemonEngine, Engine, LocalEngine, Made, Order


def run(
    operation: str,
    files: Mapping[str, Path | None],
    settings: list[str],
    mask_from: str | None,
    seed: int,
    out_path: Path | None,
    composite_path: Path | None,
    crop: bool,
    local: bool,
    device: str,
    as_json: bool,
) -> None:
    """Read, run, write. Raises ScumbleError."""
    if out_path is None and composite_path is None:
        raise ScumbleError(
            "invalid_parameter", "There is nowhere to put the result.", "Give --out LAYER.png or --composite PICTURE.png"
        )
    chosen = find(operation)
    given = inputs.parameters(operation, settings, mask_from)
    chosen.check_roles([role for role, path in files.items() if path is not None])
    layers = inputs.layers(files)
    order = Order(operation, layers, given, seed)
    engine: Engine = LocalEngine(device) if local else DaemonEngine()
    with engine, progress_bar() as bar:
        task = bar.add_task(chosen.title, total=1.0)
        ticket = engine.begin(order)
        made = engine.finish(ticket, lambda fraction, message: bar.update(task, completed=fraction, description=message))
        written = write(made, layers["image"], out_path, composite_path, crop)
        engine.received(ticket)
    for note in made.notes:
        say_note(note)
    if as_json:
        print_json({"files": written, "seconds": made.seconds, "notes": made.notes, "request": made.request})
    else:
        for file in written:
            out.print(file["path"])


def write(
    made: Made, image: Layer, out_path: Path | None, composite_path: Path | None, crop: bool
) -> list[dict[str, Any]]:
    """Write every layer and composite; several layers get their number before the suffix."""
    written = []
    for number, (name, layer, seed) in enumerate(made.layers, start=1):
        for kind, path in (("layer", out_path), ("composite", composite_path)):
            if path is None:
                continue
            if len(made.layers) > 1:
                path = path.with_name(f"{path.stem}-{number}{path.suffix}")
            if kind == "composite":
                picture = composite(image, layer)
            else:
                picture = layer if crop else layer.crop(image.bounds)
            for note in write_picture(path, picture):
                say_note(note)
            b = layer.bounds
            written.append({"path": str(path), "kind": kind, "name": name, "seed": seed, "bounds": list(b)})
    return written
