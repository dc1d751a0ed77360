"""`scumble demo`: filling and styling the bundled pictures, through the daemon, with contact sheets."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from scumble.files import read_picture, write_picture
from scumble.layers import Layer, composite
from scumble.pictures import NAMES, picture, selection

from .console import make_folder, out, progress_bar
from .demo_styles import STEPS, show_styles
from .engine import DaemonEngine, Order

Rgb = NDArray[np.uint8]

GAP = 8
VEIL = (235, 40, 60)
TITLES = ("the picture", "the selection", "with the new layer")
STYLE_TITLES = ("the picture", "the painting", "with the new layer")


def demo(folder: Path) -> None:
    """Fill the selection in each picture, then paint and relight them; layers, composites and two sheets go to `folder`."""
    make_folder(folder)
    rows = []
    with DaemonEngine() as engine, progress_bar() as bar:
        task = bar.add_task("Starting the daemon", total=float(len(NAMES) + STEPS))
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
        styled = show_styles(
            folder, engine, lambda done, text: bar.update(task, completed=len(NAMES) + done, description=text)
        )
    style_rows = [[_as_high(layer, one[0]) for layer in one] for _, one in styled]
    for (name, _), row in zip(styled, style_rows, strict=True):
        write_strips([row], folder / f"{name}-strip.png", STYLE_TITLES)
    write_strips(style_rows, folder / "styles-sheet.png", STYLE_TITLES)
    sheet = folder / "contact-sheet.png"
    write_strips(rows, sheet)
    out.print(f"Before, selection, after: {sheet}")
    out.print(f"Picture, painting, after: {folder / 'styles-sheet.png'}")


def _as_high(layer: Layer, like: Layer) -> Rgb:
    """A layer's colours, enlarged or made smaller to the height of another."""
    height = like.extent.height
    size = round(layer.extent.width * height / layer.extent.height), height
    return np.asarray(Image.fromarray(layer.pixels[..., :3]).resize(size, Image.Resampling.LANCZOS))


def show_selection(image: Layer, mask: Layer) -> Rgb:
    """The picture with what is selected under a red veil."""
    cover = mask.coverage()[..., None] * 0.6
    veiled: NDArray[np.float32] = image.pixels[..., :3] * (1 - cover) + np.array(VEIL, np.float32) * cover
    return veiled.round().astype(np.uint8)


def write_strip(parts: list[Rgb], path: Path) -> None:
    """Pictures of one height side by side."""
    write_strips([parts], path)


def write_strips(rows: list[list[Rgb]], path: Path, titles: tuple[str, ...] = TITLES) -> None:
    """Rows of pictures under a line of titles, on white; the titles stand over the first row's pictures."""
    head = 20
    height = head + sum(row[0].shape[0] + GAP for row in rows)
    width = max(sum(part.shape[1] + GAP for part in row) for row in rows) - GAP
    sheet = Image.new("RGB", (width, height - GAP), "white")
    draw = ImageDraw.Draw(sheet)
    y = head
    for row in rows:
        x = 0
        for title, part in zip(titles, row, strict=True):
            if y == head:
                draw.text((x + 4, 4), title, fill="black")
            sheet.paste(Image.fromarray(part), (x, y))
            x += part.shape[1] + GAP
        y += row[0].shape[0] + GAP
    sheet.save(path)
