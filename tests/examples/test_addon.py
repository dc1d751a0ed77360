"""The template of an add-on: it is installed, runs through the daemon, and appears wherever operations do."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from scumble.operations.registry import forget, origin
from scumble.scripting import connect
from scumble_client import Client
from scumble_client.editor.catalogue import Catalogue
from scumble_client.editor.form import widget
from scumble_training import registry
from tests.support.addons import TEMPLATE, install
from tests.support.commands import Call, load, save, textured
from tests.support.daemon import ROOT, Daemon, Folders
from tests.support.small_collections import collection

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(tmp_path_factory.mktemp("addon"))


@pytest.fixture
def daemon(folders: Folders, site: Path) -> Iterator[Daemon]:
    """A daemon whose Python has it."""
    folders.environment["PYTHONPATH"] += os.pathsep + str(site)
    running = Daemon(folders, "--device", "cpu")
    yield running
    running.stop()


@pytest.fixture
def here(site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """It is installed for this process."""
    monkeypatch.syspath_prepend(site)
    registry.forget()
    forget()
    yield
    for name in [name for name in sys.modules if name.startswith("scumble_duotone")]:
        del sys.modules[name]
    monkeypatch.undo()
    registry.forget()
    forget()


def test_it_runs_through_the_daemon(daemon: Daemon) -> None:
    picture = textured(3, "uint16")
    mask = np.zeros(picture.shape[:2], bool)
    mask[5:20, 8:30] = True
    with connect(launch=False) as made:
        duotone = made.operations["duotone"]
        assert duotone.parameters["dark"].type == "colour"
        [layer] = duotone(picture, mask=mask, dark="#000000", light="#ffffff")
    assert layer.depth == "uint16"
    np.testing.assert_array_equal(layer.numpy()[..., 3] > 0, mask)
    gray = layer.numpy()[mask][:, :3].astype(int)
    assert np.ptp(gray, axis=1).max() <= 1


def test_it_appears_in_both_editors_without_a_line_of_theirs(daemon: Daemon, tmp_path: Path) -> None:
    """Krita's docker and GIMP's dialog are made from a catalogue that takes over this very answer of the daemon's."""
    with connect(launch=False) as made:
        assert made.faults == []
    with Client("an editor", launch=False) as client:
        described = client.call("operations").body["operations"]
    catalogue = Catalogue(tmp_path, tmp_path)  # of an editor whose plugin was installed before
    assert catalogue.update(described)
    assert "duotone" in [one["name"] for one in catalogue.shown()]
    found = Catalogue(tmp_path, tmp_path).find("duotone")  # at the editor's next start
    assert found
    assert {p["name"]: widget(p) for p in found["parameters"]} == {
        "dark": "colour",
        "light": "colour",
        "amount": "slider",
    }


def test_it_is_told_and_run_on_the_command_line(here: None, calling: Call, tmp_path: Path) -> None:
    assert "of the add-on scumble-duotone 1.0" in calling("operations", "duotone").done().out
    assert origin("duotone") == "scumble-duotone 1.0"
    image = save(tmp_path / "a.png", textured())
    asked = ("--image", image, "--composite", tmp_path / "b.png", "--set", "amount=0.5", "--local", "--device", "cpu")
    calling("run", "duotone", *asked).done()
    assert (load(tmp_path / "b.png") != load(image)).any()
    assert "#20304" in calling("run", "duotone", *asked, "--set", "dark=#20304").refused()


def test_its_trainer_trains(here: None, calling: Call, tmp_path: Path) -> None:
    assert "duotone-colours" in calling("train", "list").done().out
    collection(tmp_path, "photos", [textured(3, height=260, width=270)])
    calling("train", "duotone-colours", "--data", tmp_path, "--out", tmp_path / "out", "--device", "cpu").done()
    found = load_file(tmp_path / "out" / "duotone-colours.safetensors")
    assert found["light"].sum() > found["dark"].sum()


class TestRules:
    def test_it_imports_only_what_stays(self) -> None:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "backend"), str(TEMPLATE)])}
        command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
        done = subprocess.run(command, cwd=TEMPLATE, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout

    def test_the_rules_name_every_room_but_those_that_are_allowed(self) -> None:
        rules = tomllib.loads((TEMPLATE / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
        for rule, allowed in zip(rules[:2], ({"operations", "imaging"}, {"operations", "imaging"}), strict=True):
            rooms = {p.name for p in (ROOT / "backend" / "scumble").iterdir() if (p / "__init__.py").exists()}
            assert {f"scumble.{room}" for room in rooms - allowed} <= set(rule["forbidden_modules"])
        trainers = {
            p.stem for p in (ROOT / "backend" / "scumble_training").iterdir() if not p.name.startswith(("_", "py."))
        }
        assert {f"scumble_training.{one}" for one in trainers - {"common"}} <= set(rules[1]["forbidden_modules"])
