"""`scumble operations`: the table, JSON, and the page of the manual that must not fall behind."""

from __future__ import annotations

import pytest

from scumble.cli.operations import markdown
from scumble.operations import find, operations
from tests.support.commands import Call
from tests.support.daemon import ROOT

PAGE = ROOT / "docs" / "operations.md"


@pytest.fixture
def shipped(calling: Call, monkeypatch: pytest.MonkeyPatch) -> Call:
    """`scumble …` with Scumble's own operations only."""
    monkeypatch.delenv("SCUMBLE_OPERATIONS", raising=False)
    return calling


def test_the_page_in_docs_is_what_the_command_prints(shipped: Call) -> None:
    assert shipped("operations", "--markdown").done().out == PAGE.read_text("utf-8"), "run: make docs"


def test_the_page_names_every_input_and_parameter(shipped: Call) -> None:
    page = shipped("operations", "--markdown").done().out
    for operation in operations().values():
        if not operation.hidden:
            described = operation.describe()
            assert f"(`{operation.name}`)" in page
            assert all(f"| `{item['name']}` |" in page for item in [*described["roles"], *described["parameters"]])


def test_the_page_tells_what_a_parameter_may_be_and_when_it_counts(shipped: Call) -> None:
    lines = shipped("operations", "inpaint", "--markdown").done().out.splitlines()
    (method,) = (line for line in lines if line.startswith("| `method` |"))
    assert "| `auto` |" in method
    assert "`patchmatch`" in method
    (variations,) = (line for line in lines if line.startswith("| `variations` |"))
    assert "1 to 8." in variations
    assert any("Only where *Method* is" in line for line in lines)
    assert "- [`scumble-inpaint-photo`](../weights/scumble-inpaint-photo.md): comes along; MIT" in lines
    assert any(line.startswith("- `big-lama`: Apache") for line in lines)


def test_the_table_shows_options_bounds_and_defaults(shipped: Call) -> None:
    lines = shipped("operations", "inpaint").done().out.splitlines()
    assert any(line.startswith("inpaint  ") for line in lines)
    (image,) = (line.split() for line in lines if line.split()[:1] == ["--image"])
    assert image[:3] == ["--image", "FILE", "needed"]
    (variations,) = (line.split() for line in lines if "variations=" in line)
    assert variations[:6] == ["--set", "variations=", "1", "to", "8", "1"]


def test_json_is_the_description_itself(shipped: Call) -> None:
    found = shipped("operations", "--json").done().json
    assert [operation["name"] for operation in found] == [o.name for o in operations().values() if not o.hidden]
    assert found[[o["name"] for o in found].index("inpaint")] == find("inpaint").describe()


@pytest.mark.parametrize("form", [(), ("--json",), ("--markdown",)])
def test_hidden_ones_do_not_show(calling: Call, monkeypatch: pytest.MonkeyPatch, form: tuple[str, ...]) -> None:
    monkeypatch.setenv("SCUMBLE_OPERATIONS", "tests.support.operations")
    said = calling("operations", *form).done().out
    assert "test-slow" in operations()
    assert "test-" not in said
    assert "identity" not in said


def test_one_by_name_even_if_it_is_hidden(shipped: Call) -> None:
    (found,) = shipped("operations", "identity", "--json").done().json
    assert found == find("identity").describe()
    assert markdown([found]) == shipped("operations", "identity", "--markdown").done().out


def test_an_unknown_name(shipped: Call) -> None:
    assert "no operation called “nope”" in shipped("operations", "nope").refused()


def test_a_studio_s_module_that_can_t_be_loaded_is_named(calling: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCUMBLE_OPERATIONS", "studio.nowhere,tests.support.operations")
    ran = calling("operations", "test-slow").done()
    [note] = ran.notes
    assert "the add-on studio.nowhere can't be loaded: ModuleNotFoundError" in note
    assert "SCUMBLE_OPERATIONS" in note
    assert "test-slow" in ran.out
