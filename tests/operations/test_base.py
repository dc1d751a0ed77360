"""What every operation shares: roles, parameters, the description that everything is made from, sentences on mistakes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import pytest
from pydantic import Field, ValidationError, field_validator

from scumble.imaging.layer import Layer
from scumble.operations import find, operations
from scumble.operations.base import Operation, Output, Parameters, Role
from scumble.operations.context import Context
from scumble.worker.models import ModelCache
from scumble_client import wire
from scumble_client.editor import form
from scumble_client.errors import ScumbleError


class SampleParameters(Parameters):
    count: int = Field(2, ge=1, le=8, title="How many", description="Of all.")
    strength: float = Field(0.5, ge=0, le=1, description="How much.", json_schema_extra={"step": 0.05})
    kind: Literal["soft", "hard"] = Field("soft", description="Which.")
    tint: str = Field("#ff0000", description="Colour.", json_schema_extra={"widget": "colour"})
    label_text: str = Field("", description="Words.")
    mirrored: bool = Field(False, description="Whether.")

    @field_validator("label_text")
    @classmethod
    def _short(cls, text: str) -> str:
        if len(text) > 100:
            raise ValueError("a label has at most 100 letters")
        return text


class Sample(Operation[SampleParameters]):
    name = "sample"
    title = "Sample"
    help = "An operation to look at."
    roles = (
        Role("image", "A picture", "Choose a layer.", required=True),
        Role("mask", "A selection", "Select something.", kind="mask"),
    )
    parameters = SampleParameters

    def run(self, layers: Mapping[str, Layer], parameters: SampleParameters, context: Context) -> Sequence[Output]:
        return []


def refused(**raw: Any) -> ScumbleError:
    with pytest.raises(ScumbleError) as raised:
        Sample().validate(raw)
    error = raised.value
    assert error.code == "invalid_parameter"
    assert error.message.endswith(".")
    assert error.hint.endswith(".")
    assert "\n" not in str(error)
    return error


class TestParameters:
    def test_every_one_has_a_default(self) -> None:
        found = Sample().validate({})
        assert (found.count, found.strength, found.kind, found.tint) == (2, 0.5, "soft", "#ff0000")

    def test_words_of_a_command_line_become_values(self) -> None:
        found = Sample().validate({"count": "3", "strength": "0.25", "kind": "hard", "mirrored": "true"})
        assert (found.count, found.strength, found.kind, found.mirrored) == (3, 0.25, "hard", True)

    def test_they_can_t_be_changed_afterwards(self) -> None:
        with pytest.raises(ValidationError, match="frozen"):
            Sample().validate({}).count = 3

    def test_an_unknown_one(self) -> None:
        error = refused(size=3)
        assert error.message == "Sample has no parameter called “size”."
        assert error.hint == "It has: count, strength, kind, tint, label_text, mirrored."

    @pytest.mark.parametrize(
        ("raw", "words"),
        [
            ({"count": 0}, "greater than or equal to 1"),
            ({"count": 9}, "less than or equal to 8"),
            ({"count": 1.5}, "integer"),
            ({"count": None}, "integer"),
            ({"count": "many"}, "integer"),
            ({"strength": float("nan")}, "finite"),
            ({"strength": "inf"}, "finite"),
            ({"kind": "medium"}, "'soft' or 'hard'"),
            ({"tint": 7}, "string"),
            ({"mirrored": "perhaps"}, "boolean"),
        ],
    )
    def test_a_wrong_value_is_named_with_the_reason(self, raw: dict[str, Any], words: str) -> None:
        error = refused(**raw)
        ((name, value),) = raw.items()
        assert error.message == f"The parameter “{name}” can't be {value!r}."
        assert words in error.hint

    def test_a_check_s_own_words_are_a_sentence(self) -> None:
        error = refused(label_text="x" * 101)
        assert error.hint == "A label has at most 100 letters."

    def test_a_long_value_is_cut(self) -> None:
        assert len(refused(label_text="x" * 10_000).message) < 120

    def test_the_first_of_several_is_told(self) -> None:
        assert "“count”" in refused(count=0, strength=7).message


class Numbered(Parameters):
    option: Literal[0, 1, 2] = Field(2, description="Which.")


class TestChoicesOfNumbers:
    """A command line and a dialog hand over text."""

    @pytest.mark.parametrize("given", [1, "1"])
    def test_are_numbers(self, given: object) -> None:
        assert Numbered.model_validate({"option": given}).option == 1

    @pytest.mark.parametrize("given", ["3", "", "one", 3])
    def test_others_are_refused(self, given: object) -> None:
        with pytest.raises(ValidationError):
            Numbered.model_validate({"option": given})

    def test_the_published_stages_can_be_chosen(self) -> None:
        operation = find("photo-style")
        assert operation.validate({"style_option": "0"}).style_option == 0


class TestRoles:
    def test_required_and_optional_ones(self) -> None:
        Sample().check_roles(["image"])
        Sample().check_roles(["mask", "image"])

    def test_a_required_one_is_missing(self) -> None:
        with pytest.raises(ScumbleError) as raised:
            Sample().check_roles(["mask"])
        assert raised.value.code == "missing_input"
        assert str(raised.value) == "Sample needs a picture. Choose a layer."

    def test_one_that_it_does_not_take(self) -> None:
        with pytest.raises(ScumbleError) as raised:
            Sample().check_roles(["image", "style"])
        assert raised.value.code == "bad_request"
        assert str(raised.value) == "Sample does not take an input called “style”. It takes: image, mask."


class TestDescription:
    def test_it_has_all_that_a_dialog_needs(self) -> None:
        found = Sample().describe()
        assert (found["name"], found["title"], found["help"]) == ("sample", "Sample", "An operation to look at.")
        assert found["hidden"] is False
        assert found["roles"] == [
            {"name": "image", "title": "A picture", "help": "Choose a layer.", "required": True, "kind": "layer"},
            {"name": "mask", "title": "A selection", "help": "Select something.", "required": False, "kind": "mask"},
        ]
        assert (found["slow"], found["presets"]) == ({}, [])
        assert found["parameters"] == [
            {
                "name": "count",
                "title": "How many",
                "help": "Of all.",
                "type": "integer",
                "default": 2,
                "minimum": 1,
                "maximum": 8,
            },
            {
                "name": "strength",
                "title": "Strength",
                "help": "How much.",
                "type": "number",
                "default": 0.5,
                "minimum": 0,
                "maximum": 1,
                "step": 0.05,
            },
            {
                "name": "kind",
                "title": "Kind",
                "help": "Which.",
                "type": "choice",
                "default": "soft",
                "choices": ["soft", "hard"],
                "labels": {"soft": "Soft", "hard": "Hard"},
            },
            {"name": "tint", "title": "Tint", "help": "Colour.", "type": "colour", "default": "#ff0000"},
            {"name": "label_text", "title": "Label text", "help": "Words.", "type": "text", "default": ""},
            {"name": "mirrored", "title": "Mirrored", "help": "Whether.", "type": "boolean", "default": False},
        ]

    def test_a_parameter_without_a_default_is_a_defect(self) -> None:
        class Bare(Parameters):
            count: int

        class Wrong(Sample):
            parameters = Bare  # type: ignore[assignment]

        with pytest.raises(TypeError, match="count has no default"):
            Wrong().describe()

    @pytest.mark.parametrize("name", sorted(operations()))
    def test_every_operation_s_can_travel_and_be_shown(self, name: str) -> None:
        operation = find(name)
        found = operation.describe()
        assert wire.unpack(wire.pack(found)) == found
        assert json.loads(json.dumps(found)) == found
        assert found["help"].endswith(".")
        assert all(role["help"].endswith(".") for role in found["roles"])
        assert found["roles"][0]["name"] == "image"
        if not operation.hidden:
            assert all(parameter["title"] and parameter["help"] for parameter in found["parameters"])
        defaults = {parameter["name"]: parameter["default"] for parameter in found["parameters"]}
        assert operation.validate(defaults) == operation.validate({})


class TestRegistry:
    def test_unknown_ones_name_what_there_is(self) -> None:
        with pytest.raises(ScumbleError) as raised:
            find("nope")
        assert raised.value.code == "unknown_operation"
        assert "inpaint" in raised.value.hint

    def test_finding_them_does_not_import_torch(self) -> None:
        code = "import sys; from scumble.operations import operations; operations(); print('torch' in sys.modules)"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout == "False\n"


class TestContext:
    def test_a_part_of_the_whole(self) -> None:
        heard: list[tuple[float, str]] = []
        context = Context(0, "cpu", ModelCache(), lambda fraction, message: heard.append((fraction, message)))
        part = context.part(0.2, 0.6, "Filling")
        for fraction in (0.0, 0.5, 1.0, 7.0, -1.0):
            part(fraction)
        assert [round(fraction, 6) for fraction, _ in heard] == [0.2, 0.4, 0.6, 0.6, 0.2]
        assert {message for _, message in heard} == {"Filling"}

    def test_a_note_is_told_once(self) -> None:
        context = Context(0, "cpu", ModelCache(), lambda fraction, message: None)
        for sentence in ("One.", "Two.", "One."):
            context.note(sentence)
        assert context.notes == ["One.", "Two."]


FORBIDDEN = ("lbfgs", "l-bfgs", "membrane", "embedded", "patchmatch", "scumble ", "laplacian", "gatys")
"""Words that say nothing to an artist, and commands of a terminal."""

MOST_IN_VIEW = 6


def settings_of(operation: Operation[Any]) -> Iterator[dict[str, Any]]:
    """The defaults, and each choice of each parameter in turn."""
    described = operation.describe()["parameters"]
    defaults = {p["name"]: p["default"] for p in described}
    yield defaults
    for parameter in described:
        for choice in parameter.get("choices", [True, False] if parameter["type"] == "boolean" else []):
            yield {**defaults, parameter["name"]: choice}


@pytest.mark.parametrize("name", sorted(operations()))
class TestWhatAFormShows:
    def test_six_controls_at_most_are_in_view(self, name: str) -> None:
        described = operations()[name].describe()
        for values in settings_of(operations()[name]):
            assert len(form.shown(described, values)[0]) <= MOST_IN_VIEW

    def test_an_effect_depends_on_choices_that_there_are(self, name: str) -> None:
        parameters = {p["name"]: p for p in operations()[name].describe()["parameters"]}
        for parameter in parameters.values():
            for other, values in parameter.get("when", {}).items():
                allowed = parameters[other].get("choices", [True, False])
                assert set(values) < set(allowed), f"{parameter['name']} hangs on {other}"

    def test_slow_choices_are_choices(self, name: str) -> None:
        parameters = {p["name"]: p for p in operations()[name].describe()["parameters"]}
        for other, values in operations()[name].slow.items():
            assert set(values) <= set(parameters[other]["choices"])

    def test_what_is_first_seen_is_in_an_artist_s_words(self, name: str) -> None:
        described = operations()[name].describe()
        for parameter in described["parameters"]:
            words = [parameter["title"], parameter["help"], *parameter.get("labels", {}).values()]
            text = " ".join(words).lower()
            if not parameter.get("advanced"):
                assert not [word for word in FORBIDDEN if word in text], parameter["name"]
            assert "scumble " not in text
            assert len(set(parameter.get("labels", {}).values())) == len(parameter.get("choices", []))

    def test_presets_are_valid_and_change_what_they_say(self, name: str) -> None:
        operation = operations()[name]
        titles = [preset.title for preset in operation.presets]
        assert len(titles) == len(set(titles))
        assert operation.hidden or 3 <= len(titles) <= 4
        defaults = operation.validate({})
        for preset in operation.presets:
            valid = operation.validate(preset.values)
            for parameter, value in preset.values.items():
                assert getattr(valid, parameter) == value
            if preset.values:
                assert valid != defaults or name == "paint-style", preset.title  # its first preset names the default


def test_a_parameter_that_hangs_on_another_is_hidden_with_the_rest_of_its_choices() -> None:
    described = operations()["photo-style"].describe()
    fast, deep = (
        {p["name"] for part in form.shown(described, {"method": method}) for p in part} for method in ("fast", "deep")
    )
    assert "iterations" in deep - fast
    assert "smoothness" in fast - deep
    assert "strength" in fast & deep
