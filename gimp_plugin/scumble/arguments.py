"""From an operation's description to a procedure's arguments, and from their values back to sources and parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Iterable, Optional, Tuple

from host import Babl, Gegl, Gimp, GObject
from inputs import AUTOMATIC, INPUTS

from scumble_client.editor import form
from scumble_client.editor.provenance import INPUT
from scumble_client.editor.roles import Source, label

if TYPE_CHECKING:
    from edited_picture import EditedPicture


FLAGS = GObject.ParamFlags.READWRITE
SEED = "seed"
OUTPUT = "output"
NEW_SEED = -1
MASKED = "masked-layer"
OUTPUTS = {"layer": "New layer", MASKED: "New layer with a mask"}
MASK_TITLE = "Mask in place of the selection"
MOST = 2**31 - 1
"""GIMP's integers have 32 bits and a sign."""

_TAKEN = ("run-mode", "image", "drawables", INPUT, OUTPUT, SEED)


class Arguments:
    """The names of an operation's arguments.

    `layers` and `files`: role → argument; `parameters`: parameter → argument. The role `image` is GIMP's own argument
    `drawables`.
    """

    def __init__(self, operation: Dict[str, Any]) -> None:
        self.operation = operation
        self.roles = [role for role in operation["roles"] if role["name"] != "image"]
        self.layers = {role["name"]: _dashed(role["name"]) for role in self.roles}
        self.files = {role["name"]: _dashed(role["name"]) + "-file" for role in self.roles if role["name"] != "mask"}
        taken = {*_TAKEN, *self.layers.values(), *self.files.values()}
        self.parameters = {}
        for parameter in operation["parameters"]:
            name = _dashed(parameter["name"])
            while name in taken:
                name += "-value"
            taken.add(name)
            self.parameters[parameter["name"]] = name

    def add_to(self, procedure: Gimp.ImageProcedure) -> None:
        """Declare them. Defaults come from the description alone: GIMP keeps them from one start to the next."""
        _add_labelled(
            procedure,
            INPUT,
            "Input",
            "Where the picture comes from. Automatic: the chosen layer, with earlier results that lie over it.",
            INPUTS,
            AUTOMATIC,
        )
        for parameter in self.operation["parameters"]:
            _ADDERS.get(parameter["type"], _add_text)(procedure, self.parameters[parameter["name"]], parameter)
        for role in self.roles:
            name, help_text = role["name"], role["help"]
            if role.get("kind") == "mask":
                title = MASK_TITLE if name == "mask" else label(role)
                procedure.add_drawable_argument(self.layers[name], title, help_text, True, FLAGS)
            else:
                procedure.add_layer_argument(self.layers[name], label(role), help_text, True, FLAGS)
            if name in self.files:
                procedure.add_file_argument(
                    self.files[name],
                    f"{label(role)} from a file",
                    f"A picture file in place of a layer. {help_text}",
                    Gimp.FileChooserAction.OPEN,
                    True,
                    None,
                    FLAGS,
                )
        _add_labelled(
            procedure,
            OUTPUT,
            "Output",
            "With a mask: what is transparent becomes the new layer's mask, on which parts of it can be taken back.",
            OUTPUTS,
            next(iter(OUTPUTS)),
        )
        add_seed(procedure)

    def values(self, config: Gimp.ProcedureConfig) -> Dict[str, Any]:
        """The parameters that a call was made with, checked. Raises ScumbleError."""
        return {p["name"]: form.check(p, self._raw(config, p)) for p in self.operation["parameters"]}

    def tidy_values(self, config: Gimp.ProcedureConfig) -> Dict[str, Any]:
        """The same with what is wrong at its default, for a form."""
        return form.clean(self.operation, {p["name"]: self._raw(config, p) for p in self.operation["parameters"]})

    def _raw(self, config: Gimp.ProcedureConfig, parameter: Dict[str, Any]) -> Any:
        return _from_gimp(parameter, config.get_property(self.parameters[parameter["name"]]))

    def set_values(self, config: Gimp.ProcedureConfig, values: Dict[str, Any]) -> None:
        """Put parameters into a call, out of a preset."""
        for parameter in self.operation["parameters"]:
            self.set_value(config, parameter, values[parameter["name"]])

    def set_value(self, config: Gimp.ProcedureConfig, parameter: Dict[str, Any], value: Any) -> None:
        """Put one parameter into a call."""
        config.set_property(self.parameters[parameter["name"]], _to_gimp(parameter, value))

    def show_colours(self, config: Gimp.ProcedureConfig) -> None:
        """Put the default where a colour was never set, so that the dialog shows it."""
        for parameter in self.operation["parameters"]:
            name = self.parameters[parameter["name"]]
            if parameter["type"] == "colour":
                config.set_property(name, Gegl.Color.new(_from_gimp(parameter, config.get_property(name))))

    def sources(self, config: Gimp.ProcedureConfig, picture: EditedPicture, unset: Source) -> Dict[str, Source]:
        """What each role is taken from; `picture` notes the layers. A role that nothing is given for gets `unset`."""
        chosen = {}
        for role in self.roles:
            name = role["name"]
            item = config.get_property(self.layers[name])
            file = config.get_property(self.files[name]) if name in self.files else None
            if item is not None:
                chosen[name] = picture.source(item)
            elif file is not None:
                chosen[name] = Source("file", path=file.get_path() or "")
            else:
                # The selection is the mask, whether or not somebody could have named a layer instead.
                chosen[name] = Source("auto") if name == "mask" else unset
        return chosen


def add_seed(procedure: Gimp.ImageProcedure) -> None:
    procedure.add_int_argument(
        SEED, "Seed", "Same seed, same pixels; −1: a new one for each run.", NEW_SEED, MOST, NEW_SEED, FLAGS
    )


def _dashed(name: str) -> str:
    return name.replace("_", "-")


def _range(parameter: Dict[str, Any]) -> Tuple[float, float]:
    low, high = parameter.get("minimum"), parameter.get("maximum")
    return -MOST if low is None else low, MOST if high is None else high


def _add_boolean(procedure: Gimp.ImageProcedure, name: str, p: Dict[str, Any]) -> None:
    procedure.add_boolean_argument(name, p["title"], p["help"], bool(p["default"]), FLAGS)


def _add_integer(procedure: Gimp.ImageProcedure, name: str, p: Dict[str, Any]) -> None:
    low, high = _range(p)
    procedure.add_int_argument(
        name, p["title"], p["help"], max(int(low), -MOST), min(int(high), MOST), p["default"], FLAGS
    )


def _add_number(procedure: Gimp.ImageProcedure, name: str, p: Dict[str, Any]) -> None:
    low, high = _range(p)
    procedure.add_double_argument(name, p["title"], p["help"], float(low), float(high), float(p["default"]), FLAGS)


def _add_choice(procedure: Gimp.ImageProcedure, name: str, p: Dict[str, Any]) -> None:
    labels = {str(value): form.label(p, value) for value in p["choices"]}
    _add_labelled(procedure, name, p["title"], p["help"], labels, str(p["default"]))


def _add_labelled(
    procedure: Gimp.ImageProcedure, name: str, title: str, help_text: str, labels: Dict[str, str], default: str
) -> None:
    """A choice: scripts name a value, an artist reads what stands for it."""
    choice = Gimp.Choice.new()
    for number, (value, shown) in enumerate(labels.items()):
        choice.add(value, number, shown, "")
    procedure.add_choice_argument(name, title, help_text, choice, default, FLAGS)


def _add_colour(procedure: Gimp.ImageProcedure, name: str, p: Dict[str, Any]) -> None:
    Gegl.init(None)  # GIMP has not done it where it only asks what there is
    procedure.add_color_argument(name, p["title"], p["help"], False, Gegl.Color.new(p["default"]), FLAGS)


def _add_grid(procedure: Gimp.ImageProcedure, name: str, p: Dict[str, Any]) -> None:
    help_text = f"{p['help']} {p['rows']} × {p['columns']} numbers, row by row, with spaces between; or nothing."
    procedure.add_string_argument(name, p["title"], help_text, _joined(p["default"]), FLAGS)


def _add_text(procedure: Gimp.ImageProcedure, name: str, p: Dict[str, Any]) -> None:
    procedure.add_string_argument(name, p["title"], p["help"], str(p["default"] or ""), FLAGS)


_ADDERS = {
    "boolean": _add_boolean,
    "integer": _add_integer,
    "number": _add_number,
    "choice": _add_choice,
    "colour": _add_colour,
    "grid": _add_grid,
}


def _joined(numbers: Optional[Iterable[float]]) -> str:
    return " ".join(f"{number:g}" for number in numbers or ())


def _from_gimp(parameter: Dict[str, Any], raw: Any) -> Any:
    kind = parameter["type"]
    if kind == "colour":
        # GIMP 3.0 gives a transparent black where nobody has set a colour, not the default.
        if raw is None or raw.get_rgba()[3] == 0:
            return parameter["default"]
        return "#" + bytes(raw.get_bytes(Babl.format("R'G'B' u8")).get_data()).hex()
    if kind == "grid":
        try:
            return [float(word) for word in (raw or "").replace(",", " ").split()]
        except ValueError:
            return raw
    if kind == "number":
        return form.significant(raw)
    if kind == "choice":
        return next((value for value in parameter["choices"] if str(value) == raw), raw)
    return raw if raw is not None else ""


def _to_gimp(parameter: Dict[str, Any], value: Any) -> Any:
    kind = parameter["type"]
    if kind == "colour":
        return Gegl.Color.new(value)
    if kind == "grid":
        return _joined(value)
    return str(value) if kind == "choice" else value
