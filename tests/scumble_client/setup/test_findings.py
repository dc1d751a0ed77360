"""What an artist reads and copies where something is wrong."""

from __future__ import annotations

import json
import sys

import pytest

from scumble_client.setup import findings
from scumble_client.setup.findings import doctor, examine, hidden
from scumble_client.setup.state import State

from .conftest import Bench


def launch(bench: Bench, said: str, code: int = 0) -> None:
    """An engine whose doctor says that."""
    program = bench.base / "engine.py"
    program.write_text(f"import sys\nprint({said!r})\nsys.exit({code})\n")
    bench.launch.write_text(json.dumps({"command": [sys.executable, str(program), "serve"]}))


FINDINGS = json.dumps(
    [
        {"what": "Python", "ok": True, "message": "3.11", "hint": ""},
        {"what": "disk", "ok": False, "message": "Only 1 MB are free.", "hint": "Make room."},
    ]
)


def test_the_doctors_findings_are_read_whatever_its_exit_code(bench: Bench) -> None:
    launch(bench, FINDINGS, 3)
    assert [one.text for one in doctor()] == [
        "ok    Python: 3.11",
        "WRONG disk: Only 1 MB are free.\n      → Make room.",
    ]


def test_without_an_engine_that_is_the_finding(bench: Bench) -> None:
    [one] = doctor()
    assert not one.ok
    assert "not installed" in one.message


@pytest.mark.parametrize("said", ["no json", "[]x", "{}", '[{"what": 1}]'])
def test_a_doctor_that_talks_nonsense(bench: Bench, said: str) -> None:
    launch(bench, said)
    found = doctor()
    assert found == [] or not found[0].ok


def test_a_doctor_that_is_silent(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    program = bench.base / "engine.py"
    program.write_text("import time\ntime.sleep(600)\n")
    bench.launch.write_text(json.dumps({"command": [sys.executable, str(program), "serve"]}))
    monkeypatch.setattr(findings, "SECONDS", 1.0)
    [one] = doctor()
    assert one.message == "It gave no answer."


def test_the_report_has_all_of_it_and_not_the_name_of_the_home_folder(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(bench.base))
    launch(bench, FINDINGS, 3)
    state = State(task="install", phase="failed", error={"message": "The disk is full.", "hint": "Make room."})
    state.engine = {"folder": str(bench.base / "engine-1"), "version": "1.0"}
    state.write()
    panel = bench.panel()
    panel.log_path.write_text("line one\nline two\n")
    text = examine(panel, "Krita 6")
    for part in (
        "Krita 6, plugin ",
        "WRONG disk",
        "Python for the engine: 3.",
        "The disk is full.",
        "line two",
        "Repair",
    ):
        assert part in text
    assert str(bench.base) not in text
    assert "Engine: 1.0 in ~/engine-1" in text


def test_hiding_a_home_that_is_everything_hides_nothing() -> None:
    assert hidden("/a/b", "/") == "/a/b"
    assert hidden("/home/me/x", "/home/me") == "~/x"
