"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Picture = Annotated[Path | None, typer.Option(metavar="FILE", show_default=False)]
Settings = Annotated[
    list[str], typer.Option("--set", metavar="NAME=VALUE", help="A parameter; see: scumble operations")
]
MaskFrom = Annotated[
    str | None,
    typer.Option(metavar="alpha|color=#00ff00", help="Take the mask from the image itself.", show_default=False),
]
Seed = Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Same seed, same pixels.")]
Local = Annotated[bool, typer.Option("--local", help="Compute in this process, without the daemon.")]
Device = Annotated[str, typer.Option(help="With --local: auto, cpu, cuda:0, mps, …")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
