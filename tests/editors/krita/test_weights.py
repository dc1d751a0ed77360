"""A choice that needs weights which are not here: the docker offers them, gets them with progress, and has them then."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scumble_client.setup.places import python_in
from tests.editors.daemon import private_folders
from tests.editors.display import Display, end
from tests.support.daemon import Daemon, Folders
from tests.support.file_server import CONTENT, FileServer, answers, breaks_off_after, serving, stalls_after
from tests.support.linked_engine import environment_for, linked_engine, parts_index
from tests.support.own_manifest import write
from tests.support.package_index import PackageIndex
from tests.support.package_index import serving as serving_packages

from .conftest import make_krita
from .harness.session import Home, Krita

OUT = os.environ.get("SCUMBLE_PICTURES", "")
"""A folder for pictures of the docker."""


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
def folders(tmp_path_factory: pytest.TempPathFactory, server: FileServer, index: PackageIndex) -> Iterator[Folders]:
    base = tmp_path_factory.mktemp("krita-weights")
    with private_folders(base, None) as made:
        made.environment |= {"SCUMBLE_MANIFEST": str(write(base / "own.toml", server)), **environment_for(index, base)}
        yield made


@pytest.fixture(scope="module")
def krita(
    display: Display, template: Path, folders: Folders, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Krita]:
    engine = linked_engine(folders.base / "data")
    daemon = Daemon(folders, "--device", "cpu", python=str(python_in(engine)))
    running = make_krita(Home(tmp_path_factory.mktemp("krita"), template), display, folders)
    for function in (_docker, _chosen, _seen):
        running.lend(function)
    yield running
    running.close()
    end(running.process)
    daemon.stop()


@pytest.fixture(autouse=True)
def _fresh(server: FileServer, folders: Folders, krita: Krita) -> Iterator[None]:
    server.script, server.requests = [], []
    server.release.clear()
    yield
    server.release.set()
    krita.run(_over)
    weights = folders.base / "weights"
    for file in weights.iterdir() if weights.is_dir() else []:
        file.unlink()


def _over(k: Any) -> Any:
    for fetch in list(k.studio.weights._fetches.values()):
        k.studio.connection.client.cancel_weights(fetch)
    yield lambda: not k.studio.weights.busy
    for document in k.app.documents():
        yield from k.close(document)


def _docker(k: Any) -> Any:
    docker = next(d for d in k.app.dockers() if d.windowTitle() == "Scumble")
    docker.setVisible(True)
    docker.setFloating(True)
    docker.resize(300, 640)
    return docker


def _chosen(k: Any, docker: Any, choice: str) -> Any:
    """Inpaint with these weights, as an artist chooses them."""
    docker.show_operation(k.studio.catalogue.find("inpaint"))
    docker.fold.setChecked(True)
    field = docker.form.fields["weights"]
    field.widget.setCurrentIndex(0)
    field.widget.setCurrentIndex(field._choices.index(choice))
    return field.widget.currentText()


def _seen(docker: Any, picture: str = "") -> dict[str, Any]:
    row = docker.weights
    if picture:
        docker.grab().save(picture)
    place = row._buttons
    return {
        "shown": row.isVisible(),
        "sentence": row.sentence.text(),
        "detail": row.detail.text() if row.detail.isVisible() else "",
        "bar": row.bar.value() if row.bar.isVisible() else None,
        "buttons": [place.itemAt(i).widget().text() for i in range(place.count())],
        "run": docker.run_button.isEnabled(),
        "entry": docker.form.fields["weights"].widget.currentText(),
        "second": docker.form.fields["weights"].widget.itemText(2),
    }


def picture(name: str) -> str:
    return str(Path(OUT) / f"krita-{name}.png") if OUT else ""


def _looks(k: Any, choice: str, path: str) -> Any:
    docker = k.module("harness_docker")(k)
    document = yield from k.new(64, 64)
    yield lambda: k.studio.connection.state == "ready"
    k.studio.weights.refresh()
    yield lambda: not k.studio.weights._asking and k.studio.weights.entries
    k.select(document, 4, 4, 20, 20)
    k.module("harness_chosen")(k, docker, choice)
    yield lambda: docker.weights.isVisible()
    docker.refresh()
    yield 0.2
    return k.module("harness_seen")(docker, path)


def looks(krita: Krita, choice: str, name: str = "") -> dict[str, Any]:
    found: dict[str, Any] = krita.run(_looks, choice=choice, path=picture(name) if name else "")
    return found


def _presses(k: Any, button: str, until: str, path: str) -> Any:
    docker = k.module("harness_docker")(k)
    if button:
        docker.weights.press(button)
    seen = k.module("harness_seen")
    yield lambda: until in seen(docker)["sentence"] if until else not docker.weights.isVisible()
    docker.refresh()
    yield 0.2
    return seen(docker, path)


def presses(krita: Krita, button: str, until: str, name: str = "") -> dict[str, Any]:
    found: dict[str, Any] = krita.run(_presses, button=button, until=until, path=picture(name) if name else "")
    return found


def test_it_offers_gets_with_progress_and_has_it_then(krita: Krita, server: FileServer, folders: Folders) -> None:
    offered = looks(krita, "big-lama", "weights-offered")
    assert offered["sentence"] == "“LaMa (photographs)” is not here yet."
    assert offered["detail"] == "300 kB; licence: Apache-2.0."
    assert offered["buttons"] == ["Get It", "I Have It…"]
    assert offered["entry"] == "LaMa (photographs)"
    assert offered["second"] == "LaMa (drawn art) · 300 kB to get"
    assert not offered["run"]
    server.script = [breaks_off_after(65_536), stalls_after(65_536)]
    under_way = presses(krita, "get", "131 kB of 300 kB", "weights-under-way")
    assert under_way["buttons"] == ["Cancel Download"]
    assert 0 < under_way["bar"] < 1000
    server.release.set()
    here = presses(krita, "", "", "weights-here")
    assert here["run"], "without a restart"
    assert here["entry"] == "LaMa (photographs)"
    assert (folders.base / "weights" / "big-lama.pt").read_bytes() == CONTENT
    assert server.ranges[0] is None
    assert all(server.ranges[1:]), "what has come is not fetched again"


def test_it_is_cancelled_and_offered_again(krita: Krita, server: FileServer) -> None:
    looks(krita, "big-lama")
    server.script = [stalls_after(100_000)]
    presses(krita, "get", "66 kB of 300 kB")
    again = presses(krita, "cancel", "is not here yet")
    assert "66 kB of it have come already." in again["detail"]


def test_a_non_commercial_licence_is_a_question(krita: Krita, folders: Folders) -> None:
    looks(krita, "anime-manga-lama")
    asked = presses(krita, "get", "non-commercial use only", "weights-question")
    assert asked["buttons"] == ["Yes, Get It", "Not Now"]
    presses(krita, "close", "is not here yet")
    presses(krita, "get", "non-commercial use only")
    assert presses(krita, "accept", "")["run"]


def test_what_goes_wrong_is_said_where_it_was_pressed(krita: Krita, server: FileServer) -> None:
    looks(krita, "big-lama")
    server.script = [answers(403)]
    wrong = presses(krita, "get", "could not be downloaded", "weights-wrong")
    assert wrong["sentence"] == "Big-LaMa could not be downloaded: the server answered 403."
    assert wrong["buttons"] == ["Get It", "Not Now"]
    assert presses(krita, "get", "")["run"]


def test_what_has_a_page_says_so(krita: Krita) -> None:
    by_hand = looks(krita, "deepfill-places2", "weights-by-hand")
    assert by_hand["buttons"] == ["Open Its Page", "I Have It…"]
    assert "CC BY-NC 4.0" in by_hand["detail"]


def _adds(k: Any, folder: str, path: str) -> Any:
    docker = k.module("harness_docker")(k)
    docker.weights.add(folder)
    seen = k.module("harness_seen")
    yield lambda: "Close" in seen(docker)["buttons"]
    found = seen(docker, path)
    docker.weights.press("close")
    yield lambda: not docker.weights.isVisible()
    docker.refresh()
    return found, seen(docker)["run"]


def test_files_that_one_has_are_taken_over(krita: Krita, tmp_path: Path, folders: Folders) -> None:
    looks(krita, "big-lama")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "lama-from-somewhere.pt").write_bytes(CONTENT)
    told, run = krita.run(_adds, folder=str(tmp_path / "mine"), path=picture("weights-added"))
    assert told["sentence"] == "“lama-from-somewhere.pt” is Big-LaMa: ready to use."
    assert run
    assert (folders.base / "weights" / "big-lama.pt").read_bytes() == CONTENT


def test_what_runs_a_file_comes_along(krita: Krita, folders: Folders, index: PackageIndex) -> None:
    offered = looks(krita, "migan", "weights-part-offered")
    assert offered["detail"] == "300 kB; licence: MIT. With it comes onnxruntime, which runs it: about 30 MB."
    held, index.wheels = index.wheels, {}
    wrong = presses(krita, "get", "has no onnxruntime", "weights-part-wrong")
    assert wrong["detail"] == "Choose other weights."
    assert wrong["buttons"] == ["Get It", "Not Now"]
    index.wheels, index.bytes_per_second = held, 300_000
    under_way = presses(krita, "get", "fetching onnxruntime", "weights-part-under-way")
    assert under_way["buttons"] == ["Cancel Download"]
    presses(krita, "cancel", "is not here yet")
    index.bytes_per_second = 0
    assert presses(krita, "get", "", "weights-part-here")["run"]
    assert (folders.base / "weights" / "migan.onnx").read_bytes() == CONTENT
