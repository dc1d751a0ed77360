"""A user without anything, and one who has an editor."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scumble.installers import EDITORS, GIMP, KRITA
from scumble.installers.editor import EditorHome
from scumble.installers.gimp_homes import GimpHome
from scumble.installers.krita_homes import KritaHome

VARIABLES = ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "APPDATA", "LOCALAPPDATA", "GIMP3_DIRECTORY")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without anything; no editor on the PATH."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("SCUMBLE_CONFIG_DIR", str(tmp_path / "scumble-config"))
    return tmp_path


@pytest.fixture
def krita_home(home: Path) -> KritaHome:
    """A Krita that ran once."""
    (home / ".config").mkdir()
    (home / ".config" / "kritarc").write_text("LastUsed=1\n\n[theme]\nTheme=Krita dark\n")
    (found,) = KRITA.present()
    return found


@pytest.fixture
def gimp_home(home: Path) -> GimpHome:
    """A GIMP that ran once."""
    (home / ".config/GIMP/3.0/plug-ins").mkdir(parents=True)
    (found,) = GIMP.present()
    return found


@pytest.fixture(params=list(EDITORS))
def editor(request: pytest.FixtureRequest) -> Any:
    """Each editor that there is a plugin for."""
    return EDITORS[request.param]


@pytest.fixture
def editor_home(request: pytest.FixtureRequest, editor: Any) -> EditorHome:
    """Of that editor, which ran once."""
    found: EditorHome = request.getfixturevalue(f"{editor.name}_home")
    return found


@pytest.fixture
def add_flatpak(home: Path) -> Callable[[Any], None]:
    """Makes the folders of an editor's flatpak."""

    def add(editor: Any) -> None:
        inside = {"krita": "", "gimp": "config/GIMP/3.0"}[editor.name]
        (home / ".var/app" / editor.flatpak / inside).mkdir(parents=True)

    return add
