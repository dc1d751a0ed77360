"""The part of the command line that is about faces to copy from: `scumble faces ...`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .options import AsJson, DryRun

faces_app = typer.Typer(
    help="Real faces that face operations copy eyes, skin and hair from. They stay on this machine."
)


@faces_app.command("add")
def faces_add(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH...", help="Photographs, or folders of them; sub-folders are gone through."),
    ],
    json: AsJson = False,
    porcelain: Annotated[
        bool,
        typer.Option("--porcelain", help="Print a line of JSON for each picture, and one at the end, for programs."),
    ] = False,
) -> None:
    """Find the faces of your own photographs, align them, and keep them to copy from."""
    from .faces import add

    add(paths, json, porcelain)


@faces_app.command("list")
def faces_list(json: AsJson = False) -> None:
    """The faces that there are to copy from."""
    from .faces import list_faces

    list_faces(json)


@faces_app.command("remove")
def faces_remove(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME...",
            help="Of faces or of the photographs that they are from, as listed; or face-library, what was pulled.",
            show_default=False,
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All of your own.")] = False,
    dry_run: DryRun = False,
) -> None:
    """Remove faces; the photographs that they are from are left alone."""
    from .faces import remove

    remove(names or [], everything, dry_run)
