"""What GIMP registers: a procedure for each operation, one that runs a result's request again, one for layers to draw on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict, List, Optional, Sequence

import engine_setup
from arguments import MASKED, OUTPUT, SEED, Arguments, add_seed
from catalogue import HERE, registered, to_register
from drawing import new_layers
from edited_picture import EditedPicture, chosen_layer
from host import Gimp, GLib, GObject, user_interface
from inputs import AUTOMATIC
from placing import request_of
from progress import QuietProgress, WindowProgress
from runs import new_seed, run_operation

from scumble_client.editor.crash_log import as_error
from scumble_client.editor.flatpak import share_runtime_folder
from scumble_client.editor.form import clean
from scumble_client.editor.messages import NOTHING_TO_RUN, sentence
from scumble_client.editor.provenance import INPUT, Provenance
from scumble_client.editor.roles import DRAWN_LAYERS, STROKES_LAYERS, Source
from scumble_client.errors import ScumbleError
from scumble_client.launch import LAUNCH_FILE, adopt_launch_file

if TYPE_CHECKING:
    from host import Toolkit


Run = Callable[..., "Gimp.ValueArray"]

PREFIX = "scumble-"
AGAIN = PREFIX + "run-again"
NEW_LAYERS = PREFIX + "new-layers"
NEW_STROKES = PREFIX + "new-strokes-layer"
ENGINE = PREFIX + "engine"
MENU = "<Image>/Filters/Scumble"
LOG_FILE = "gimp.log"


class ScumblePlugIn(Gimp.PlugIn):
    """GIMP starts a process of this for each call."""

    def do_set_i18n(self, _name: str) -> bool:
        return False

    def do_query_procedures(self) -> List[str]:
        return [AGAIN, ENGINE, *DRAWING, *(PREFIX + operation["name"] for operation in to_register())]

    def do_create_procedure(self, name: str) -> Optional[Gimp.ImageProcedure]:
        operation = next((o for o in registered() if PREFIX + o["name"] == name), None)
        if operation is None and name not in OTHERS:
            return None
        run = OTHERS.get(name, run_one)
        procedure = Gimp.ImageProcedure.new(self, name, Gimp.PDBProcType.PLUGIN, _guarded(run), operation)
        procedure.set_image_types("*")
        procedure.set_sensitivity_mask(Gimp.ProcedureSensitivityMask.DRAWABLE)
        procedure.set_attribution("Scumble", "Scumble", "2026")
        if name in DRAWING:
            label, what, _ = DRAWING[name]
            procedure.set_menu_label(label)
            procedure.set_documentation(what, "The operations find what is drawn by the layers' names.", name)
            procedure.add_menu_path(MENU)
        elif name == ENGINE:
            procedure.set_menu_label("_Engine...")
            what = "Sets up, repairs, updates and removes the program that does the work; says what is wrong"
            procedure.set_documentation(what, "It opens by itself where there is none.", name)
            procedure.add_menu_path(MENU)
            any_time = Gimp.ProcedureSensitivityMask
            procedure.set_sensitivity_mask(
                any_time.DRAWABLE | any_time.NO_DRAWABLES | any_time.NO_IMAGE | any_time.DRAWABLES
            )
        elif operation is None:
            procedure.set_menu_label("Run _Again")
            procedure.set_documentation(
                "Runs what made this layer once more", "The request is kept with each layer that Scumble makes.", name
            )
            procedure.add_menu_path(MENU)
            add_seed(procedure)
        else:
            procedure.set_documentation(operation["help"], operation["help"], name)
            if not operation.get("hidden"):
                procedure.set_menu_label(f"_{operation['title']}...")
                procedure.add_menu_path(MENU)
            Arguments(operation).add_to(procedure)
        # (GIMP's Python can't return a list of layers.)
        procedure.add_layer_return_value(
            "layer", "New layer", "None where nothing was changed", True, GObject.ParamFlags.READWRITE
        )
        procedure.add_int_return_value(
            "count",
            "New layers",
            "Further variations lie right below it, hidden",
            0,
            64,
            0,
            GObject.ParamFlags.READWRITE,
        )
        return procedure


def _guarded(run: Run) -> Run:
    """`run`, with every exception as a message of one sentence and what to do."""

    def call(
        procedure: Gimp.ImageProcedure,
        run_mode: Gimp.RunMode,
        image: Gimp.Image,
        drawables: Sequence[Gimp.Drawable],
        config: Gimp.ProcedureConfig,
        operation: Dict[str, Any],
    ) -> Gimp.ValueArray:
        try:
            share_runtime_folder()
            adopt_launch_file(HERE / LAUNCH_FILE)
            if not _may_run(procedure, run_mode):
                return procedure.new_return_values(Gimp.PDBStatusType.CANCEL, None)
            return run(procedure, run_mode, image, drawables, config, operation)
        except Exception as error:
            told = as_error(error, LOG_FILE)
            if told.code == "cancelled":
                return procedure.new_return_values(Gimp.PDBStatusType.CANCEL, GLib.Error(str(told)))
            said = sentence(told, "See Filters ▸ Scumble ▸ Engine…, “What Is Wrong?”.")
            return procedure.new_return_values(Gimp.PDBStatusType.EXECUTION_ERROR, GLib.Error(said))

    return call


def _may_run(procedure: Gimp.ImageProcedure, run_mode: Gimp.RunMode) -> bool:
    """Whether there is an engine, or one was made now; with nobody there to ask, the run itself says what is missing."""
    if procedure.get_name() in (*DRAWING, ENGINE):
        return True
    toolkit = _toolkit(procedure, run_mode)
    return toolkit is None or engine_setup.ensure(toolkit)


def run_one(
    procedure: Gimp.ImageProcedure,
    run_mode: Gimp.RunMode,
    image: Gimp.Image,
    drawables: Sequence[Gimp.Drawable],
    config: Gimp.ProcedureConfig,
    operation: Dict[str, Any],
) -> Gimp.ValueArray:
    """An operation: with its dialog, with the arguments of a script, or with those of the last time."""
    arguments = Arguments(operation)
    picture = EditedPicture(image, chosen_layer(drawables))
    toolkit = _toolkit(procedure, run_mode)
    new = new_seed(-1)  # the dialog's preview has it, too
    if run_mode == Gimp.RunMode.INTERACTIVE:
        if toolkit is None:
            raise ScumbleError("internal", "There is no display for a dialog.", "Call it non-interactively.")
        from dialog import OperationDialog

        if not OperationDialog(procedure, config, arguments, picture, toolkit, new).run():
            return procedure.new_return_values(Gimp.PDBStatusType.CANCEL, None)
    # In the dialog an empty role was left empty; elsewhere nobody was asked.
    unset = Source("none") if run_mode == Gimp.RunMode.INTERACTIVE else Source("auto")
    chosen = arguments.sources(config, picture, unset)
    wanted = config.get_property(INPUT)
    if wanted == AUTOMATIC and run_mode == Gimp.RunMode.NONINTERACTIVE:
        wanted = "active"  # a script names the layer; an artist may be painting on the sketch
    chosen["image"] = Source(wanted)
    seed = config.get_property(SEED)
    provenance = Provenance(operation["name"], arguments.values(config), seed if seed >= 0 else new)
    masked = config.get_property(OUTPUT) == MASKED
    return _run(procedure, operation, picture, chosen, provenance, toolkit, wanted, masked)


def run_again(
    procedure: Gimp.ImageProcedure,
    run_mode: Gimp.RunMode,
    image: Gimp.Image,
    drawables: Sequence[Gimp.Drawable],
    config: Gimp.ProcedureConfig,
    _operation: Any,
) -> Gimp.ValueArray:
    """The request that made the chosen layer, with a new seed."""
    layer = chosen_layer(drawables)
    provenance = request_of(layer)
    if provenance is None:
        raise ScumbleError("missing_input", *NOTHING_TO_RUN)
    operation = next((o for o in registered() if o["name"] == provenance.operation), None)
    if operation is None:
        raise ScumbleError(
            "unknown_operation",
            f"There is no operation called “{provenance.operation}”.",
            "The layer was made by another version of Scumble: bring this one up to date.",
        )
    picture = EditedPicture(image, layer)
    chosen = {role: picture.again(source) for role, source in provenance.again(operation).items()}
    parameters = clean(operation, provenance.parameters)
    again = Provenance(operation["name"], parameters, new_seed(config.get_property(SEED)), chosen, provenance.mask)
    wanted = str(provenance.extra.get(INPUT, "active"))
    return _run(procedure, operation, picture, chosen, again, _toolkit(procedure, run_mode), wanted)


def add_layers(
    procedure: Gimp.ImageProcedure,
    run_mode: Gimp.RunMode,
    image: Gimp.Image,
    drawables: Sequence[Gimp.Drawable],
    _config: Gimp.ProcedureConfig,
    _operation: Any,
) -> Gimp.ValueArray:
    """Layers to draw on above the chosen one."""
    _, _, names = DRAWING[procedure.get_name()]
    made = new_layers(image, chosen_layer(drawables), names)
    if _toolkit(procedure, run_mode):
        Gimp.displays_flush()
    return _returned(procedure, made)


def show_engine(
    procedure: Gimp.ImageProcedure,
    run_mode: Gimp.RunMode,
    _image: Gimp.Image,
    _drawables: Sequence[Gimp.Drawable],
    _config: Gimp.ProcedureConfig,
    _operation: Any,
) -> Gimp.ValueArray:
    """The window about the engine."""
    toolkit = _toolkit(procedure, run_mode)
    if toolkit is None:
        raise ScumbleError("internal", "There is no display for a window.", "Call it interactively.")
    engine_setup.show(toolkit)
    return _returned(procedure, [])


DRAWING = {
    NEW_LAYERS: ("New Sketch and Color _Layers", "Adds two empty layers to draw and colour on", DRAWN_LAYERS),
    NEW_STROKES: ("New S_trokes Layer", "Adds an empty layer to paint what a face should have", STROKES_LAYERS),
}
"""Procedures that make empty layers: menu label, what they do, the layers' names, the lowest first."""

OTHERS = {AGAIN: run_again, ENGINE: show_engine, **dict.fromkeys(DRAWING, add_layers)}
"""Procedures that are no operation."""


def _run(
    procedure: Gimp.ImageProcedure,
    operation: Dict[str, Any],
    picture: EditedPicture,
    chosen: Dict[str, Source],
    provenance: Provenance,
    toolkit: Optional[Toolkit],
    wanted: str,
    masked: bool = False,
) -> Gimp.ValueArray:
    title = operation["title"]
    progress = WindowProgress(title, toolkit) if toolkit else QuietProgress(title)
    try:
        shown = toolkit is not None
        layers, notes = run_operation(operation, picture, chosen, provenance, progress, shown, wanted, masked)
    finally:
        progress.close()
    if notes:
        Gimp.message(" ".join(notes))
    return _returned(procedure, layers)


def _returned(procedure: Gimp.ImageProcedure, layers: Sequence[Gimp.Layer]) -> Gimp.ValueArray:
    values = procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, None)
    for place, value in (
        (1, GObject.Value(Gimp.Layer, layers[0] if layers else None)),
        (2, GObject.Value(int, len(layers))),
    ):
        values.remove(place)
        values.insert(place, value)
    return values


def _toolkit(procedure: Gimp.ImageProcedure, run_mode: Gimp.RunMode) -> Optional[Toolkit]:
    """The user interface, where somebody looks on."""
    return None if run_mode == Gimp.RunMode.NONINTERACTIVE else user_interface(procedure.get_name())
