"""Installing into Krita: every system's folders on a fake home, kritarc, the archive, again, and out again."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import pytest

from scumble.cli.app import call
from scumble.installers import KRITA, kritarc
from scumble.installers.krita_homes import KritaHome, candidates, given, present
from scumble_client.errors import ScumbleError
from scumble_client.paths import config_dir


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
    assert (native.folder, native.kritarc) == (home / resources, home / rc)
    native.kritarc.parent.mkdir(parents=True)
    native.kritarc.write_text("")
    assert native in present({**filled, "PATH": ""}, home, platform)


def test_a_flatpak_has_its_own(home: Path) -> None:
    (home / ".var/app/org.kde.krita").mkdir(parents=True)
    (found,) = present()
    assert found.kind == "flatpak"
    assert found.plugins == home / ".var/app/org.kde.krita/data/krita/pykrita"
    assert found.kritarc == home / ".var/app/org.kde.krita/config/kritarc"


def test_both_are_found_side_by_side(krita_home: KritaHome, home: Path) -> None:
    (home / ".var/app/org.kde.krita").mkdir(parents=True)
    assert [one.kind for one in present()] == ["native", "flatpak"]


def test_a_krita_that_never_ran_is_found_on_the_path(home: Path) -> None:
    (home / "bin").mkdir()
    (home / "bin" / "krita").write_text("#!/bin/sh\n")
    (home / "bin" / "krita").chmod(0o755)
    assert [one.kind for one in present()] == ["native"]


def test_a_resource_folder_that_was_moved_is_followed(krita_home: KritaHome, home: Path) -> None:
    krita_home.kritarc.write_text(f"ResourceDirectory={home}/elsewhere\n[theme]\n")
    assert present()[0].folder == home / "elsewhere"


def test_a_key_of_another_group_is_not_the_resource_folder(krita_home: KritaHome, home: Path) -> None:
    krita_home.kritarc.write_text("[other]\nResourceDirectory=/x\n")
    assert present()[0].folder == home / ".local/share/krita"


def test_it_is_enabled_and_stays_as_it_is_when_installed_again(krita_home: KritaHome) -> None:
    KRITA.install([krita_home])
    assert kritarc.is_enabled(krita_home.kritarc)
    before = krita_home.kritarc.read_text()
    KRITA.install([krita_home])
    assert krita_home.kritarc.read_text() == before


def test_the_installed_client_needs_nothing_but_the_standard_library(krita_home: KritaHome) -> None:
    KRITA.install([krita_home])
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); sys.modules['msgpack'] = None\n"
        "import scumble_client, scumble_client.editor.roles, scumble_client.editor.settings, scumble_client.editor.jobs\n"
        "import scumble_client.editor.placing, scumble_client.editor.reading, scumble_client.editor.recent_results\n"
        "import scumble_client.editor.layout, scumble_client.editor.live, scumble_client.editor.background\n"
        "assert 'numpy' not in sys.modules and 'zmq' not in sys.modules\n"
        "print(scumble_client.wire.unpack(scumble_client.wire.pack({'a': b'1'})))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, str(krita_home.plugins / "scumble")],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.strip() == "{'a': b'1'}"


def test_there_is_an_action_for_every_shown_operation(krita_home: KritaHome) -> None:
    KRITA.install([krita_home])
    tree = ElementTree.parse(krita_home.actions / "scumble.action")
    names = {action.get("name") for action in tree.iter("Action")}
    assert {"scumble_inpaint", "scumble_run_again", "scumble_cancel", "scumble_new_layers", "scumble_settings"} <= names
    assert "scumble_identity" not in names


def test_a_flatpaks_plugin_finds_the_command_in_its_own_configuration(home: Path) -> None:
    (home / ".var/app/org.kde.krita").mkdir(parents=True)
    (found,) = present()
    KRITA.install([found])
    assert (found.config / "launch.json").read_bytes() == (found.plugins / "scumble" / "launch.json").read_bytes()


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


def test_the_doctor_sees_a_plugin_that_is_switched_off(krita_home: KritaHome) -> None:
    KRITA.install([krita_home])
    krita_home.kritarc.write_text("[python]\nenable_scumble=false\n")
    with pytest.raises(ScumbleError, match="Krita does not load it"):
        KRITA.check({"PATH": ""}, [krita_home])


def test_given_takes_the_native_configuration(home: Path) -> None:
    assert given(home / "x").kritarc == home / ".config" / "kritarc"
