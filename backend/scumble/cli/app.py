"""The command line: `scumble ...`. Each command's work is in a file of this package; this says how it is called.

Exit codes: 0 done, 2 wrong usage or bad input (one line on stderr), 3 failed, 130 cancelled.
"""

from __future__ import annotations

import io
import os
import signal
import sys
import threading
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from scumble import __version__
from scumble_client.errors import ScumbleError

from . import completion
from .console import CANCELLED, DONE, FAILED, exit_code, foreseen, print_json, say_error, say_note, unexpected
from .faces_app import faces_app
from .options import (
    AsJson,
    Device,
    DryRun,
    Format,
    Inputs,
    InvertMask,
    Local,
    MaskFrom,
    NoMetadata,
    Picture,
    Quality,
    Seed,
    Settings,
)
from .weights_app import weights_app

UsageProblem: type[Exception] = typer.BadParameter.__mro__[2]
"""click's ClickException: typer has click as a dependency or, in newer versions, inside; this finds it in both."""


class Commands(TyperGroup):
    """Ends in this program's own way where typer would print an empty line, or exit with 1."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise ScumbleError("cancelled", "Cancelled.") from None
        except BrokenPipeError:
            return DONE  # the reader of a pipe has seen enough


app = typer.Typer(
    cls=Commands,
    help="Neural networks as layers inside Krita and GIMP. Every command that needs the daemon starts it.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(weights_app, name="weights")
app.add_typer(faces_app, name="faces")


def _version(wanted: bool) -> None:
    if wanted:
        print(f"scumble {__version__}")
        raise typer.Exit


@app.callback()
def _main(version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True)] = False) -> None:
    pass


@app.command()
def run(
    operation: Annotated[
        str, typer.Argument(help="Which one; see: scumble operations", autocompletion=completion.operation_names)
    ],
    image: Annotated[Path, typer.Option(metavar="FILE", help="The picture to work on.")],
    mask: Annotated[
        Path | None, typer.Option(metavar="FILE", help="White where the image may change.", show_default=False)
    ] = None,
    source: Picture = None,
    reference: Picture = None,
    sketch: Picture = None,
    color: Picture = None,
    style: Picture = None,
    second_style: Picture = None,
    third_style: Picture = None,
    initial: Picture = None,
    direction: Picture = None,
    segmentation: Picture = None,
    style_segmentation: Picture = None,
    strokes: Picture = None,
    within: Picture = None,
    marked: Picture = None,
    more: Inputs = [],  # noqa: B006
    mask_from: MaskFrom = None,
    invert_mask: InvertMask = False,
    settings: Settings = [],  # noqa: B006 (typer copies it)
    seed: Seed = 0,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write the new layer.", show_default=False)
    ] = None,
    composite: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write image and layer as one.", show_default=False)
    ] = None,
    crop: Annotated[
        bool, typer.Option("--crop", help="Write the layer's own rectangle, not the whole canvas.")
    ] = False,
    no_metadata: NoMetadata = False,
    quality: Quality = 95,
    local: Local = False,
    device: Device = "auto",
    dry_run: DryRun = False,
    json: AsJson = False,
) -> None:
    """Run one operation on one picture; the result is a new layer."""
    from .inputs import more_files
    from .run import Writing
    from .run import run as work

    files = {
        "image": image,
        "mask": mask,
        "source": source,
        "reference": reference,
        "sketch": sketch,
        "color": color,
        "style": style,
        "second_style": second_style,
        "third_style": third_style,
        "initial": initial,
        "direction": direction,
        "segmentation": segmentation,
        "style_segmentation": style_segmentation,
        "strokes": strokes,
        "within": within,
        "marked": marked,
        **more_files(more),
    }
    writing = Writing(not no_metadata, quality)
    work(
        operation,
        files,
        settings,
        mask_from,
        seed,
        out,
        composite,
        crop,
        local,
        device,
        json,
        invert_mask,
        writing,
        dry_run,
    )


@app.command()
def batch(
    operation: Annotated[
        str, typer.Argument(help="Which one; see: scumble operations", autocompletion=completion.operation_names)
    ],
    folder: Annotated[Path, typer.Argument(help="Pictures; sub-folders are gone through, too.")],
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where to write the new layers.", show_default=False)
    ] = None,
    composite: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where to write the finished pictures.", show_default=False)
    ] = None,
    mask: Annotated[
        Path | None,
        typer.Option(metavar="FILE|FOLDER", help="One mask for all, or a folder of masks.", show_default=False),
    ] = None,
    original: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="The pictures of FOLDER are marked copies; the pictures themselves, of the same names, lie here.",
            show_default=False,
        ),
    ] = None,
    reference: Picture = None,
    style: Picture = None,
    second_style: Picture = None,
    third_style: Picture = None,
    style_segmentation: Picture = None,
    more: Inputs = [],  # noqa: B006
    mask_from: MaskFrom = None,
    invert_mask: InvertMask = False,
    settings: Settings = [],  # noqa: B006
    seed: Seed = 0,
    format: Annotated[  # noqa: A002 (it is the option's name)
        Format | None,
        typer.Option(help="Of the results; else PNG, and TIFF for TIFF.", show_default=False),
    ] = None,
    quality: Quality = 95,
    no_metadata: NoMetadata = False,
    local: Local = False,
    device: Device = "auto",
    pool: Annotated[
        str | None,
        typer.Option(metavar="ray", help="Compute elsewhere (scumble serve --help).", show_default=False),
    ] = None,
    address: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="With --pool ray: the cluster's head.", show_default=False),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on, and take pictures as they come into the folder, until Ctrl-C.")
    ] = False,
    dry_run: DryRun = False,
    json: AsJson = False,
) -> None:
    """Run one operation on every picture of a folder. Stopped, it goes on where it was."""
    from .batch import Wish, interrupted
    from .batch import batch as work
    from .batch_folder import Places
    from .inputs import more_files
    from .run import Writing

    others = {
        "reference": reference,
        "style": style,
        "second_style": second_style,
        "third_style": third_style,
        "style_segmentation": style_segmentation,
        **more_files(more),
    }
    try:
        wish = Wish(
            operation,
            settings,
            mask_from,
            invert_mask,
            seed,
            Writing(not no_metadata, quality),
            local,
            device,
            pool,
            address,
            json,
            watch,
            dry_run,
        )
        form = format.value if format else None
        code = work(wish, Places(folder, out, composite, mask, original, others, form))
    except KeyboardInterrupt:
        code = interrupted()
    raise typer.Exit(code)


@app.command()
def operations(
    name: Annotated[
        str | None,
        typer.Argument(help="Only this one.", show_default=False, autocompletion=completion.operation_names),
    ] = None,
    json: AsJson = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the page docs/operations.md.")] = False,
) -> None:
    """What there is: operations with their inputs and parameters."""
    from .operations import show

    show(name, json, markdown)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True}, add_help_option=False)
def serve(context: typer.Context) -> None:
    """Run the daemon in the foreground (scumble serve --help lists its options)."""
    from scumble.daemon.__main__ import main as daemon

    raise typer.Exit(daemon(context.args))


@app.command()
def status(json: AsJson = False) -> None:
    """Device, memory, models, queue and uptime of the daemon."""
    from .daemon import status as work

    work(json)


@app.command()
def stop() -> None:
    """End the daemon."""
    from .daemon import stop as work

    work()


@app.command()
def keys(
    action: Annotated[
        str,
        typer.Argument(help="make, list, allow NAME KEY, or revoke NAME", autocompletion=completion.key_actions),
    ],
    name: Annotated[str | None, typer.Argument(show_default=False)] = None,
    key: Annotated[str | None, typer.Argument(show_default=False)] = None,
) -> None:
    """Which other machines may connect (CURVE keys)."""
    from .keys import keys as work

    work(action, name, key)


@app.command()
def install(
    editor: Annotated[str, typer.Argument(help="krita or gimp", autocompletion=completion.editors)],
    zip_file: Annotated[
        Path | None,
        typer.Option("--zip", metavar="FILE", help="Only write the archive for Krita's import.", show_default=False),
    ] = None,
    resources: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="The editor's resource or plug-in folder, where it is not found.", show_default=False
        ),
    ] = None,
    dry_run: DryRun = False,
) -> None:
    """Put the plugin into an editor."""
    from .install import install as work

    work(editor, zip_file, resources, dry_run)


@app.command()
def uninstall(
    editor: Annotated[str, typer.Argument(help="krita or gimp", autocompletion=completion.editors)],
    resources: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="The editor's resource or plug-in folder, where it is not found.", show_default=False
        ),
    ] = None,
    dry_run: DryRun = False,
) -> None:
    """Take the plugin out again; nothing of it is left."""
    from .install import uninstall as work

    work(editor, resources, dry_run)


@app.command()
def doctor(json: AsJson = False) -> None:
    """Check this installation, and say what to do about what is wrong."""
    from .doctor import doctor as work

    raise typer.Exit(work(json))


@app.command(name="completion")
def _completion(shell: Annotated[completion.Shell, typer.Argument(help="Which one it is for.")]) -> None:
    """Print what a shell has to read to complete commands, operations and options (docs/api.md says where to put it)."""
    completion.print_script(app, shell)


@app.command()
def demo(
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the pictures go.")] = Path("demo-output"),
) -> None:
    """The tour: every operation on bundled pictures, with a contact sheet."""
    from .demo import demo as work

    work(out)


def _add_commands() -> None:
    """Commands of packages that build on this one, such as its own trainers. One that can't be loaded costs only itself."""
    for more in entry_points(group="scumble.commands"):
        try:
            more.load()(app)
        except Exception as error:
            say_note(f"The command “{more.name}” can't be loaded: {error}.")


_add_commands()


def main() -> None:
    """The entry point: whatever goes wrong, its user sees one line, and a script an exit code."""
    _open_standard_streams()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without “ and × shows a ? there
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _terminated)
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        code = call(sys.argv[1:])
    except KeyboardInterrupt:  # while an error was being told
        code = CANCELLED
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):  # a reader that has gone, a full disk
            # else Python would complain about it at its very end
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    sys.exit(code)


def _open_standard_streams() -> None:
    """Those that are closed lead nowhere: a file that is opened must not take their place."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            opened = os.open(os.devnull, os.O_RDWR)
            if opened != number:
                os.dup2(opened, number)
                os.close(opened)
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "r" if number == 0 else "w", closefd=False))


def _terminated(number: int, _frame: object) -> None:
    """What is half done is tidied up on the way out."""
    raise SystemExit(128 + number)


def call(arguments: list[str]) -> int:
    """Run the command line; the exit code."""
    completion.prepare()
    try:
        result = app(args=arguments or ["--help"], prog_name="scumble", standalone_mode=False)
        return result if isinstance(result, int) else DONE
    except typer.Exit as error:
        return error.exit_code
    except SystemExit as error:  # argparse, after the help of `serve`
        return error.code if isinstance(error.code, int) else FAILED if error.code else DONE
    except typer.Abort:
        return CANCELLED
    except UsageProblem as error:
        return _failed(ScumbleError("invalid_parameter", error.format_message()), arguments)  # type: ignore[attr-defined]
    except ScumbleError as error:
        return _failed(foreseen(error, arguments), arguments)
    except KeyboardInterrupt:
        return _failed(ScumbleError("cancelled", "Cancelled."), arguments)
    except Exception as error:
        return _failed(unexpected(error, arguments), arguments)


def _failed(error: ScumbleError, arguments: list[str]) -> int:
    """Say it, for a script on stdout as well; the exit code."""
    say_error(str(error))
    if "--json" in arguments:
        print_json({"error": error.as_dict()})
    return exit_code(error)
