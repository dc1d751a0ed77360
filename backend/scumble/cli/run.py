"""`scumble run`: one operation on one picture."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scumble.imaging.io.files import WRITABLE
from scumble.operations import find
from scumble.scripting import Job, Layer, local
from scumble_client.errors import ScumbleError

from . import inputs
from .console import out, print_json, progress_bar, say_note
from .engine import choose


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
    in_process: bool,
    device: str,
    as_json: bool,
    invert_mask: bool = False,
    writing: Writing | None = None,
    dry_run: bool = False,
) -> None:
    """Read, run, write; with `dry_run` only read, check, and say what would be written. Raises ScumbleError."""
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
    if dry_run:
        local().submit(operation, seed=seed, parameters={**given, **read})  # all that is checked before the work
        targets = [str(path) for path in (out_path, composite_path) if path]
        if as_json:
            print_json({"would_write": targets})
        for target in targets if not as_json else []:
            out.print(f"Would write {target}.")
        return
    with choose(in_process, device) as engine, progress_bar() as bar:
        task = bar.add_task(chosen.title, total=1.0)
        job = engine.submit(operation, seed=seed, parameters={**given, **read})
        try:
            layers = job.wait(progress=lambda job: bar.update(task, completed=job.fraction, description=job.message))
        except BaseException:
            stopped(job)
            raise
        written = write(layers, read["image"], out_path, composite_path, crop, writing or Writing())
        job.received()
    for note in job.notes:
        say_note(note)
    if as_json:
        print_json({"files": written, "seconds": job.seconds, "notes": job.notes, "request": job.request})
    else:
        for file in written:
            out.print(file["path"])


def stopped(job: Job) -> None:
    """Cancel it, and see it end: the next command finds nothing of it."""
    if not job.ended:
        job.cancel()
        try:
            job.wait(timeout=5)
        except ScumbleError:
            pass


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
    layers: Sequence[Layer],
    image: Layer,
    out_path: Path | None,
    composite_path: Path | None,
    crop: bool,
    writing: Writing,
) -> list[dict[str, Any]]:
    """Write every layer and composite; several layers get their number before the suffix.

    A composite is the picture changed, so it keeps what is said of that; a layer has only its resolution.
    """
    written = []
    for number, layer in enumerate(layers, start=1):
        for kind, path in (("layer", out_path), ("composite", composite_path)):
            if path is None:
                continue
            if len(layers) > 1:
                path = path.with_name(f"{path.stem}-{number}{path.suffix}")
            if kind == "composite":
                notes = layer.over(image).save(path, quality=writing.quality, metadata=writing.metadata)
            else:
                notes = layer.save(path, crop=crop, quality=writing.quality, metadata=writing.metadata)
            for note in notes:
                say_note(note)
            bounds = list(layer.bounds)
            written.append({"path": str(path), "kind": kind, "name": layer.name, "seed": layer.seed, "bounds": bounds})
    return written
