"""Installing into an editor and out again, what is the same for every editor; all on a fake home."""

from __future__ import annotations

import ast
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scumble.cli.app import call
from scumble.installers import NAME
from scumble.installers.editor import EditorHome
from scumble.installers.record import RECORD_FILE, read_record
from scumble_client.editor.catalogue import usable
from scumble_client.errors import ScumbleError
from scumble_client.paths import config_dir
from tests.support import needs
from tests.support.daemon import ROOT

SENTENCES = {
    "krita": "Krita was not found. Start Krita once; or say where: --resources",
    "gimp": "GIMP 3 was not found. Start GIMP 3 once; or say where: --resources",
}


def test_an_unknown_editor_is_refused(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["install", "photoshop"]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "Scumble has no plugin for “photoshop”. It has one for: krita, gimp." in said


def test_without_the_editor_the_error_says_what_to_do(
    editor: Any, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["install", editor.name]) == 2
    assert SENTENCES[editor.name] in " ".join(capsys.readouterr().err.split())


def test_all_is_there(editor: Any, editor_home: EditorHome) -> None:
    assert call(["install", editor.name]) == 0
    found = editor.inspect(editor_home)
    assert (found.here, found.missing) == (True, ())
    folder = editor_home.plugins / NAME
    described = json.loads((folder / "operations.json").read_text())
    assert {"inpaint", "identity"} <= {operation["name"] for operation in described}
    assert usable(described) == described
    for launch in (folder / "launch.json", config_dir() / "launch.json"):
        assert json.loads(launch.read_text())["command"] == [sys.executable, "-m", "scumble.daemon"]
    assert read_record() == {editor.name: [str(editor_home.folder)]}
    assert not list(folder.rglob("__pycache__"))
    assert not [one for one in editor_home.plugins.iterdir() if one.name.startswith(".")]


def test_the_plugins_own_files_come_whole(editor: Any, editor_home: EditorHome) -> None:
    editor.install([editor_home])
    source = ROOT / editor.source / NAME
    for file in source.rglob("*.py"):
        assert (editor_home.plugins / NAME / file.relative_to(source)).read_bytes() == file.read_bytes()


def test_no_binary_comes_along(editor: Any, editor_home: EditorHome) -> None:
    editor.install([editor_home])
    endings = {file.suffix for file in editor_home.plugins.rglob("*") if file.is_file()}
    assert endings <= {".py", ".json", ".html", ".desktop", ".png", ""}


def test_a_flatpak_starts_the_daemon_outside_of_it(
    editor: Any, home: Path, add_flatpak: Callable[[Any], None], capsys: pytest.CaptureFixture[str]
) -> None:
    add_flatpak(editor)
    assert call(["install", editor.name]) == 0
    (found,) = editor.present()
    assert found.kind == "flatpak"
    command = json.loads((found.plugins / NAME / "launch.json").read_text())["command"]
    assert command[:2] == ["flatpak-spawn", "--host"]
    assert command[2].endswith(f"/app/{editor.flatpak}/scumble")
    assert command[3:] == [sys.executable, "-m", "scumble.daemon"]
    assert f"flatpak override --user --talk-name=org.freedesktop.Flatpak {editor.flatpak}" in capsys.readouterr().out
    assert call(["uninstall", editor.name]) == 0
    assert [path for path in (home / ".var").rglob("*") if path.is_file()] == []


def test_installing_again_keeps_settings_takes_old_files_away_and_leaves_others_alone(
    editor: Any, editor_home: EditorHome
) -> None:
    (editor_home.plugins / "other").mkdir(parents=True)
    editor.install([editor_home])
    (config_dir() / "editors.json").write_text('{"options": {"seed": 5}}')
    stale = editor_home.plugins / NAME / "old_module.py"
    stale.write_text("")
    editor.install([editor_home])
    assert not stale.exists()
    assert (config_dir() / "editors.json").exists()
    assert (editor_home.plugins / "other").is_dir()


def test_an_installation_that_fails_leaves_the_old_plugin(
    editor: Any, editor_home: EditorHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor.install([editor_home])

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("scumble.installers.bundle.shutil.copytree", full)
    with pytest.raises(ScumbleError, match="No space left on device"):
        editor.install([editor_home])
    assert editor.inspect(editor_home).missing == ()
    assert not [one for one in editor_home.plugins.iterdir() if one.name.startswith(".")]


@needs.links
def test_a_developers_link_is_replaced_and_what_it_points_to_is_left_alone(
    editor: Any, editor_home: EditorHome, home: Path
) -> None:
    (home / "mine").mkdir()
    (home / "mine" / "kept").write_text("")
    editor_home.plugins.mkdir(parents=True, exist_ok=True)
    for change in (editor.install, editor.uninstall):
        (editor_home.plugins / NAME).symlink_to(home / "mine")
        change([editor_home])
        assert (home / "mine" / "kept").exists()
        assert not (editor_home.plugins / NAME).is_symlink()
        editor.uninstall([editor_home])
        editor_home.plugins.mkdir(parents=True, exist_ok=True)


def test_uninstalling_leaves_nothing(editor: Any, editor_home: EditorHome, home: Path) -> None:
    def files() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}

    before = files()
    assert call(["install", editor.name]) == 0
    (config_dir() / "editors.json").write_text("{}")
    assert call(["uninstall", editor.name]) == 0
    assert files() == before
    assert not config_dir().exists()
    assert not editor_home.plugins.exists()


def test_others_plugins_and_keys_stay(editor: Any, editor_home: EditorHome) -> None:
    (editor_home.plugins / "other").mkdir(parents=True)
    editor.install([editor_home])
    (config_dir() / "allowed.json").write_text("{}")
    editor.uninstall([editor_home])
    assert (editor_home.plugins / "other").is_dir()
    assert (config_dir() / "allowed.json").exists()
    assert not (config_dir() / RECORD_FILE).exists()


def test_a_given_folder_is_remembered_for_uninstalling(editor: Any, home: Path) -> None:
    assert call(["install", editor.name, "--resources", str(home / "odd")]) == 0
    plugins = editor.given(home / "odd").plugins
    assert (plugins / NAME / "scumble_client" / "version.py").is_file()
    assert call(["uninstall", editor.name]) == 0
    assert not plugins.exists()


def test_what_is_not_there_can_be_uninstalled(
    editor: Any, editor_home: EditorHome, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(["uninstall", editor.name]) == 0
    assert "It was not installed." in capsys.readouterr().out


def test_a_file_in_the_way_is_said(editor: Any, home: Path) -> None:
    (home / "odd").write_text("")
    with pytest.raises(ScumbleError, match=rf"{editor.title}'s folder can't be written: .+\."):
        editor.install([editor.given(home / "odd")])


# -- what an editor's Python must bear

EDITORS_OWN = {"krita": {"krita", "PyQt5", "PyQt6"}, "gimp": {"gi"}}
OLDEST = (3, 8)
"""Python of the editors."""


def _imported(tree: ast.AST) -> set[str]:
    """Absolute imports anywhere in a module: the packages' names."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {one.name.partition(".")[0] for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.partition(".")[0])
    return found


def test_a_plugin_is_python_of_the_editors_and_uses_only_their_libraries_and_the_client(editor: Any) -> None:
    modules = sorted((ROOT / editor.source / NAME).rglob("*.py"))
    own = {module.stem for module in modules} if editor.name == "gimp" else set()  # GIMP starts a script, no package
    assert not own & set(sys.stdlib_module_names), "it would hide a module of Python's"
    allowed = {"scumble_client", *EDITORS_OWN[editor.name], *own, *sys.stdlib_module_names}
    for module in modules:
        imported = _imported(ast.parse(module.read_text("utf-8"), feature_version=OLDEST))
        assert imported <= allowed, f"{module.name}: {imported - allowed}"


def test_the_client_is_python_of_the_editors_and_uses_only_the_standard_library() -> None:
    folder = ROOT / "backend" / "scumble_client"
    for module in sorted(folder.rglob("*.py")):
        imported = _imported(ast.parse(module.read_text("utf-8"), feature_version=OLDEST))
        if "_vendor" not in module.parts:
            assert imported - {"msgpack"} <= set(sys.stdlib_module_names), module


# -- what the doctor says


def test_the_doctor_knows_when_there_is_no_editor_and_when_the_plugin_is_missing(
    editor: Any, editor_home: EditorHome
) -> None:
    assert editor.check({"PATH": ""}, []) == "not on this machine"
    expected = f"found, without the {editor.plugin}; to have it: scumble install {editor.name}"
    assert editor.check({"PATH": ""}, [editor_home]) == expected


def test_the_doctor_is_content(editor: Any, editor_home: EditorHome) -> None:
    editor.install([editor_home])
    said = editor.check({"PATH": ""}, [editor_home])
    assert said.startswith(f"the {editor.plugin} is in {editor_home.plugins}")


def test_the_doctor_sees_any_missing_file(editor: Any, editor_home: EditorHome) -> None:
    editor.install([editor_home])
    wanted = [*editor.targets(editor_home).values(), editor_home.plugins / NAME / "launch.json"]
    wanted += sorted((editor_home.plugins / NAME).glob("*.py"))
    for path in wanted:
        if path == editor_home.plugins / NAME:
            continue
        aside = path.rename(path.with_name("aside"))
        with pytest.raises(ScumbleError, match=rf"The {editor.plugin} is not whole: .*{path.name} is missing"):
            editor.check({"PATH": ""}, [editor_home])
        aside.rename(path)


def test_the_doctor_sees_another_version(editor: Any, editor_home: EditorHome) -> None:
    editor.install([editor_home])
    (editor_home.plugins / NAME / "scumble_client" / "version.py").write_text('__version__ = "0.0.1"\n')
    with pytest.raises(ScumbleError, match=rf"The {editor.plugin} is version 0\.0\.1") as caught:
        editor.check({"PATH": ""}, [editor_home])
    assert caught.value.hint == f"Install it again: scumble install {editor.name}"
