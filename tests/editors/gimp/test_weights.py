"""A choice that needs weights which are not here: the dialog offers them, gets them with progress, and has them then."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scumble_client.setup.places import python_in
from tests.editors.daemon import private_folders
from tests.editors.display import TOGETHER, Display, end
from tests.support.daemon import Daemon, Folders
from tests.support.file_server import CONTENT, FileServer, answers, serving, stalls_after
from tests.support.linked_engine import environment_for, linked_engine, parts_index
from tests.support.own_manifest import write
from tests.support.package_index import PackageIndex
from tests.support.package_index import serving as serving_packages

from .conftest import FAILURES, prepare
from .harness.session import Gimp, Home

OUT = os.environ.get("SCUMBLE_PICTURES", "")
"""A folder for pictures of the screen."""


@pytest.fixture(scope="module")
def server() -> Iterator[FileServer]:
    made = serving()
    yield made
    made.finish()


@pytest.fixture(scope="module")
def index() -> Iterator[PackageIndex]:
    with serving_packages(parts_index(2_000_000)) as made:
        yield made


@pytest.fixture(scope="module")
def folders(
    gimp_root: Path, tmp_path_factory: pytest.TempPathFactory, server: FileServer, index: PackageIndex
) -> Iterator[Folders]:
    base = tmp_path_factory.mktemp("gimp-weights")
    with private_folders(base, None) as made:
        made.environment |= {"SCUMBLE_MANIFEST": str(write(base / "own.toml", server)), **environment_for(index, base)}
        yield made


@pytest.fixture(scope="module")
def gimp(gimp_root: Path, folders: Folders) -> Iterator[Gimp]:
    engine = linked_engine(folders.base / "data")
    daemon = Daemon(folders, "--device", "cpu", python=str(python_in(engine)))
    home, display = Home(gimp_root), Display()
    manager = subprocess.Popen(
        [*TOGETHER, "openbox"], env={**os.environ, "DISPLAY": display.name}, stderr=subprocess.DEVNULL
    )
    try:
        with Gimp(home, prepare(home, folders), display, FAILURES) as running:
            yield running
    finally:
        end(manager)
        display.close()
        home.remove()
        daemon.stop()


@pytest.fixture(autouse=True)
def _fresh(server: FileServer, folders: Folders, gimp: Gimp) -> Iterator[None]:
    server.script, server.requests = [], []
    server.release.clear()
    yield
    server.release.set()
    gimp.run("def main(g):\n    if 'dialog' in g.store:\n        g.store['dialog'].close()\n    g.clear()")
    weights = folders.base / "weights"
    for file in weights.iterdir() if weights.is_dir() else []:
        file.unlink()


def _opens(g: Any, plugin: str, choice: str) -> Any:
    image = g.new(64, 64)
    layer = g.layer(image, "Picture", (0, 0, 64, 64), colour=(200, 100, 50, 255))
    g.select(image, (10, 10, 20, 20))
    dialog = g.dialog("inpaint", plugin, image, layer)
    g.store["dialog"] = dialog
    dialog.preview.on.set_active(False)
    dialog.advanced.set_expanded(True)
    g.pump(lambda: dialog.weights.panel.entries)
    dialog.config.set_property("weights", choice)
    g.pump(lambda: dialog.weights.widget.get_visible())


def _seen(g: Any, press: str, until: str) -> Any:
    dialog = g.store["dialog"]
    row = dialog.weights
    if press:
        row.press(press)
    g.pump(lambda: until in row.sentence.get_text() if until else not row.widget.get_visible())
    box = next(one.box for one in dialog._pictured if getattr(one, "_argument", "") == "weights")
    for _ in range(50):  # what is drawn follows
        g.GLib.MainContext.default().iteration(False)
    return {
        "sentence": row.sentence.get_text(),
        "detail": row.detail.get_text() if row.detail.get_visible() else "",
        "fraction": row.bar.get_fraction() if row.bar.get_visible() else None,
        "buttons": [one.get_label() for one in row.buttons.get_children()],
        "ok": dialog.ok.get_sensitive(),
        "entries": box.texts,
    }


def opens(gimp: Gimp, choice: str) -> None:
    gimp.run(_opens, plugin=str(gimp.home.plugin), choice=choice)


def sees(gimp: Gimp, until: str, press: str = "", name: str = "") -> dict[str, Any]:
    found: dict[str, Any] = gimp.run(_seen, press=press, until=until)
    if name and OUT:
        gimp.picture(Path(OUT) / f"gimp-{name}.png")
    return found


def test_it_offers_gets_with_progress_and_has_it_then(gimp: Gimp, server: FileServer, folders: Folders) -> None:
    opens(gimp, "big-lama")
    offered = sees(gimp, "is not here yet", name="weights-offered")
    assert offered["sentence"] == "“LaMa (photographs)” is not here yet."
    assert offered["detail"] == "300 kB; licence: Apache-2.0."
    assert offered["buttons"] == ["Get It", "I Have It…"]
    assert offered["entries"][:3] == ["Scumble's own", "LaMa (photographs)", "LaMa (drawn art) · 300 kB to get"]
    assert not offered["ok"]
    server.script = [stalls_after(65_536)]
    under_way = sees(gimp, "66 kB of 300 kB", "get", "weights-under-way")
    assert under_way["buttons"] == ["Cancel Download"]
    assert under_way["fraction"] == pytest.approx(65_536 / 300_000)
    server.release.set()
    assert sees(gimp, "", name="weights-here")["ok"], "without a restart"
    assert (folders.base / "weights" / "big-lama.pt").read_bytes() == CONTENT


def _high(g: Any, plugin: str, screen: int) -> Any:
    """The window's height on a small screen: without the offer, and with it."""
    module = g.module(plugin, "dialog")
    real, module.screen_height = module.screen_height, lambda: screen
    dialog = g.store["dialog"]
    try:
        dialog._resized()
        heights = [dialog.window.get_preferred_height()[1]]
        dialog.config.set_property("weights", "embedded")
        g.pump(lambda: not dialog.weights.widget.get_visible())
        heights.append(dialog.window.get_preferred_height()[1])
        dialog.config.set_property("weights", "big-lama")
        g.pump(lambda: dialog.weights.widget.get_visible())
        return [*heights, dialog.window.get_preferred_height()[1]]
    finally:
        module.screen_height = real


def test_the_dialog_still_fits_on_a_small_screen(gimp: Gimp) -> None:
    opens(gimp, "big-lama")
    offering, without, again = gimp.run(_high, plugin=str(gimp.home.plugin), screen=600)
    assert max(offering, without, again) <= 600 - 30, "a title bar has room as well"


def _closes(g: Any) -> None:
    g.store.pop("dialog").close()


def test_it_goes_on_when_the_dialog_is_closed_and_the_next_one_shows_it(
    gimp: Gimp, server: FileServer, folders: Folders
) -> None:
    opens(gimp, "big-lama")
    server.script = [stalls_after(65_536)]
    sees(gimp, "66 kB of 300 kB", "get")
    gimp.run(_closes)
    opens(gimp, "big-lama")
    assert sees(gimp, "66 kB of 300 kB")["buttons"] == ["Cancel Download"]
    again = sees(gimp, "is not here yet", "cancel")
    assert "66 kB of it have come already." in again["detail"]
    assert not (folders.base / "weights" / "big-lama.pt").exists()


def test_a_non_commercial_licence_is_a_question(gimp: Gimp) -> None:
    opens(gimp, "anime-manga-lama")
    assert sees(gimp, "non-commercial use only", "get", "weights-question")["buttons"] == ["Yes, Get It", "Not Now"]
    assert sees(gimp, "", "accept")["ok"]


def test_what_goes_wrong_is_said_where_it_was_pressed(gimp: Gimp, server: FileServer) -> None:
    opens(gimp, "big-lama")
    server.script = [answers(403)]
    wrong = sees(gimp, "could not be downloaded", "get", "weights-wrong")
    assert wrong["sentence"] == "Big-LaMa could not be downloaded: the server answered 403."
    assert wrong["buttons"] == ["Get It", "Not Now"]
    assert sees(gimp, "", "get")["ok"]


def _adds(g: Any, folder: str) -> None:
    g.store["dialog"].weights.panel.add(folder)


def test_files_that_one_has_are_taken_over(gimp: Gimp, folders: Folders, gimp_root: Path, tmp_path: Path) -> None:
    opens(gimp, "big-lama")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "lama-from-somewhere.pt").write_bytes(CONTENT)
    gimp.run(_adds, folder=str(tmp_path / "mine"))
    told = sees(gimp, "lama-from-somewhere.pt” is", name="weights-added")
    assert told["sentence"] == "“lama-from-somewhere.pt” is Big-LaMa: ready to use."
    assert sees(gimp, "", "close")["ok"]


def test_what_runs_a_file_comes_along(gimp: Gimp, folders: Folders, index: PackageIndex) -> None:
    opens(gimp, "migan")
    offered = sees(gimp, "is not here yet", name="weights-part-offered")
    assert offered["detail"] == "300 kB; licence: MIT. With it comes onnxruntime, which runs it: about 30 MB."
    held, index.wheels = index.wheels, {}
    wrong = sees(gimp, "has no onnxruntime", "get", "weights-part-wrong")
    assert wrong["detail"] == "Choose other weights."
    index.wheels, index.bytes_per_second = held, 300_000
    assert sees(gimp, "fetching onnxruntime", "get", "weights-part-under-way")["buttons"] == ["Cancel Download"]
    sees(gimp, "is not here yet", "cancel")
    index.bytes_per_second = 0
    assert sees(gimp, "", "get", "weights-part-here")["ok"]
    assert (folders.base / "weights" / "migan.onnx").read_bytes() == CONTENT
