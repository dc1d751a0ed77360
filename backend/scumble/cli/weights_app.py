"""The part of the command line that is about weights: `scumble weights ...`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .completion import weight_names
from .options import AsJson, DryRun

weights_app = typer.Typer(help="Networks' weights: list, show, download, add, check, convert.")


@weights_app.command("list")
def weights_list(json: AsJson = False) -> None:
    """What there is, what is here, and under which licence."""
    from .weights import list_weights

    list_weights(json)


@weights_app.command("show")
def weights_show(
    name: Annotated[str, typer.Argument(help="Which; see: scumble weights list")], json: AsJson = False
) -> None:
    """The card of a network: what it is for, what it learned from, how good it is, and what it can't do."""
    from .weights import show

    show(name, json)


@weights_app.command("pull")
def weights_pull(
    names: Annotated[list[str], typer.Argument(help="Which; see: scumble weights list", autocompletion=weight_names)],
    accept_non_commercial: Annotated[
        bool, typer.Option("--accept-non-commercial", help="I have read the licence; my use is not commercial.")
    ] = False,
    dry_run: DryRun = False,
) -> None:
    """Download weights; a broken download goes on where it was."""
    from .weights import pull

    pull(names, accept_non_commercial, dry_run)


@weights_app.command("verify")
def weights_verify(
    names: Annotated[
        list[str] | None, typer.Argument(help="Only these.", show_default=False, autocompletion=weight_names)
    ] = None,
    repair: Annotated[bool, typer.Option("--repair", help="Download again what is damaged or missing.")] = False,
    json: AsJson = False,
) -> None:
    """Check the weights that are here."""
    from .weights import verify

    raise typer.Exit(verify(names or [], repair, json))


@weights_app.command("trust")
def weights_trust(
    names: Annotated[list[str], typer.Argument(help="Which; see: scumble weights list", autocompletion=weight_names)],
) -> None:
    """Allow weights that are programs (TorchScript) to run, where they are not known to be the published files.

    A program can do on this computer whatever you can: do this only for a file whose origin you trust. It is allowed as it is now; a
    changed one has to be allowed again.
    """
    from .weights import trust

    trust(names)


@weights_app.command("add")
def weights_add(folder: Annotated[Path, typer.Argument(help="A folder, or one file.")]) -> None:
    """Take over published weights that are on this machine already: each file is known by its content, and converted where need be."""
    from .weights import add

    raise typer.Exit(add(folder))


@weights_app.command("convert")
def weights_convert(
    file: Annotated[
        Path,
        typer.Argument(help="A published file of an inpainting network; of a TensorFlow checkpoint any of its files."),
    ],
    out: Annotated[
        Path | None, typer.Option(metavar="X.safetensors", help="Default: beside the file.", show_default=False)
    ] = None,
    half: Annotated[bool, typer.Option("--half", help="Half precision: half the size.")] = False,
    dry_run: DryRun = False,
) -> None:
    """Bring published weights (Keras, TensorFlow, PyTorch) into Scumble's own form."""
    from .weights import convert

    convert(file, out, half, dry_run)
