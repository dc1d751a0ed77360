"""The list of operations: from the installer, then from the daemon, never from nonsense."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scumble.operations import operations
from scumble_client.editor.catalogue import CATALOGUE_FILE, Catalogue, usable

DESCRIBED = [operation.describe() for operation in operations().values()]


def json_of(described: Any) -> Any:
    return json.loads(json.dumps(described))


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    folder = tmp_path / "plugin"
    folder.mkdir()
    (folder / CATALOGUE_FILE).write_text(json.dumps(DESCRIBED))
    return folder


def test_every_operation_can_be_shown() -> None:
    assert usable(json_of(DESCRIBED)) == json_of(DESCRIBED)


def test_the_installers_list_is_there_before_any_daemon(installed: Path, tmp_path: Path) -> None:
    catalogue = Catalogue(installed, tmp_path / "config")
    assert catalogue.find("inpaint") is not None
    assert catalogue.find("nothing") is None


def test_hidden_operations_are_not_shown_unless_asked_for(installed: Path, tmp_path: Path) -> None:
    catalogue = Catalogue(installed, tmp_path)
    assert "identity" not in [o["name"] for o in catalogue.shown()]
    assert "identity" in [o["name"] for o in catalogue.shown(hidden=True)]


def test_the_daemons_list_is_kept(installed: Path, tmp_path: Path) -> None:
    catalogue = Catalogue(installed, tmp_path / "config")
    fresh = [{**json_of(DESCRIBED[0]), "name": "new"}]
    assert catalogue.update(fresh)
    assert not catalogue.update(fresh)
    assert [o["name"] for o in Catalogue(installed, tmp_path / "config").operations] == ["new"]


@pytest.mark.parametrize("described", [None, {}, [], [None], [{"name": "x"}], "inpaint"])
def test_nonsense_changes_nothing(installed: Path, tmp_path: Path, described: Any) -> None:
    catalogue = Catalogue(installed, tmp_path / "config")
    before = list(catalogue.operations)
    assert not catalogue.update(described)
    assert catalogue.operations == before


def test_an_operation_that_cannot_be_shown_is_left_out() -> None:
    good = json_of(DESCRIBED[0])
    parameter = {"name": "p", "title": "P", "help": "", "type": "choice", "default": 1}
    grid = {**parameter, "type": "grid", "rows": 2}
    bad = [
        {**good, "roles": [{}]},
        {**good, "parameters": [{"name": "p"}]},
        {**good, "parameters": [parameter]},
        {**good, "parameters": [{**parameter, "choices": []}]},
        {**good, "parameters": [grid]},
        {**good, "parameters": [{k: v for k, v in parameter.items() if k != "default"}]},
    ]
    assert usable([good, *bad]) == [good]


def test_a_damaged_file_is_as_good_as_none(installed: Path, tmp_path: Path) -> None:
    (tmp_path / CATALOGUE_FILE).write_text("{")
    assert Catalogue(installed, tmp_path).find("inpaint") is not None
    (installed / CATALOGUE_FILE).unlink()
    assert Catalogue(installed, tmp_path).operations == []


def test_a_folder_that_cannot_be_written_is_no_failure(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    catalogue = Catalogue(installed, tmp_path / "file" / "folder")
    assert catalogue.update([{**json_of(DESCRIBED[0]), "name": "new"}])
    assert catalogue.find("new") is not None
