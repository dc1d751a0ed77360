"""`scumble train`: making weights anew."""

from __future__ import annotations

import tarfile
from collections.abc import Iterable
from pathlib import Path

from scumble.training import find
from scumble.training.trainer import Run
from scumble_client.errors import ScumbleError

from .console import out
from .inputs import pairs


def train(
    model: str, data: Path, folder: Path, settings: Iterable[str], seed: int, device: str, minutes: float | None
) -> None:
    """Train, going on from what `folder` holds; the finished file lies there. Raises ScumbleError."""
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
    from scumble.workers.device import resolve

    folder.mkdir(parents=True, exist_ok=True)
    run = Run(data, folder, seed, resolve(device), minutes, out.print)
    try:
        finished = trainer.train(run, chosen)
    except tarfile.TarError as error:
        raise ScumbleError(
            "invalid_parameter", f"The pictures in “{data}” can't be read: {error}.", "Copy the folder again."
        ) from error
    out.print(str(finished))


def describe() -> None:
    """Print every trainer with its settings."""
    from scumble.training import TRAINERS

    for name in TRAINERS:
        trainer = find(name)
        out.print(f"{name}  {trainer.help} Reads {', '.join(trainer.collections)}.", highlight=False, style="bold")
        for setting, field in trainer.settings.model_fields.items():
            out.print(f"    {setting} = {field.default}  {field.description or ''}", highlight=False, markup=False)
