"""Options that several commands have."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from .completion import settings_of_operation

Picture = Annotated[Path | None, typer.Option(metavar="FILE", show_default=False)]
Settings = Annotated[
    list[str],
    typer.Option(
        "--set",
        metavar="NAME=VALUE",
        help="A parameter; see: scumble operations",
        autocompletion=settings_of_operation,
    ),
]
Inputs = Annotated[
    list[str],
    typer.Option(
        "--input", metavar="ROLE=FILE", help="An input by its role: for those of add-ons, which have no option."
    ),
]
MaskFrom = Annotated[
    str | None,
    typer.Option(metavar="alpha|color=#00ff00", help="Take the mask from the image itself.", show_default=False),
]
InvertMask = Annotated[
    bool, typer.Option("--invert-mask", help="The mask is meant the other way round: black where the image may change.")
]
NoMetadata = Annotated[bool, typer.Option("--no-metadata", help="Leave out resolution, Exif, XMP, IPTC and copyright.")]
Quality = Annotated[int, typer.Option(min=1, max=100, help="Of JPEG files.")]
Seed = Annotated[int, typer.Option(min=0, max=2**32 - 1, help="Same seed, same pixels.")]
Local = Annotated[bool, typer.Option("--local", help="Compute in this process, without the daemon.")]
Device = Annotated[str, typer.Option(help="With --local: auto, cpu, cuda:0, mps, …")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done; nothing is written.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]


class Format(str, Enum):
    """What `batch` writes."""

    PNG = "png"
    JPEG = "jpeg"
    WEBP = "webp"
    TIFF = "tiff"
