"""The command line itself: quick to start, and open to commands of other packages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from scumble.cli import app


def test_starting_imports_nothing_that_takes_long() -> None:
    """Also not what other packages add: every command, and every help text, would wait for it."""
    code = "import sys, scumble.cli.app; print(sorted({m.split('.')[0] for m in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {name for name in ("numpy", "pydantic", "scipy", "torch", "zmq") if f"'{name}'" in done.stdout}


class Entry:
    """An entry point of another package."""

    def __init__(self, name: str, loaded: Any) -> None:
        self.name, self._loaded = name, loaded

    def load(self) -> Any:
        if isinstance(self._loaded, Exception):
            raise self._loaded
        return self._loaded


def test_a_command_that_can_t_be_loaded_costs_only_itself(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    added: list[typer.Typer] = []
    entries = [Entry("studio", ImportError("No module named 'studio'")), Entry("other", added.append)]
    monkeypatch.setattr(app, "entry_points", lambda group: entries)
    app._add_commands()
    assert added == [app.app]
    said = " ".join(capsys.readouterr().err.split())
    assert "The command “studio” can't be loaded: No module named 'studio'." in said
    assert "Traceback" not in said


def test_the_trainers_add_theirs(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "scumble.cli", "--help"], capture_output=True, text=True, check=True)
    assert " train " in done.stdout
