"""Which layer is obvious for a role, and what is said where something is missing."""

from __future__ import annotations

from typing import Any

import pytest

from scumble.operations import find
from scumble_client.editor.roles import LayerInfo, Source, View, explain, label, missing, obvious, resolve, role_of
from scumble_client.errors import ScumbleError

IMAGE = {"name": "image", "title": "A picture", "help": "Choose the layer to work on.", "required": True}
MASK = {"name": "mask", "title": "A selection", "help": "Select what should be filled.", "kind": "mask"}
SKETCH = {"name": "sketch", "title": "A sketch", "help": "Draw on a layer called Sketch."}
STROKES = {"name": "strokes", "title": "Strokes", "help": "Paint on a layer called Strokes.", "required": True}
EDIT: dict[str, Any] = {"name": "edit", "title": "Edit", "roles": [IMAGE, MASK, SKETCH]}

BACKGROUND = LayerInfo("1", "Background")
DRAWN = LayerInfo("2", "Sketch copy 3")
HIDDEN = LayerInfo("3", "Notes", False, "hidden")


def view(active: LayerInfo | None = BACKGROUND, selection: bool = True, *more: LayerInfo) -> View:
    return View((*more, DRAWN, HIDDEN, BACKGROUND), active, selection)


@pytest.mark.parametrize(
    "name", ["Sketch", "sketch", " SKETCH ", "Sketch 2", "sketch copy", "Sketch copy 3", "sketch_1"]
)
def test_a_layer_called_sketch_means_the_role(name: str) -> None:
    assert role_of(name) == "sketch"


@pytest.mark.parametrize("name", ["Sketchbook", "my sketch", "", "Layer 1", "Background"])
def test_other_names_mean_none(name: str) -> None:
    assert role_of(name) is None


@pytest.mark.parametrize(
    ("name", "role"), [("Colour", "color"), ("colors", "color"), ("Stroke 1", "strokes"), ("Style", "style")]
)
def test_both_spellings_and_plurals_are_known(name: str, role: str) -> None:
    assert role_of(name) == role


def test_a_role_without_a_list_of_names_goes_by_its_own() -> None:
    assert role_of("Depth Map", ["depth_map"]) == "depth_map"


def test_the_active_layer_is_the_picture() -> None:
    assert obvious(IMAGE, view()) == Source("active", "1", "Background")


def test_what_is_visible_is_the_picture_where_the_active_layer_cannot_be_read() -> None:
    assert obvious(IMAGE, view(HIDDEN)).kind == "visible"


def test_what_is_visible_is_the_picture_where_no_layer_is_active() -> None:
    assert obvious(IMAGE, view(None)).kind == "visible"


def test_the_layer_below_is_the_picture_where_the_sketch_is_active() -> None:
    found = obvious(IMAGE, view(DRAWN), ["image", "mask", "sketch"])
    assert found == Source("layer", "1", "Background")


def test_an_empty_sketch_layer_is_the_picture_for_no_operation() -> None:
    empty = LayerInfo(DRAWN.id, DRAWN.name, empty=True)
    assert obvious(IMAGE, View((empty, LayerInfo("1", "Picture")), empty), ["image", "mask"]).id == "1"


def test_a_result_below_the_sketch_is_not_the_picture() -> None:
    result = LayerInfo("3", "Inpaint", False, "a result")
    assert obvious(IMAGE, View((DRAWN, result, LayerInfo("1", "Picture")), DRAWN), ["image", "sketch"]).id == "1"


def test_a_sketch_layer_is_the_picture_for_an_operation_without_sketches() -> None:
    assert obvious(IMAGE, view(DRAWN), ["image", "mask"]).id == "2"


def test_what_is_visible_is_the_picture_where_nothing_lies_below_the_sketch() -> None:
    assert obvious(IMAGE, View((DRAWN,), DRAWN), ["sketch"]).kind == "visible"


def test_the_selection_is_the_mask() -> None:
    assert obvious(MASK, view()).kind == "selection"


def test_a_layer_called_mask_is_the_mask_where_nothing_is_selected() -> None:
    layer = LayerInfo("9", "Mask")
    assert obvious(MASK, view(BACKGROUND, False, layer)) == Source("layer", "9", "Mask")


def test_the_uppermost_of_several_layers_is_taken() -> None:
    assert obvious(SKETCH, view(BACKGROUND, True, LayerInfo("8", "Sketch"))).id == "8"


def test_nothing_is_obvious_without_such_a_layer() -> None:
    assert obvious(STROKES, view()).kind == "none"


def test_all_roles_are_resolved_and_empty_ones_left_out() -> None:
    found = resolve(EDIT, {}, view(BACKGROUND, False))
    assert {role: source.kind for role, source in found.items()} == {"image": "active", "sketch": "layer"}


def test_a_choice_overrules_what_is_obvious() -> None:
    assert "sketch" not in resolve(EDIT, {"sketch": Source("none")}, view())


def test_the_layer_below_can_be_chosen() -> None:
    seen = View((DRAWN, BACKGROUND), DRAWN, True, BACKGROUND)
    found = resolve(EDIT, {"image": Source("below")}, seen)
    assert found["image"] == Source("layer", BACKGROUND.id, BACKGROUND.name)
    assert missing(EDIT, {"image": Source("below")}, View((BACKGROUND,), BACKGROUND)) == (
        "There is no layer below the active one. Choose another input."
    )


def test_a_layer_of_a_file_that_was_opened_again_is_found_by_its_name() -> None:
    found = resolve(EDIT, {"sketch": Source("layer", "gone", "Notes")}, view())
    assert found["sketch"] == Source("layer", "3", "Notes")


@pytest.mark.parametrize(
    ("operation", "chosen", "seen", "sentence"),
    [
        (EDIT, {}, None, "No picture is open. Open one, or make a new one."),
        ({**EDIT, "roles": [STROKES]}, {}, view(), "Edit needs strokes. Paint on a layer called Strokes."),
        (
            EDIT,
            {"sketch": Source("layer", "7", "Lost")},
            view(),
            "The layer “Lost” is gone. Choose another one for “A sketch”.",
        ),
        (
            {**EDIT, "roles": [{**MASK, "required": True}]},
            {"mask": Source("selection")},
            view(selection=False),
            "Nothing is selected. Select what should be filled.",
        ),
        (EDIT, {"image": Source("active")}, view(None), "No layer is active. Click on a layer."),
        (EDIT, {"sketch": Source("file")}, view(), "No file is chosen for “A sketch”. Choose one."),
        (EDIT, {}, view(), ""),
    ],
)
def test_what_is_missing_is_a_sentence(
    operation: dict[str, Any], chosen: dict[str, Source], seen: View | None, sentence: str
) -> None:
    assert missing(operation, chosen, seen) == sentence


@pytest.mark.parametrize(
    ("name", "values", "selected", "sentence"),
    [
        ("inpaint", {"mask_from": "mask"}, False, "Nothing is selected. Select what should be filled."),
        ("inpaint", {"mask_from": "mask"}, True, ""),
        ("inpaint", {"mask_from": "alpha"}, False, ""),
        ("restore-mosaic", {"mask_from": "mask"}, False, "Nothing is selected. "),
        ("photo-style", {"painting": "none"}, False, "Photo style needs a style picture. Choose a layer or a file"),
        ("photo-style", {"painting": "sunset"}, False, ""),
        ("paint-style", {"painting": "impasto"}, True, ""),
    ],
)
def test_what_the_values_need_is_missed(name: str, values: dict[str, Any], selected: bool, sentence: str) -> None:
    said = missing(find(name).describe(), {}, view(selection=selected), values)
    assert said.startswith(sentence)
    assert bool(said) == bool(sentence)


def test_what_is_missing_has_the_code_missing_input() -> None:
    with pytest.raises(ScumbleError) as caught:
        resolve(EDIT, {}, None)
    assert caught.value.code == "missing_input"


def test_a_chosen_selection_that_is_not_there_is_left_out_where_it_may_be() -> None:
    assert "mask" not in resolve(EDIT, {"mask": Source("selection")}, view(selection=False))


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (Source("layer", "2", "Sketch"), "layer “Sketch”"),
        (Source("visible"), "what is visible (“Notes” is hidden)"),
        (Source("selection"), "the selection"),
        (Source("file", path="a.png"), "a.png"),
        (Source("none"), "nothing"),
    ],
)
def test_a_source_is_explained(source: Source, text: str) -> None:
    assert explain(source, view(HIDDEN)) == text


@pytest.mark.parametrize("source", [Source(), Source("layer", "1", "A"), Source("file", path="/a b.png")])
def test_a_source_survives_json(source: Source) -> None:
    assert Source.from_dict(source.as_dict()) == source


@pytest.mark.parametrize("raw", [None, 3, {}, {"kind": "magic"}, {"kind": ["layer"]}])
def test_nonsense_is_read_as_automatic(raw: Any) -> None:
    assert Source.from_dict(raw) == Source()


def test_a_face_s_sketch_and_colours_are_found_by_their_names() -> None:
    described = find("face-sketch").describe()
    sketch, colours = LayerInfo("8", "Sketch"), LayerInfo("9", "Colour 2")
    seen = View((sketch, colours, BACKGROUND), sketch, True)
    found = resolve(described, {}, seen)
    assert {role: (source.kind, source.id) for role, source in found.items()} == {
        "image": ("layer", "1"),
        "mask": ("selection", ""),
        "sketch": ("layer", "8"),
        "color": ("layer", "9"),
    }
    assert missing(described, {}, View(seen.layers, sketch, False)).startswith("Face from sketch needs")


def test_a_role_whose_pixels_are_at_hand_is_not_missed() -> None:
    operation = {**EDIT, "roles": [IMAGE, {**MASK, "required": True}]}
    with pytest.raises(ScumbleError, match=r"Edit needs a selection\."):
        resolve(operation, {}, view(selection=False))
    assert set(resolve(operation, {}, view(selection=False), ["mask"])) == {"image"}


@pytest.mark.parametrize(
    ("title", "short"), [("A picture", "Picture"), ("An edge", "Edge"), ("Strokes", "Strokes"), ("A", "A")]
)
def test_a_label_has_no_article(title: str, short: str) -> None:
    assert label({"title": title}) == short


def test_the_active_layer_can_be_pinned() -> None:
    assert Source("active", "1", "Ground").pinned() == Source("layer", "1", "Ground")
    assert Source("file", path="/a").pinned() == Source("file", path="/a")
