"""Which layer is meant for a role where the artist has not said so, and what is missing in words."""

import re
from dataclasses import asdict, dataclass
from typing import Any, Dict, Iterable, List, Mapping, Optional, Tuple

from ..errors import ScumbleError
from .messages import NOTHING_SELECTED

KINDS = ("auto", "active", "below", "visible", "selection", "layer", "file", "none")
"""What a role can be taken from. `auto` is resolved anew at each run; `visible` is the picture as it is seen."""

NAMES: Dict[str, Tuple[str, ...]] = {
    "sketch": ("sketch",),
    "color": ("color", "colour", "colors", "colours"),
    "strokes": ("strokes", "stroke"),
    "style": ("style",),
    "segmentation": ("segmentation", "segments"),
    "style_segmentation": ("style segmentation", "style segments"),
    "mask": ("mask",),
    "source": ("source",),
    "reference": ("fill reference",),  # what artists call “Reference” is a pose or a mood, not what a hole lacks
    "within": ("within",),
    "marked": ("marked", "marks"),
}
"""What layers are called that mean a role. Case, and a number or “copy” at the end, do not matter."""

DRAWN = ("sketch", "color", "strokes")
"""Roles whose layers are drawn over the picture: an empty one is not the picture itself, whatever runs."""

RESULT = "a result"
"""Why a layer that Scumble made is not plain: it is never taken for the picture unless somebody chooses it."""

DRAWN_LAYERS = ("Color", "Sketch")
"""Names of the two empty layers that are made to draw on, the lower one first; the upper one becomes active."""

STROKES_LAYERS = ("Strokes",)
"""Of the one that is made to paint strokes on."""

NO_DOCUMENT = ("No picture is open.", "Open one, or make a new one.")


@dataclass(frozen=True)
class Source:
    """Where a role's pixels come from.

    Parameters
    ----------
    kind
        Out of `KINDS`.
    id, name
        Of the layer; of a file, the name alone.
    path
        Of the file: absolute, or, out of a document, relative to the document's folder.
    digest
        SHA-256 of the file's content, in hexadecimal digits.
    """

    kind: str = "auto"
    id: str = ""
    name: str = ""
    path: str = ""
    digest: str = ""

    def pinned(self) -> "Source":
        """What is the active layer now, as that layer: it means the same when another one is active."""
        return Source("layer", self.id, self.name) if self.kind == "active" else self

    def as_dict(self) -> Dict[str, str]:
        """Without what is empty, for JSON."""
        return {key: value for key, value in asdict(self).items() if value}

    @classmethod
    def from_dict(cls, raw: Any) -> "Source":
        """The reverse; whatever can't be read becomes `auto`."""
        if not isinstance(raw, dict) or raw.get("kind") not in KINDS:
            return cls()
        return cls(raw["kind"], *(str(raw.get(key, "")) for key in ("id", "name", "path", "digest")))


@dataclass(frozen=True)
class LayerInfo:
    """A layer of the document, as far as choosing goes.

    Parameters
    ----------
    plain
        Whether it is an ordinary paint layer: visible with all its groups, not locked, not a group, vector or filter,
        and not a result.
    why
        Where it is not plain: the reason, to follow “is” in a sentence: “hidden”, “a group”.
    empty
        Whether nothing is painted on it; told of the active layer alone.
    """

    id: str
    name: str
    plain: bool = True
    why: str = ""
    empty: bool = False


@dataclass(frozen=True)
class View:
    """The document at the moment: layers from the topmost down, the active one among them, whether something is selected.

    `below` is the layer right below the active one.
    """

    layers: Tuple[LayerInfo, ...] = ()
    active: Optional[LayerInfo] = None
    selection: bool = False
    below: Optional[LayerInfo] = None

    def layer(self, source: Source) -> Optional[LayerInfo]:
        """The layer that a source means: by its id, or, in a document that was made anew, by its name."""
        for layer in self.layers:
            if source.id and layer.id == source.id:
                return layer
        for layer in self.layers:
            if source.name and layer.name == source.name:
                return layer
        return None


def role_of(name: str, roles: Optional[Iterable[str]] = None) -> Optional[str]:
    """The role that a layer of this name means, among `roles` (default: all that have names)."""
    plain = re.sub(r"(\s+copy)?[\s\d._-]*$", "", name.strip().casefold().replace("_", " "))
    for role in NAMES if roles is None else roles:
        if plain in NAMES.get(role, (role.replace("_", " "),)):
            return role
    return None


def obvious(role: Mapping[str, Any], view: View, taken: Iterable[str] = ()) -> Source:
    """What a role is taken from where nobody has said so; kind `none` where nothing is obvious.

    `taken` are the operation's other roles: a layer that is named after one of them is not the picture.
    """
    if role["name"] == "image":
        return _picture(view, [name for name in taken if name != "image"])
    if role["name"] == "mask" and view.selection:
        return Source("selection")
    for layer in view.layers:
        if role_of(layer.name, [role["name"]]):
            return Source("layer", layer.id, layer.name)
    return Source("none")


def _picture(view: View, others: List[str]) -> Source:
    active = view.active
    if active is None:
        return Source("visible")
    if active.empty:
        others = [*others, *DRAWN]
    if role_of(active.name, others):  # the artist draws the sketch: the picture is what lies below it
        place = view.layers.index(active) if active in view.layers else -1
        for layer in view.layers[place + 1 :]:
            if layer.plain and not role_of(layer.name, others):
                return Source("layer", layer.id, layer.name)
        return Source("visible")
    return Source("active", active.id, active.name) if active.plain else Source("visible")


def label(role: Mapping[str, Any]) -> str:
    """A role's title without its article, which is for sentences: “A picture” → “Picture”."""
    title = str(role["title"])
    words = title.split(" ", 1)
    plain = words[1] if len(words) == 2 and words[0] in ("A", "An", "The") else title
    return plain[:1].upper() + plain[1:]


def resolve(
    operation: Mapping[str, Any], chosen: Mapping[str, Source], view: Optional[View], given: Iterable[str] = ()
) -> Dict[str, Source]:
    """What each role of an operation is really taken from now; roles that stay empty are left out.

    `given` are roles whose pixels are at hand already, such as the selection of an earlier run.

    Raises
    ------
    ScumbleError
        `missing_input`, in a sentence, where something required is missing or what was chosen is gone.
    """
    if view is None:
        raise ScumbleError("missing_input", *NO_DOCUMENT)
    names = [role["name"] for role in operation["roles"]]
    found: Dict[str, Source] = {}
    for role in operation["roles"]:
        if role["name"] in given:
            continue
        source = chosen.get(role["name"], Source())
        if source.kind == "auto":
            source = obvious(role, view, names)
        source = _present(source, view, role)
        if source.kind != "none":
            found[role["name"]] = source
        elif role.get("required"):
            raise ScumbleError("missing_input", f"{operation['title']} needs {_lower(role['title'])}.", role["help"])
    return found


def _present(source: Source, view: View, role: Mapping[str, Any]) -> Source:
    """The source if it is there. Raises ScumbleError."""
    if source.kind == "layer":
        layer = view.layer(source)
        if layer is None:
            raise layer_gone(source, role)
        return Source("layer", layer.id, layer.name)
    if source.kind == "selection" and not view.selection:
        if role.get("required"):
            raise ScumbleError("missing_input", NOTHING_SELECTED, role["help"])
        return Source("none")
    if source.kind == "active":
        if view.active is None:
            raise ScumbleError("missing_input", "No layer is active.", "Click on a layer.")
        return Source("active", view.active.id, view.active.name)
    if source.kind == "below":
        if view.below is None:
            raise ScumbleError("missing_input", "There is no layer below the active one.", "Choose another input.")
        return Source("layer", view.below.id, view.below.name)
    if source.kind == "file" and not (source.path or source.name):
        raise ScumbleError("missing_input", f"No file is chosen for “{role['title']}”.", "Choose one.")
    return source


def layer_gone(source: Source, role: Mapping[str, Any]) -> ScumbleError:
    """What is said where a chosen layer was removed, whenever that is noticed: before reading, or while reading."""
    return ScumbleError(
        "missing_input", f"The layer “{source.name}” is gone.", f"Choose another one for “{role['title']}”."
    )


def missing(
    operation: Mapping[str, Any],
    chosen: Mapping[str, Source],
    view: Optional[View],
    values: Optional[Mapping[str, Any]] = None,
) -> str:
    """What stands in the way of a run with these values, as a sentence or two; empty where nothing does."""
    try:
        found = resolve(operation, chosen, view)
    except ScumbleError as error:
        return str(error)
    for role in operation["roles"]:
        if role["name"] not in found and is_needed(role, values or {}):
            selection = role["name"] == "mask"
            what = NOTHING_SELECTED if selection else f"{operation['title']} needs {_lower(role['title'])}."
            return f"{what} {role['help']}"
    return ""


def is_needed(role: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    """Whether a role that may be empty must not be with these values: a parameter says to take it from there."""
    name = role["name"]
    return values.get(f"{name}_from") == name or (name == "style" and values.get("painting") == "none")


def explain(source: Source, view: Optional[View]) -> str:
    """A source in words, for a chooser: “layer Sketch”, “selection”, “what is visible (the layer is hidden)”."""
    if source.kind in ("layer", "active"):
        return f"layer “{source.name}”"
    if source.kind == "visible":
        active = view.active if view else None
        reason = f" (“{active.name}” is {active.why})" if active and not active.plain and active.why else ""
        return "what is visible" + reason
    return {"selection": "the selection", "file": source.path or source.name, "none": "nothing"}.get(source.kind, "")


def _lower(title: str) -> str:
    return title[:1].lower() + title[1:]
