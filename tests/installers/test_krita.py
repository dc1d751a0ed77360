"""Installing into Krita: every system's folders on a fake home, kritarc, the archive, again, and out again."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

from scumble.cli.app import call
from scumble.installers import krita, kritarc
from scumble.installers.krita_check import check
from scumble.installers.krita_places import Place, candidates, given, present
from scumble.installers.record import RECORD_FILE, read_record
from scumble_client.editor.catalogue import usable
from scumble_client.errors import ScumbleError
from scumble_client.paths import config_dir


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without anything; no Krita on the PATH."""
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME", "APPDATA", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("SCUMBLE_CONFIG_DIR", str(tmp_path / "scumble-config"))
    return tmp_path


@pytest.fixture
def place(home: Path) -> Place:
    """A Krita that ran once."""
    (home / ".config").mkdir()
    (home / ".config" / "kritarc").write_text("LastUsed=1\n\n[theme]\nTheme=Krita dark\n")
    (found,) = present()
    return found


@pytest.mark.parametrize(
    ("platform", "environment", "resources", "rc"),
    [
        ("linux", {}, ".local/share/krita", ".config/kritarc"),
        ("linux", {"XDG_DATA_HOME": "{home}/d", "XDG_CONFIG_HOME": "{home}/c"}, "d/krita", "c/kritarc"),
        (
            "win32",
            {"APPDATA": "{home}/Roaming", "LOCALAPPDATA": "{home}/Local"},
            "Roaming/krita",
            "Local/kritarc",
        ),
        ("win32", {}, "AppData/Roaming/krita", "AppData/Local/kritarc"),
        ("darwin", {}, "Library/Application Support/krita", "Library/Preferences/kritarc"),
    ],
)
def test_every_systems_folders(home: Path, platform: str, environment: dict[str, str], resources: str, rc: str) -> None:
    filled = {name: value.format(home=home) for name, value in environment.items()}
    native = candidates(filled, home, platform)[0]
    assert (native.resources, native.kritarc) == (home / resources, home / rc)
    native.kritarc.parent.mkdir(parents=True)
    native.kritarc.write_text("")
    assert native in present({**filled, "PATH": ""}, home, platform)


def test_a_flatpak_has_its_own(home: Path) -> None:
    (home / ".var/app/org.kde.krita").mkdir(parents=True)
    (found,) = present()
    assert found.kind == "flatpak"
    assert found.plugins == home / ".var/app/org.kde.krita/data/krita/pykrita"
    assert found.kritarc == home / ".var/app/org.kde.krita/config/kritarc"


def test_both_are_found_side_by_side(place: Place, home: Path) -> None:
    (home / ".var/app/org.kde.krita").mkdir(parents=True)
    assert [one.kind for one in present()] == ["native", "flatpak"]


def test_a_krita_that_never_ran_is_found_on_the_path(home: Path) -> None:
    (home / "bin").mkdir()
    (home / "bin" / "krita").write_text("#!/bin/sh\n")
    (home / "bin" / "krita").chmod(0o755)
    assert [one.kind for one in present()] == ["native"]


def test_a_resource_folder_that_was_moved_is_followed(place: Place, home: Path) -> None:
    place.kritarc.write_text(f"ResourceDirectory={home}/elsewhere\n[theme]\n")
    assert present()[0].resources == home / "elsewhere"


def test_a_key_of_another_group_is_not_the_resource_folder(place: Place, home: Path) -> None:
    place.kritarc.write_text("[other]\nResourceDirectory=/x\n")
    assert present()[0].resources == home / ".local/share/krita"


def test_without_a_krita_it_says_what_to_do(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["install", "krita"]) == 2
    assert capsys.readouterr().err.startswith("error: Krita was not found. Start Krita once; or say where: --resources")


def test_an_unknown_editor_is_refused(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["install", "photoshop"]) == 2
    assert "Scumble has no plugin for “photoshop”." in capsys.readouterr().err


def test_all_is_there_and_enabled(place: Place) -> None:
    assert call(["install", "krita"]) == 0
    found = krita.inspect(place)
    assert found.here
    assert found.enabled
    assert found.missing == ()
    assert kritarc.is_enabled(place.kritarc)
    described = json.loads((place.plugins / "scumble" / "operations.json").read_text())
    assert "inpaint" in [o["name"] for o in usable(described)]
    command = json.loads((config_dir() / "launch.json").read_text())["command"]
    assert command == [sys.executable, "-m", "scumble.daemon"]
    assert read_record() == {"krita": [str(place.resources)]}


def test_no_binary_comes_along(place: Place) -> None:
    krita.install([place])
    suffixes = {p.suffix for p in place.plugins.rglob("*") if p.is_file()}
    assert suffixes <= {".py", ".json", ".html", ".desktop", ""}


def test_the_installed_client_needs_nothing_but_the_standard_library(place: Place) -> None:
    krita.install([place])
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); sys.modules['msgpack'] = None\n"
        "import scumble_client, scumble_client.editor.roles, scumble_client.editor.settings, scumble_client.editor.jobs\n"
        "import scumble_client.editor.layout, scumble_client.editor.live, scumble_client.editor.background\n"
        "assert 'numpy' not in sys.modules and 'zmq' not in sys.modules\n"
        "print(scumble_client.wire.unpack(scumble_client.wire.pack({'a': b'1'})))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, str(place.plugins / "scumble")],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.strip() == "{'a': b'1'}"


def test_there_is_an_action_for_every_shown_operation(place: Place) -> None:
    krita.install([place])
    tree = ElementTree.parse(place.actions / "scumble.action")
    names = {action.get("name") for action in tree.iter("Action")}
    assert {"scumble_inpaint", "scumble_run_again", "scumble_cancel", "scumble_new_layers", "scumble_settings"} <= names
    assert "scumble_identity" not in names


def test_installing_again_keeps_settings_and_takes_old_files_away(place: Place) -> None:
    krita.install([place])
    (config_dir() / "editors.json").write_text('{"options": {"seed": 5}}')
    stale = place.plugins / "scumble" / "old_module.py"
    stale.write_text("")
    rc = place.kritarc.read_text()
    krita.install([place])
    assert not stale.exists()
    assert place.kritarc.read_text() == rc
    assert (config_dir() / "editors.json").exists()
    assert [p.name for p in place.plugins.iterdir() if p.name.startswith(".")] == []


def test_a_developers_link_is_replaced_and_what_it_points_to_is_left_alone(place: Place, home: Path) -> None:
    (home / "mine").mkdir()
    (home / "mine" / "file.py").write_text("")
    place.plugins.mkdir(parents=True)
    (place.plugins / "scumble").symlink_to(home / "mine")
    krita.install([place])
    assert (home / "mine" / "file.py").exists()
    assert not (place.plugins / "scumble").is_symlink()


def test_uninstalling_leaves_nothing(place: Place, home: Path) -> None:
    def files() -> dict[Path, bytes]:
        return {p: p.read_bytes() for p in home.rglob("*") if p.is_file()}

    before = files()
    call(["install", "krita"])
    (config_dir() / "editors.json").write_text("{}")
    assert call(["uninstall", "krita"]) == 0
    assert files() == before
    assert not config_dir().exists()
    assert not place.plugins.exists()


def test_others_plugins_and_keys_stay(place: Place) -> None:
    (place.plugins / "other").mkdir(parents=True)
    krita.install([place])
    (config_dir() / "allowed.json").write_text("{}")
    krita.uninstall([place])
    assert (place.plugins / "other").is_dir()
    assert (config_dir() / "allowed.json").exists()
    assert not (config_dir() / RECORD_FILE).exists()


def test_a_given_folder_is_remembered_for_uninstalling(place: Place, home: Path) -> None:
    assert call(["install", "krita", "--resources", str(home / "far")]) == 0
    assert (home / "far" / "pykrita" / "scumble" / "__init__.py").is_file()
    assert call(["uninstall", "krita"]) == 0
    assert not (home / "far" / "pykrita").exists()


def test_what_is_not_there_can_be_uninstalled(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["uninstall", "krita"]) == 0
    assert "It was not installed." in capsys.readouterr().out


def test_a_flatpaks_daemon_runs_outside_of_it(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / ".var/app/org.kde.krita").mkdir(parents=True)
    assert call(["install", "krita"]) == 0
    (found,) = present()
    command = json.loads((found.config / "launch.json").read_text())["command"]
    assert command[:2] == ["flatpak-spawn", "--host"]
    assert command[2].endswith("/app/org.kde.krita/scumble")
    assert command[3:] == [sys.executable, "-m", "scumble.daemon"]
    assert "flatpak override --user --talk-name=org.freedesktop.Flatpak" in capsys.readouterr().out
    assert call(["uninstall", "krita"]) == 0
    assert [p for p in (home / ".var").rglob("*") if p.is_file()] == []


def test_a_file_in_the_way_is_said(place: Place) -> None:
    place.resources.parent.mkdir(parents=True)
    place.resources.write_text("")
    with pytest.raises(ScumbleError, match="Krita's folder can't be written"):
        krita.install([place])


def test_the_archive_has_what_krita_looks_for(home: Path, tmp_path: Path) -> None:
    assert call(["install", "krita", "--zip", str(tmp_path / "s.zip")]) == 0
    with zipfile.ZipFile(tmp_path / "s.zip") as archive:
        names = archive.namelist()
    assert {"scumble.desktop", "scumble.action", "scumble/", "scumble/__init__.py", "scumble/launch.json"} <= set(names)
    assert "scumble/scumble_client/_vendor/msgpack/fallback.py" in names
    assert not [name for name in names if "__pycache__" in name]
    assert not config_dir().exists()


def test_an_archive_that_cannot_be_written_is_said(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(["install", "krita", "--zip", str(home / "none" / "s.zip")]) == 3
    assert "The archive can't be written" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "[python]\nenable_scumble=true\n"),
        ("a=1\n", "a=1\n[python]\nenable_scumble=true\n"),
        ("a=1", "a=1\n[python]\nenable_scumble=true\n"),
        ("[python]\nenable_x=true\n", "[python]\nenable_scumble=true\nenable_x=true\n"),
        ("[python]\nenable_scumble=false\n\n[z]\nb=2\n", "[python]\nenable_scumble=true\n\n[z]\nb=2\n"),
        ("[z]\nenable_scumble=false\n[python]\n", "[z]\nenable_scumble=false\n[python]\nenable_scumble=true\n"),
    ],
)
def test_one_line_of_kritarc_is_changed(tmp_path: Path, before: str, after: str) -> None:
    rc = tmp_path / "kritarc"
    rc.write_text(before)
    kritarc.enable(rc)
    assert rc.read_text() == after
    assert kritarc.is_enabled(rc)
    kritarc.forget(rc)
    assert not kritarc.is_enabled(rc)


def test_a_kritarc_that_is_no_utf8_survives(tmp_path: Path) -> None:
    rc = tmp_path / "kritarc"
    rc.write_bytes(b"name=\xff\xfe\n")
    kritarc.enable(rc)
    assert rc.read_bytes().startswith(b"name=\xff\xfe\n")
    kritarc.forget(rc)
    assert rc.read_bytes().startswith(b"name=\xff\xfe\n")


def test_the_doctor_is_content(place: Place) -> None:
    assert check({"PATH": ""}, []) == "not on this machine"
    assert check({"PATH": ""}, [place]).startswith("found, without the plugin")
    krita.install([place])
    assert check({"PATH": ""}, [place]) == f"the plugin is in {place.plugins}"


def test_the_doctor_sees_a_missing_file(place: Place) -> None:
    krita.install([place])
    (place.plugins / "scumble" / "docker.py").unlink()
    with pytest.raises(ScumbleError, match=r"The plugin is not whole: .*docker\.py is missing"):
        check({"PATH": ""}, [place])


def test_the_doctor_sees_an_old_plugin(place: Place) -> None:
    krita.install([place])
    (place.plugins / "scumble" / "scumble_client" / "version.py").write_text('__version__ = "0.0.1"\n')
    with pytest.raises(ScumbleError, match=r"The plugin is version 0\.0\.1"):
        check({"PATH": ""}, [place])


def test_the_doctor_sees_a_plugin_that_is_switched_off(place: Place) -> None:
    krita.install([place])
    place.kritarc.write_text("[python]\nenable_scumble=false\n")
    with pytest.raises(ScumbleError, match="Krita does not load it"):
        check({"PATH": ""}, [place])


def test_given_takes_the_native_configuration(home: Path) -> None:
    assert given(home / "x").kritarc == home / ".config" / "kritarc"
