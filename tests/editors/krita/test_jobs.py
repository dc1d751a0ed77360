"""Never in the way: what goes on in the document and in the daemon while a job runs is harmless."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from scumble_client.paths import ConnectionFile, process_alive
from tests.editors.daemon import private_folders
from tests.support.daemon import Daemon, Folders, wait_for

from .conftest import OPERATIONS
from .harness.session import Krita
from .test_docker import _docker

START = """
def main(k, seconds=600.0, marker=""):
    del k.studio.messages[:]
    document = yield from k.new(32, 24, pixels=bytes((1, 2, 3, 255)) * 768)
    operation = k.studio.operation("test-slow")
    k.studio.set_parameters(operation, {"seconds": seconds, "marker": marker})
    k.store["document"] = document
    k.trigger("scumble_test-slow")
    yield lambda: k.studio.entries and k.studio.entries[0].state == "running"
"""


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Folders]:
    """Folders whose daemon a test may kill."""
    with private_folders(tmp_path, OPERATIONS) as folders:
        yield folders


def _cancel(k: Any) -> Any:
    k.trigger("scumble_cancel")
    yield k.idle
    return k.layers(k.store["document"]), k.said()[-1]


def test_cancel_ends_the_job_and_makes_no_layer(krita: Krita) -> None:
    krita.run(START)
    assert krita.run(_cancel) == [["Background"], "Test was cancelled."]


def _shows(k: Any) -> Any:
    document = yield from k.new(32, 24, pixels=bytes((1, 2, 3, 255)) * 768)
    docker = k.module("harness_docker")(k)
    k.studio.set_parameters(k.studio.operation("test-showing"), {"seconds": 60.0, "marker": ""})
    entry = k.studio.run("test-showing")
    yield lambda: entry.job is not None and entry.job.preview is not None
    docker.runs.refresh()
    preview = docker.runs._lines[id(entry)].preview
    shown = not preview.isHidden(), preview.pixmap().width(), preview.pixmap().height()
    layers = k.layers(document)
    k.studio.cancel(entry)
    yield k.idle
    return shown, layers, k.layers(document)


def test_what_a_long_run_has_come_to_is_shown_in_the_docker_alone(krita: Krita) -> None:
    krita.lend(_docker)
    shown, before, after = krita.run(_shows)
    assert shown == [True, 200, 100]
    assert before == after == ["Background"]


def _bar(k: Any) -> Any:
    """A run from the menu with the docker hidden, cancelled by what is seen of it."""
    docker = next(d for d in k.app.dockers() if d.windowTitle() == "Scumble")
    docker.setVisible(False)
    status = k.app.activeWindow().qwindow().statusBar()
    yield from k.new(32, 24, pixels=bytes((1, 2, 3, 255)) * 768)
    operation = k.studio.operation("test-slow")
    k.studio.set_parameters(operation, {"seconds": 60.0, "marker": ""})
    k.trigger("scumble_test-slow")
    yield lambda: k.studio.entries and k.studio.entries[0].state == "running"
    bar = k.studio.progress.bars[0]
    yield lambda: bar.isVisible() and bar.bar.value() > 0
    text = bar.text.text()
    bar.cancel.click()
    yield k.idle
    return text, bar.isVisible(), bar.parent() == status, k.said()[-1]


def test_a_run_shows_in_the_status_bar_until_it_ends(krita: Krita) -> None:
    text, after, placed, said = krita.run(_bar)
    assert text.startswith("Test: ")
    assert text.endswith(" %")
    assert not after
    assert placed
    assert said == "Test was cancelled."


def _renewed(k: Any) -> Any:
    """The same without a status bar: how often the message over the canvas was renewed, and whether that ends."""
    status = k.app.activeWindow().qwindow().statusBar()
    yield from k.new(32, 24, pixels=bytes((1, 2, 3, 255)) * 768)
    operation = k.studio.operation("test-slow")
    k.studio.set_parameters(operation, {"seconds": 60.0, "marker": ""})
    shown: list[Any] = []
    progress = k.studio.progress
    progress.floated.connect(shown.append)
    status.setVisible(False)
    try:
        k.trigger("scumble_test-slow")
        yield lambda: len(shown) == 3
        k.trigger("scumble_cancel")
        yield k.idle
        count = len(shown)
        yield 1.5
    finally:
        progress.floated.disconnect(shown.append)
        status.setVisible(True)
    return shown[:3], len(shown) - count


def test_without_a_status_bar_a_run_shows_over_the_canvas_until_it_ends(krita: Krita) -> None:
    shown, after = krita.run(_renewed)
    assert all(text.startswith("Test: ") for text in shown)
    assert after == 0


def _cancel_at_once(k: Any) -> Any:
    del k.studio.messages[:]
    document = yield from k.new(32, 24)
    entry = k.studio.run("test-slow")
    k.studio.cancel(entry)
    yield k.idle
    return entry.state, entry.job is None, k.layers(document)


def test_a_job_that_is_cancelled_while_layers_are_read_is_never_sent(krita: Krita) -> None:
    assert krita.run(_cancel_at_once) == ["cancelled", True, ["Background"]]


def _close(k: Any) -> Any:
    yield from k.close(k.store["document"])
    yield k.idle
    return k.said()[-1]


def test_closing_the_document_in_the_middle_is_harmless(krita: Krita) -> None:
    krita.run(START, seconds=1.5)
    assert krita.run(_close) == "The picture was closed before the layer came."


def _other(k: Any) -> Any:
    first = k.store["document"]
    second = yield from k.new(16, 16)
    yield k.idle
    return k.layers(first), k.layers(second), k.app.activeDocument() == second


def test_a_late_result_goes_to_its_own_document(krita: Krita) -> None:
    krita.run(START, seconds=1.0)
    first, second, still = krita.run(_other)
    assert len(first) == 2
    assert second == ["Background"]
    assert still


def _shown_again(k: Any) -> Any:
    first = k.store["document"]
    active = first.activeNode().uniqueId()
    yield from k.new(16, 16)
    yield lambda: len(k.layers(first)) == 2
    yield k.idle
    yield from k.activate(first)
    yield lambda: first.activeNode().uniqueId() == active
    return k.layers(first)[0].split(" ")[0]


def test_where_a_result_came_unseen_the_artists_layer_is_active_when_the_document_is_shown(krita: Krita) -> None:
    krita.run(START, seconds=1.0)
    assert krita.run(_shown_again) == "Test"


def _remove(k: Any) -> Any:
    document = k.store["document"]
    other = document.createNode("Other", "paintlayer")
    document.rootNode().addChildNode(other, None)
    document.nodeByName("Background").remove()
    yield k.idle
    return [name.split(" ")[0] for name in k.layers(document)]


def test_a_source_that_is_removed_in_the_middle_is_harmless(krita: Krita) -> None:
    krita.run(START, seconds=1.0)
    assert krita.run(_remove) == ["Test", "Other"]


def _defect(k: Any) -> Any:
    del k.studio.messages[:]
    yield from k.new(16, 16)
    runs = k.module("runs")
    right = runs.read_source
    runs.read_source = lambda *_, **__: 1 // 0
    k.trigger("scumble_identity")
    yield lambda: k.said()
    yield k.idle
    runs.read_source = right
    return k.said()


def test_a_defect_of_the_plugin_is_a_sentence_and_a_log_never_a_window(krita: Krita) -> None:
    (said,) = krita.run(_defect)
    start, _, path = said.partition(", with this file: ")
    assert start == "Scumble's plugin made a mistake. Please report it"
    assert "ZeroDivisionError" in Path(path).read_text()


def _until_idle(k: Any) -> Any:
    yield k.idle
    return k.said(), k.layers(k.store["document"])


def _again(k: Any) -> Any:
    k.trigger("scumble_identity")
    document = k.store["document"]
    yield lambda: len(k.layers(document)) == 2
    yield k.idle
    return k.said()


def test_a_daemon_that_is_killed_gives_one_message_and_the_next_action_starts_another(
    own: Folders, start_krita: Callable[..., Krita]
) -> None:
    daemon = Daemon(own, "--device", "cpu")
    # The operations of the tests are found over a PYTHONPATH, which the plugin does not pass on.
    path = f"PYTHONPATH={own.environment['PYTHONPATH']}"
    command = ["/usr/bin/env", path, sys.executable, "-m", "scumble.daemon", "--device", "cpu"]
    krita = start_krita(own, SCUMBLE_DAEMON=shlex.join(command))
    krita.run(START)
    daemon.kill()
    said, layers = krita.run(_until_idle)
    assert said == ["The daemon went away before the job was finished. Run it again: Scumble starts a new daemon."]
    assert layers == ["Background"]
    said = krita.run(_again)
    assert said[1] == "Scumble starts its daemon: the first time takes some seconds."
    assert said[2].startswith("New layer: Identity ")
    connection = ConnectionFile.read(own.runtime)
    assert connection
    assert connection.pid != daemon.process.pid


def test_krita_quits_while_a_job_runs_and_the_daemon_gives_the_job_up(
    own: Folders, start_krita: Callable[..., Krita], tmp_path: Path
) -> None:
    daemon = Daemon(own, "--device", "cpu")
    try:
        krita = start_krita(own)
        marker = tmp_path / "worker"
        krita.run(START, seconds=60.0, marker=str(marker))
        worker = wait_for(lambda: marker.exists() and marker.read_text())
        assert krita.quit() == 0
        wait_for(lambda: "cancelled" in own.log.read_text() or not process_alive(int(worker)), 30)
    finally:
        daemon.stop()
