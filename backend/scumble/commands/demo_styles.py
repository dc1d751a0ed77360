"""The demo of the style operations: photographs painted, and one in the light of a painting."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from scumble.files import read_picture, write_picture
from scumble.layers import Layer, composite
from scumble.pictures import painting, picture

from .console import out
from .engine import Engine, Order

SHOWN = (
    ("paint-style", "osprey", "starry-night"),
    ("paint-style", "wren", "composition-vii"),
    ("photo-style", "otters", "scream"),
)
"""Operation, photograph, painting."""

STEPS = len(SHOWN)


def show_styles(folder: Path, engine: Engine, tell: Callable[[float, str], None]) -> list[tuple[str, list[Layer]]]:
    """Run them all. Layers and results go to `folder`; back come names, each with photograph, painting and result.

    `tell` takes how many are done, with a fraction, and a word.
    """
    found = []
    for number, (operation, photograph, chosen) in enumerate(SHOWN):
        image = read_picture(picture(photograph)).layer
        name = f"{operation}-{photograph}"

        def report(fraction: float, message: str, number: int = number, name: str = name) -> None:
            tell(number + fraction, f"{name}: {message}")

        ticket = engine.begin(Order(operation, {"image": image}, {"painting": chosen}, seed=1))
        made = engine.finish(ticket, report)
        _, layer, _ = made.layers[0]
        result = composite(image, layer)
        write_picture(folder / f"{name}-layer.png", layer.crop(image.bounds))
        write_picture(folder / f"{name}.png", result)
        engine.received(ticket)
        found.append((name, [image, read_picture(painting(chosen)).layer, result]))
        out.print(f"{name}: {made.seconds:.1f} s → {folder / name}.png")
    return found
