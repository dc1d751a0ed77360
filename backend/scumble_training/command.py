"""`scumble train`: making weights anew. The command line finds it by the entry point `scumble.commands`.

Every command imports this, so what a training needs is imported when there is one.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scumble.cli.console import out as console
from scumble.cli.console import say_note
from scumble.cli.options import Seed
from scumble_client.errors import ScumbleError

if TYPE_CHECKING:
    from scumble.operations.addons import Fault


def add_to(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("train")(_train)


def _train(
    model: Annotated[str, typer.Argument(help="Which one; see: scumble train list")],
    data: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where the pictures lie (photos.tar, photos.csv, …).", show_default=False),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where checkpoints and the finished file are kept.", show_default=False),
    ] = None,
    settings: Annotated[
        list[str], typer.Option("--set", metavar="NAME=VALUE", help="A setting; see: scumble train list")
    ] = [],  # noqa: B006 (typer copies it)
    seed: Seed = 0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda:0, mps, …")] = "auto",
    minutes: Annotated[
        float | None, typer.Option(min=0, help="End after so long, with what there is then.", show_default=False)
    ] = None,
) -> None:
    """Make weights anew (or: scumble train list). Stopped and called again, it goes on where it was.

    Beside the finished file lie its figures: a table (CSV) that grows with each measurement, and, in the end, a picture of them (PNG).
    """
    if model == "list":
        describe()
        return
    if data is None or out is None:
        raise ScumbleError(
            "bad_request",
            "A training needs a folder of pictures and one to write to.",
            "Name them with --data FOLDER --out FOLDER.",
        )
    train(model, data, out, settings, seed, device, minutes)


def train(
    model: str, data: Path, folder: Path, settings: Iterable[str], seed: int, device: str, minutes: float | None
) -> None:
    """Train, going on from what `folder` holds; the finished file lies there. Raises ScumbleError."""
    from scumble.cli.inputs import pairs
    from scumble.worker.device import resolve

    from .common import curves
    from .common.trainer import Run
    from .registry import find

    trainer = find(model)
    chosen = trainer.validate(pairs(settings))
    wanted = [f"{name}.{end}" for name in trainer.collections for end in ("tar", "csv")]
    missing = [name for name in wanted if not (data / name).is_file()]
    if missing:
        raise ScumbleError(
            "invalid_parameter",
            f"There is no {missing[0]} in “{data}”.",
            f"Name the folder that holds {', '.join(wanted)} with --data.",
        )
    folder.mkdir(parents=True, exist_ok=True)
    run = Run(data, folder, seed, resolve(device), minutes, console.print)
    try:
        finished = trainer.train(run, chosen)
    except tarfile.TarError as error:
        raise ScumbleError(
            "invalid_parameter", f"The pictures in “{data}” can't be read: {error}.", "Copy the folder again."
        ) from error
    made, drawn = curves.finish(folder)
    for path in made:
        console.print(str(path))
    if made and not drawn:
        say_note("There is no picture of the curves, since matplotlib is not installed: pip install 'scumble[plots]'")
    console.print(str(finished))


def describe() -> None:
    """Print every trainer with its settings."""
    from .registry import faults, find, names

    for fault in faults():
        say_note(f"{fault.message} {fault.hint}")
    for name in names():
        try:
            trainer = find(name)
        except ScumbleError as error:  # of an add-on
            say_note(str(error))
            continue
        console.print(f"{name}  {trainer.help} Reads {', '.join(trainer.collections)}.", highlight=False, style="bold")
        for setting, field in trainer.settings.model_fields.items():
            console.print(f"    {setting} = {field.default}  {field.description or ''}", highlight=False, markup=False)


def faults() -> list[Fault]:
    """For `scumble doctor`: what of the add-ons' trainers can't be used."""
    from scumble.operations.addons import Fault

    from .registry import TRAINERS, find, names
    from .registry import faults as left_out

    found = list(left_out())
    for name in names():
        if name not in TRAINERS:
            try:
                find(name)
            except ScumbleError as error:
                found.append(Fault(name, error.message, error.hint))
    return found
