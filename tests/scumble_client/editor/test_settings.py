"""What is kept from one session to the next, also where the file is damaged or can't be written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scumble_client.editor.settings import MOST_FILES, EditorSettings
from scumble_client.errors import ScumbleError

OPERATION: dict[str, Any] = {
    "name": "edit",
    "parameters": [
        {"name": "grow", "title": "Grow", "help": "", "type": "integer", "default": 1, "minimum": 0, "maximum": 9}
    ],
}


def test_without_a_file_there_are_defaults(tmp_path: Path) -> None:
    settings = EditorSettings(tmp_path / "none")
    assert settings.last(OPERATION) == {"grow": 1}
    assert settings.option("new_seed") is True
    assert settings.presets(OPERATION) == []
    assert not (tmp_path / "none").exists()


def test_last_values_and_options_are_kept(tmp_path: Path) -> None:
    EditorSettings(tmp_path).set_last(OPERATION, {"grow": 4})
    EditorSettings(tmp_path).set_option("seed", 17)
    again = EditorSettings(tmp_path)
    assert again.last(OPERATION) == {"grow": 4}
    assert again.option("seed") == 17


def test_presets_are_kept_sorted_and_forgotten(tmp_path: Path) -> None:
    settings = EditorSettings(tmp_path)
    for name, grow in (("wide", 9), ("Narrow", 0)):
        settings.set_preset(OPERATION, name, {"grow": grow})
    assert settings.presets(OPERATION) == ["Narrow", "wide"]
    assert settings.preset(OPERATION, "wide") == {"grow": 9}
    settings.set_preset(OPERATION, "wide", None)
    assert settings.presets(OPERATION) == ["Narrow"]


def test_a_preset_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScumbleError, match="no preset called “x”"):
        EditorSettings(tmp_path).preset(OPERATION, "x")


def test_a_preset_needs_a_name(tmp_path: Path) -> None:
    with pytest.raises(ScumbleError, match="needs a name"):
        EditorSettings(tmp_path).set_preset(OPERATION, "  ", {})


def test_two_editors_do_not_undo_each_others_changes(tmp_path: Path) -> None:
    krita, gimp = EditorSettings(tmp_path), EditorSettings(tmp_path)
    krita.set_option("seed", 5)
    gimp.set_last(OPERATION, {"grow": 2})
    assert (krita.option("seed"), krita.last(OPERATION)) == (5, {"grow": 2})


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"last": 3}', '{"options": []}', '{"last": {"edit": 7}}', "\x00"]
)
def test_a_damaged_file_counts_as_empty_and_is_mended(tmp_path: Path, text: str) -> None:
    settings = EditorSettings(tmp_path)
    settings.path.write_text(text)
    assert settings.last(OPERATION) == {"grow": 1}
    settings.set_last(OPERATION, {"grow": 3})
    assert json.loads(settings.path.read_text())["last"] == {"edit": {"grow": 3}}


def test_an_option_of_a_wrong_type_is_at_its_default(tmp_path: Path) -> None:
    settings = EditorSettings(tmp_path)
    settings.path.write_text('{"options": {"seed": "x", "new_seed": 1}}')
    assert settings.option("seed") == 0
    assert settings.option("new_seed") is True


def test_a_folder_that_cannot_be_written_is_a_sentence_not_an_exception(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    settings = EditorSettings(tmp_path / "file" / "folder")
    settings.set_option("seed", 1)
    assert settings.problem.startswith("Settings can't be kept: ")


def test_a_files_place_is_remembered_by_its_content_and_the_oldest_goes(tmp_path: Path) -> None:
    settings = EditorSettings(tmp_path)
    settings.set_option("seed", 5)
    for number in range(MOST_FILES + 2):
        settings.remember_file(f"digest {number}", f"/{number}")
    settings.remember_file("digest 2", "/moved")
    settings.remember_file("new", "/new")
    assert settings.place_of_file("digest 2") == "/moved"
    assert [settings.place_of_file(f"digest {number}") for number in (0, 1, 3)] == ["", "", ""]
    assert settings.place_of_file("new") == "/new"
    assert settings.option("seed") == 5


def test_what_is_damaged_names_no_file(tmp_path: Path) -> None:
    settings = EditorSettings(tmp_path)
    settings.path.write_text('{"files": {"a": 7}}')
    assert settings.place_of_file("a") == ""


def test_presets_that_come_along_are_first_and_can_be_neither_replaced_nor_removed(tmp_path: Path) -> None:
    settings = EditorSettings(tmp_path)
    operation = {**OPERATION, "presets": [{"title": "Zebra", "help": "Stripes.", "values": {"grow": 5}}]}
    settings.set_preset(operation, "Alpha", {})
    assert settings.presets(operation) == ["Zebra", "Alpha"]
    assert [settings.is_own(operation, name) for name in ("Zebra", "Alpha")] == [False, True]
    assert settings.preset(operation, "Zebra") == {"grow": 5}
    replacements: list[dict[str, Any] | None] = [{}, None]
    for values in replacements:
        with pytest.raises(ScumbleError, match="comes with Scumble"):
            settings.set_preset(operation, "Zebra", values)
    assert settings.presets(operation) == ["Zebra", "Alpha"]
