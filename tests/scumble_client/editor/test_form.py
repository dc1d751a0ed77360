"""From parameter descriptions to widgets and checked values."""

from __future__ import annotations

import math
from typing import Any

import pytest

from scumble.operations import operations
from scumble_client.editor import form
from scumble_client.errors import ScumbleError


def parameter(kind: str, default: Any, **more: Any) -> dict[str, Any]:
    return {"name": "p", "title": "P", "help": "H.", "type": kind, "default": default, **more}


BOOLEAN = parameter("boolean", False)
WHOLE = parameter("integer", 3, minimum=0, maximum=10)
FREE = parameter("integer", 3, minimum=0)
NUMBER = parameter("number", 0.12, minimum=0, maximum=1, step=0.01)
CHOICE = parameter("choice", "a", choices=["a", "b"])
COLOUR = parameter("colour", "#00ff00")
TEXT = parameter("text", "")
GRID = parameter("grid", (), rows=2, columns=3, minimum=-1.0, maximum=1.0)
NEW = parameter("hologram", "?")


@pytest.mark.parametrize(
    ("description", "widget"),
    [
        (BOOLEAN, "check"),
        (WHOLE, "slider"),
        (FREE, "spin"),
        (parameter("integer", 0, minimum=0, maximum=2**31), "spin"),
        (NUMBER, "slider"),
        (CHOICE, "choice"),
        (COLOUR, "colour"),
        (TEXT, "line"),
        (GRID, "grid"),
        (NEW, "line"),
    ],
)
def test_each_type_has_its_widget(description: dict[str, Any], widget: str) -> None:
    assert form.widget(description) == widget


@pytest.mark.parametrize(
    ("description", "step", "decimals"),
    [
        (WHOLE, 1, 0),
        (NUMBER, 0.01, 2),
        (parameter("number", 0.5, minimum=0, maximum=4), 0.01, 2),
        (parameter("number", 0.125), 0.1, 3),
        (parameter("number", 1e-7, maximum=1), 0.1, 7),
        (parameter("number", 100.0, minimum=0, maximum=1000, step=5), 5, 1),
    ],
)
def test_steps_and_decimals_follow_from_the_range(description: dict[str, Any], step: float, decimals: int) -> None:
    assert form.step(description) == pytest.approx(step)
    assert form.decimals(description) == decimals


@pytest.mark.parametrize(
    ("description", "value", "checked"),
    [
        (BOOLEAN, True, True),
        (WHOLE, 10, 10),
        (WHOLE, 4.0, 4),
        (NUMBER, 1, 1.0),
        (CHOICE, "b", "b"),
        (COLOUR, " #ABCDEF ", "#abcdef"),
        (TEXT, "x", "x"),
        (GRID, [], []),
        (GRID, (0, 1, -1, 0, 0, 0), [0.0, 1.0, -1.0, 0.0, 0.0, 0.0]),
        (NEW, "y", "y"),
    ],
)
def test_good_values_come_back_in_their_own_type(description: dict[str, Any], value: Any, checked: Any) -> None:
    result = form.check(description, value)
    assert result == checked
    assert type(result) is type(checked)


@pytest.mark.parametrize(
    ("description", "value"),
    [
        (BOOLEAN, 1),
        (WHOLE, 11),
        (WHOLE, -1),
        (WHOLE, 2.5),
        (WHOLE, True),
        (WHOLE, "3"),
        (NUMBER, math.nan),
        (NUMBER, math.inf),
        (NUMBER, None),
        (CHOICE, "c"),
        (COLOUR, "green"),
        (COLOUR, "#12345"),
        (TEXT, 7),
        (GRID, [0.0] * 5),
        (GRID, [0.0] * 5 + [2.0]),
        (GRID, "000000"),
    ],
)
def test_bad_values_are_refused_with_what_would_be_allowed(description: dict[str, Any], value: Any) -> None:
    with pytest.raises(ScumbleError) as caught:
        form.check(description, value)
    assert caught.value.code == "invalid_parameter"
    assert caught.value.message.startswith("“P” can't be ")
    assert caught.value.hint == f"{form.allowed(description)}."


@pytest.mark.parametrize(
    ("description", "words"),
    [
        (BOOLEAN, "Yes or no"),
        (WHOLE, "A whole number from 0 to 10"),
        (FREE, "A whole number of at least 0"),
        (parameter("number", 0.0, maximum=2), "A number of at most 2"),
        (parameter("number", 0.0), "A number"),
        (CHOICE, "One of: a, b"),
        (COLOUR, "A colour such as #00ff00"),
        (TEXT, "A text"),
        (GRID, "2 × 3 numbers from -1.0 to 1.0, or none"),
    ],
)
def test_what_is_allowed_is_said(description: dict[str, Any], words: str) -> None:
    assert form.allowed(description) == words


def test_defaults_are_a_copy_that_may_be_changed() -> None:
    one = form.defaults({"parameters": [GRID]})
    one["p"].append(1)
    assert form.defaults({"parameters": [GRID]}) == {"p": []}


def test_values_of_another_version_are_cleaned() -> None:
    operation = {"parameters": [WHOLE, {**CHOICE, "name": "q"}]}
    assert form.clean(operation, {"p": 99, "q": "b", "gone": 1}) == {"p": 3, "q": "b"}
    assert form.clean(operation, None) == {"p": 3, "q": "a"}


@pytest.mark.parametrize("name", sorted(operations()))
def test_every_operations_defaults_are_valid(name: str) -> None:
    described = operations()[name].describe()
    defaults = form.defaults(described)
    assert form.clean(described, defaults) == defaults
    operations()[name].validate(defaults)


def test_a_choice_is_read_by_its_label_and_by_itself_where_there_is_none() -> None:
    described = parameter("choice", 1, choices=[1, "b"], labels={"1": "One"})
    assert (form.label(described, 1), form.label(described, "b")) == ("One", "b")


def test_what_has_no_effect_is_hidden_and_what_is_advanced_is_apart() -> None:
    method: dict[str, Any] = {"name": "method"}
    radius: dict[str, Any] = {"name": "radius", "when": {"method": ["a"]}}
    weight: dict[str, Any] = {"name": "weight", "when": {"method": ["a", "b"], "gone": ["x"]}, "advanced": True}
    old: dict[str, Any] = {"name": "old", "when": {}}
    operation = {"parameters": [method, radius, weight, old]}
    assert form.shown(operation, {"method": "a"}) == ([method, radius, old], [weight])
    assert form.shown(operation, {"method": "b"}) == ([method, old], [weight])
    assert form.shown(operation, {"method": "c"}) == ([method, old], [])
    assert form.has_effect(weight, {"method": "a", "gone": "y"}) is False


@pytest.mark.parametrize(("values", "slow"), [({"method": "deep"}, True), ({"method": "fast"}, False), ({}, False)])
def test_choices_that_take_minutes_are_known(values: dict[str, Any], slow: bool) -> None:
    assert form.is_slow({"slow": {"method": ["deep"]}}, values) is slow
    assert form.is_slow({}, values) is False
