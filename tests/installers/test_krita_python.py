"""Which PyQt the doctor looks for: the one of the Krita that is installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from scumble.installers import krita_python
from scumble_client.errors import ScumbleError


def _program(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.mark.parametrize(
    ("linked", "pyqt", "packages"),
    [
        ("libQt5Core.so.5", "PyQt5", "python3-pyqt5 python3-pyqt5.sip"),
        ("libQt6Core.so.6", "PyQt6", "python3-pyqt6 python3-pyqt6.sip"),
        ("", "PyQt5", "python3-pyqt5 python3-pyqt5.sip"),
    ],
)
def test_a_krita_without_its_pyqt_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, linked: str, pyqt: str, packages: str
) -> None:
    _program(tmp_path / "krita", f"# {linked}")
    _program(tmp_path / "python3", "exit 1")
    monkeypatch.setattr(krita_python, "SYSTEM_KRITA", str(tmp_path / "krita"))
    monkeypatch.setattr(krita_python, "SYSTEM_PATH", str(tmp_path))
    with pytest.raises(ScumbleError, match=f"since {pyqt} is not installed. Install it: sudo apt install {packages}"):
        krita_python.check_python({"PATH": str(tmp_path)})
    _program(tmp_path / "python3", f'case "$*" in *{pyqt}.QtCore*) exit 0 ;; esac; exit 1')
    krita_python.check_python({"PATH": str(tmp_path)})
