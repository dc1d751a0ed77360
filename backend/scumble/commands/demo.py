"""`scumble demo`: every operation on the bundled pictures, through the daemon, with a contact sheet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from ..files import read_picture, write_picture
from ..layers import Layer, composite
from ..pictures import NAMES, picture, selection
from .console import out, progress_bar
from .engine import DaemonEngine, Order

GAP = 8
TITLES = ("the picture", "the selection", "with the new layer")


def demo(folder: Path) -> None:
    """Fill the selection in each picture; layers, composites and `contact-sheet.png` go to `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    with DaemonEngine() as engine, progress_bar() as bar:
        task = bar.add_task("Starting the daemon", total=float(len(NAMES)))
        for number, name in enumerate(NAMES):
            image, mask = read_picture(picture(name)).layer, read_picture(selection(name)).layer
            ticket = engine.begin(Order("inpaint", {"image": image, "mask": mask}, {}, seed=1))

            def report(fraction: float, message: str, number: int = number, name: str = name) -> None:
                bar.update(task, completed=number + fraction, description=f"{name}: {message}")

            made = engine.finish(ticket, report)
            _, layer, _ = made.layers[0]
            result = composite(image, layer)
            write_picture(folder / f"{name}-layer.png", layer.crop(image.bounds))
            write_picture(folder / f"{name}.png", result)
            engine.received(ticket)
            rows.append([image.pixels[..., :3], show_selection(image, mask), result.pixels[..., :3]])
            write_strip(rows[-1], folder / f"{name}-strip.png")
            out.print(f"{name}: filled in {made.seconds:.1f} s → {folder / name}.png")
    sheet = folder / "contact-sheet.png"
    write_strips(rows, sheet)
    out.print(f"Before, selection, after: {sheet}")


def show_selection(image: Layer, mask: Layer) -> np.ndarray:
    """The picture with what is selected under a red veil."""
    cover = mask.coverage()[..., None] * 0.6
    red = np.array([235, 40, 60], np.float32)
    return (image.pixels[..., :3] * (1 - cover) + red * cover).round().astype(np.uint8)


def write_strip(parts: list[np.ndarray], path: Path) -> None:
    """Pictures of one height side by side."""
    write_strips([parts], path)


def write_strips(rows: list[list[np.ndarray]], path: Path) -> None:
    """Rows of pictures under a line of titles, on white."""
    head = 20
    height = head + sum(row[0].shape[0] + GAP for row in rows)
    width = max(sum(part.shape[1] + GAP for part in row) for row in rows) - GAP
    sheet = Image.new("RGB", (width, height - GAP), "white")
    draw = ImageDraw.Draw(sheet)
    y = head
    for row in rows:
        x = 0
        for title, part in zip(TITLES, row, strict=True):
            if y == head:
                draw.text((x + 4, 4), title, fill="black")
            sheet.paste(Image.fromarray(part), (x, y))
            x += part.shape[1] + GAP
        y += row[0].shape[0] + GAP
    sheet.save(path)
