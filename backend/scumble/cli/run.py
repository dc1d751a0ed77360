"""`scumble run`: one operation on one picture."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scumble.imaging.io.files import WRITABLE, Metadata, write_picture
from scumble.imaging.layer import composite
from scumble.operations import find
from scumble_client.errors import ScumbleError

from . import inputs
from .console import out, print_json, progress_bar, say_note
from .engine import EngineResult, Order, choose


@dataclass(frozen=True)
class Writing:
    """How results are written."""

    metadata: bool = True
    """Whether they say what the picture's file says of it."""

    quality: int = 95
    """Of JPEG, 1 to 100."""


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
    invert_mask: bool = False,
    writing: Writing | None = None,
) -> None:
    """Read, run, write. Raises ScumbleError."""
    if out_path is None and composite_path is None:
        raise ScumbleError(
            "invalid_parameter",
            "There is nowhere to put the result.",
            "Give --out LAYER.png or --composite PICTURE.png",
        )
    chosen = find(operation)
    given = inputs.parameters(operation, settings, mask_from)
    check_targets([p for p in (out_path, composite_path) if p], [p for p in files.values() if p])
    read = inputs.read(files, operation, invert_mask)
    order = Order(operation, read.layers, given, seed)
    with choose(local, device) as engine, progress_bar() as bar:
        task = bar.add_task(chosen.title, total=1.0)
        ticket = engine.begin(order)
        made = engine.finish(
            ticket, lambda fraction, message: bar.update(task, completed=fraction, description=message)
        )
        written = write(made, read, out_path, composite_path, crop, writing or Writing())
        engine.received(ticket)
    for note in made.notes:
        say_note(note)
    if as_json:
        print_json({"files": written, "seconds": made.seconds, "notes": made.notes, "request": made.request})
    else:
        for file in written:
            out.print(file["path"])


def check_targets(targets: list[Path], sources: list[Path]) -> None:
    """What would keep the results from being written is said before the work, not after it. Raises ScumbleError."""
    for path in targets:
        if path.suffix.lower() not in WRITABLE:
            raise ScumbleError(
                "invalid_parameter",
                f"Scumble can't tell in which format to write “{path.name}”.",
                f"Let its name end in one of {', '.join(WRITABLE)}.",
            )
        if not path.parent.is_dir():
            raise ScumbleError(
                "invalid_parameter",
                f"There is no folder “{path.parent}” to write “{path.name}” to.",
                "Make the folder, or write elsewhere.",
            )
        if any(real(path) == real(source) for source in sources):
            raise ScumbleError(
                "invalid_parameter", f"“{path.name}” would replace a picture that is read.", "Choose another name."
            )
    if len({real(path) for path in targets}) < len(targets):
        raise ScumbleError("invalid_parameter", "Layer and composite can't be one file.", "Choose two names.")


def real(path: Path) -> Path:
    """Without links; one that leads to itself stays as it is."""
    return Path(os.path.realpath(path))


def write(
    made: EngineResult,
    given: inputs.Given,
    out_path: Path | None,
    composite_path: Path | None,
    crop: bool,
    writing: Writing,
) -> list[dict[str, Any]]:
    """Write every layer and composite; several layers get their number before the suffix.

    A composite is the picture changed, so it keeps what is said of that; a layer has only its resolution.
    """
    written = []
    image, metadata = given.layers["image"], given.metadata if writing.metadata else Metadata()
    for number, (name, layer, seed) in enumerate(made.layers, start=1):
        for kind, path in (("layer", out_path), ("composite", composite_path)):
            if path is None:
                continue
            if len(made.layers) > 1:
                path = path.with_name(f"{path.stem}-{number}{path.suffix}")
            new = layer if crop else layer.crop(image.bounds)
            whole = kind == "composite"
            notes = write_picture(
                path,
                composite(image, layer) if whole else new,
                quality=writing.quality,
                metadata=metadata if whole else metadata.only_resolution(),
            )
            for note in notes:
                say_note(note)
            b = layer.bounds
            written.append({"path": str(path), "kind": kind, "name": name, "seed": seed, "bounds": list(b)})
    return written
