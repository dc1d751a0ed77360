"""`scumble demo`: every operation on the bundled pictures, through the daemon, with one contact sheet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from scumble.installers import EDITORS
from scumble.scripting import Engine, Job, Layer, connect

from .console import make_folder, out, progress_bar
from .demo_scenes import Scene, scenes
from .engine import name as own_name

Rgb = NDArray[np.uint8]

GAP, HEAD = 8, 20
ROW = 256
"""Height of the contact sheet's pictures."""


def demo(folder: Path) -> None:
    """Run every scene; layers, composites, strips (before, what is given, after) and a sheet of them all go to `folder`."""
    make_folder(folder)
    rows: list[tuple[Scene, list[Rgb]]] = []
    shown = scenes()
    with connect(name=own_name()) as engine, progress_bar() as bar:
        task = bar.add_task("Starting the daemon", total=float(len(shown)))
        for number, scene in enumerate(shown):

            def report(job: Job, number: int = number) -> None:
                bar.update(task, completed=number + job.fraction, description=f"{job.name}: {job.message}")

            rows.append((scene, _run(scene, folder, engine, report)))
            write_rows([rows[-1]], folder / f"{scene.name}-strip.png")
    sheet = folder / "contact-sheet.png"
    write_rows([(scene, [_of_height(part, ROW) for part in parts]) for scene, parts in rows], sheet)
    out.print(f"Before, what was given, after: {sheet}")
    for editor in EDITORS.values():
        if editor.present():
            out.print(f"{editor.title} is on this machine. To have all this in it: scumble install {editor.name}")


def _run(scene: Scene, folder: Path, engine: Engine, report: Callable[[Job], None]) -> list[Rgb]:
    """Picture, what is given, result."""
    image = Layer.open(scene.image)
    given = {**scene.parameters, **scene.layers}
    job = engine.submit(scene.operation, image, seed=1, name=scene.name, parameters=given)
    layer = job.wait(progress=report)[0]
    result = layer.over(image)
    layer.save(folder / f"{scene.name}-layer.png")
    result.save(folder / f"{scene.name}.png")
    job.received()
    out.print(f"{scene.name}: {job.seconds:.1f} s → {folder / scene.name}.png")
    shown = _of_height(scene.shown, scene.image.extent.height)
    return [scene.image.pixels[..., :3], shown, result.source.pixels[..., :3]]


def _of_height(picture: Rgb, height: int) -> Rgb:
    if picture.shape[0] == height:
        return picture
    size = round(picture.shape[1] * height / picture.shape[0]), height
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))


def write_rows(rows: list[tuple[Scene, list[Rgb]]], path: Path) -> None:
    """Rows of pictures on white, each under its titles."""
    height = sum(HEAD + parts[0].shape[0] + GAP for _, parts in rows) - GAP
    width = max(sum(part.shape[1] + GAP for part in parts) for _, parts in rows) - GAP
    sheet = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(sheet)
    y = 0
    for scene, parts in rows:
        x = 0
        for title, part in zip((scene.operation, scene.given, "with the new layer"), parts, strict=True):
            draw.text((x + 4, y + 4), title, fill="black")
            sheet.paste(Image.fromarray(part), (x, y + HEAD))
            x += part.shape[1] + GAP
        y += HEAD + parts[0].shape[0] + GAP
    sheet.save(path)
