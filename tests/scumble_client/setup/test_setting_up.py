"""A set-up from its button to the engine that works, against an index that behaves, and against those that don't."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from scumble_client.errors import ScumbleError
from scumble_client.launch import launch_command
from scumble_client.setup import places
from scumble_client.setup.lock import Lock, is_held
from scumble_client.setup.panel import BROKEN, BUSY, NEWER, NOTHING, OFFER, READY
from scumble_client.setup.parts import ADDING, PARTS, Part, parts_of
from scumble_client.setup.state import REMOVE, REPAIR, State
from tests.support import needs
from tests.support.daemon import wait_for
from tests.support.linked_engine import parts_index
from tests.support.package_index import make_wheel, wheel_name
from tests.support.small_engine import TORCH

from .conftest import PATIENCE, Bench


def running(text: str) -> list[int]:
    """The processes in whose command line this stands."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if text in words and int(folder.name) != os.getpid():
            found.append(int(folder.name))
    return found


def test_from_the_button_to_an_engine_that_has_filled_a_picture(bench: Bench) -> None:
    panel = bench.panel()
    view = panel.look()
    assert (view.kind, view.choosing, view.buttons[0]) == (OFFER, True, ("go", "Set Up Scumble"))
    assert "Download: about 330 MB" in view.detail
    panel.begin()
    seen = [panel.look()]
    bench.wait(panel, lambda view: seen.append(view) or view.kind != BUSY)  # type: ignore[func-returns-value]
    fractions = [view.fraction for view in seen if view.fraction is not None]
    assert fractions == sorted(fractions)
    assert panel.look().kind == READY
    assert Path(panel.look().picture).read_bytes() == b"a picture"
    engine = State.read().engine
    assert {name: engine[name] for name in ("version", "torch", "compute")} == {
        "version": "1.0",
        "torch": TORCH,
        "compute": "cpu",
    }
    assert launch_command() == [engine["python"], "-m", "scumble.daemon"]
    assert engine["python"].startswith(str(places.usual_folder() / "engine-1"))
    assert bench.engines == ["engine-1"]
    assert bench.calls == ["1.0 stop", "1.0 run"]
    launcher = places.data_dir() / "scumble"
    terminal = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run([launcher, "stop"], check=True, timeout=60, env=terminal)
    assert bench.calls == ["1.0 stop", "1.0 run", "1.0 stop"]
    panel.close()
    assert panel.look().kind == NOTHING
    assert bench.panel().look().kind == NOTHING  # another editor


def test_what_it_did_stands_in_the_log_without_passwords(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", bench.index.address.replace("://", "://me:secret@"))
    panel = bench.set_up()
    assert "Collecting torch" in panel.log()
    assert "secret" not in panel.log()


def test_a_line_that_breaks_is_taken_up_where_it_broke(bench: Bench) -> None:
    bench.index.breaks_after, bench.index.breaks = 400_000, 3
    bench.set_up()
    ranges = bench.index.asked_for("torch")
    starts = [int(one[6:].split("-")[0]) for one in ranges if one]
    assert bench.index.breaks == 0
    assert starts == sorted(starts)
    assert starts[0] > 0


@pytest.mark.parametrize("over_tls", [True])
def test_after_a_failure_what_was_fetched_whole_is_not_fetched_again(bench: Bench) -> None:
    data = bench.index.wheels.pop(wheel_name("little", "1.0"))
    panel = bench.panel()
    panel.begin()
    assert bench.wait(panel).kind == BROKEN
    assert len(bench.index.asked_for("torch")) == 1
    bench.index.wheels[wheel_name("little", "1.0")] = data
    panel.begin()
    assert bench.wait(panel).kind == READY, panel.log()
    assert len(bench.index.asked_for("torch")) == 1


@pytest.mark.parametrize("over_tls", [True])
def test_what_came_damaged_and_was_kept_is_not_taken_again(bench: Bench) -> None:
    good = bench.index.content(wheel_name("torch", TORCH))
    bench.index.damaged[wheel_name("torch", TORCH)] = 1
    panel = bench.panel()
    panel.begin()
    assert bench.wait(panel).kind == READY, panel.log()
    assert len(bench.index.asked_for("torch")) == 2
    assert bench.index.content(wheel_name("torch", TORCH)) == good


def test_on_a_slow_line_the_bytes_are_told(bench: Bench) -> None:
    bench.index.bytes_per_second = 200_000
    panel = bench.panel()
    panel.begin()
    view = bench.wait(panel, lambda view: ("torch" in view.sentence and "of 2 MB" in view.detail) or view.kind != BUSY)
    assert view.sentence == "Setting up: fetching torch."
    bench.wait(panel, lambda view: State.read().bytes_done > 0 or view.kind != BUSY)
    before = State.read()
    bench.wait(panel, lambda view: State.read().bytes_done > before.bytes_done > 0 or view.kind != BUSY)
    assert State.read().phase == "running"
    bench.index.bytes_per_second = 0
    assert bench.wait(panel).kind == READY


def _fails(bench: Bench, kind: str, sentence: str) -> None:
    """A set-up fails with a sentence, and leaves nothing."""
    panel = bench.panel()
    panel.begin()
    view = bench.wait(panel)
    assert view.kind == BROKEN, panel.log()
    assert State.read().error["kind"] == kind, panel.log()
    assert sentence in view.sentence
    assert view.detail  # what to do
    assert [name for name, _ in view.buttons] == ["again", "later", "report"]
    assert bench.engines == []
    assert not bench.launch.exists()
    panel.close()
    assert panel.look().kind == OFFER


def test_without_a_network(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")  # where nothing listens
    monkeypatch.setenv("PIP_RETRIES", "1")
    _fails(bench, "network", "The line to the package index broke.")


def test_a_line_that_breaks_for_good(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_RETRIES", "0")
    bench.index.breaks_after = 1  # nothing ever comes
    _fails(bench, "network", "The line to the package index broke.")


def test_a_wrong_check_sum(bench: Bench) -> None:
    bench.index.wrong_sum = "torch"
    _fails(bench, "damaged", "arrived damaged")


@pytest.mark.parametrize(
    ("status", "kind", "sentence"),
    [(403, "refused", "refuses access"), (401, "refused", "refuses access"), (503, "network", "broke")],
)
def test_an_index_that_says_no(
    bench: Bench, status: int, kind: str, sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_RETRIES", "0")
    bench.index.status = status
    _fails(bench, kind, sentence)


def test_an_index_without_a_package(bench: Bench) -> None:
    del bench.index.wheels[wheel_name("torch", TORCH)]
    _fails(bench, "no_package", "has no torch")


def test_an_index_with_the_build_for_graphics_cards_alone_is_noticed_before_gigabytes_come(bench: Bench) -> None:
    from tests.support.package_index import make_wheel

    torch = make_wheel("torch", TORCH, {"torch/__init__.py": ""}, ("nvidia-cublas-cu12",))
    bench.index.wheels[wheel_name("torch", TORCH)] = torch
    bench.index.wheels[wheel_name("nvidia_cublas_cu12", "1.0")] = make_wheel("nvidia_cublas_cu12", "1.0", {"x.py": ""})
    _fails(bench, "wrong_build", "only the PyTorch for graphics cards")


def test_an_engine_that_does_not_fill_a_picture_takes_no_place(bench: Bench) -> None:
    bench.breaks()
    _fails(bench, "broken", "does not fill a picture: The daemon ended at once, with code 7.")


def test_a_folder_that_cant_be_written(bench: Bench) -> None:
    (bench.base / "file").write_text("")
    panel = bench.panel()
    panel.folder = bench.base / "file"
    panel.begin()
    view = bench.wait(panel)
    assert (view.kind, State.read().error["kind"]) == (BROKEN, "denied"), panel.log()
    assert "can't be written" in view.sentence


def test_another_folder_is_kept_in_mind(bench: Bench) -> None:
    panel = bench.panel()
    panel.folder = bench.base / "a folder with spaces — und Umlauten"
    panel.begin()
    assert bench.wait(panel).kind == READY, panel.log()
    assert (panel.folder / "engine-1" / places.MARKER).is_file()
    assert bench.engines == []
    assert bench.panel().folder == panel.folder


def test_it_is_cancelled_in_the_middle_and_nothing_runs_on(bench: Bench) -> None:
    bench.index.bytes_per_second = 100_000
    panel = bench.panel()
    panel.begin()
    bench.wait(panel, lambda view: "torch" in view.sentence or view.kind != BUSY)
    engine = str(places.usual_folder() / "engine-1")
    assert running(engine)
    bench.panel().cancel()  # another editor's button does it, too
    view = bench.wait(panel)
    assert view.kind == OFFER
    assert view.sentence.startswith("It was cancelled; nothing was left behind.")
    assert running(engine) == []
    assert bench.engines == []
    bench.index.bytes_per_second = 0
    panel.begin()
    assert bench.wait(panel).kind == READY


def test_the_editor_is_closed_in_the_middle(bench: Bench) -> None:
    bench.index.bytes_per_second = 400_000
    bench.panel()
    code = (
        "import sys, os; from pathlib import Path; from scumble_client.setup.panel import SetupPanel;"
        "SetupPanel(Path(sys.argv[1])).begin(); os.kill(os.getpid(), 9)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(places.__file__).parents[2])}
    editor = subprocess.run(
        [sys.executable, "-c", code, str(bench.base / "plugin-1.0")],
        env=environment,
        start_new_session=True,
        timeout=60,
    )
    assert editor.returncode == -signal.SIGKILL
    panel = bench.panel()  # the editor of the next day
    assert bench.wait(panel, lambda view: view.kind != OFFER).kind in (BUSY, READY)
    bench.index.bytes_per_second = 0
    assert bench.wait(panel).kind == READY, panel.log()


def test_two_editors_at_once(bench: Bench) -> None:
    bench.index.bytes_per_second = 400_000
    first, second = bench.panel(), bench.panel()
    first.begin()
    bench.wait(second, lambda view: view.kind == BUSY)  # it sees what the other has begun
    wait_for(is_held, PATIENCE)
    with pytest.raises(ScumbleError, match="being set up already"):
        second.begin()
    bench.index.bytes_per_second = 0
    assert bench.wait(first).kind == READY
    assert second.look().kind == READY
    assert bench.engines == ["engine-1"]


def test_a_process_too_many_ends_without_a_word(bench: Bench) -> None:
    panel = bench.panel()
    lock = Lock()
    assert lock.take()
    order = bench.base / "order.json"
    order.write_text(json.dumps({"task": "install"}))
    command = [sys.executable, "-m", "scumble_client.setup", str(order)]
    environment = {**os.environ, "PYTHONPATH": str(Path(places.__file__).parents[2])}
    assert subprocess.run(command, env=environment, timeout=60).returncode == 3
    lock.release()
    assert panel.look().kind == OFFER
    assert subprocess.run([*command[:-1], str(bench.base / "none")], env=environment, timeout=60).returncode == 2


def test_a_process_that_is_killed_leaves_what_the_next_one_removes(bench: Bench) -> None:
    bench.index.bytes_per_second = 100_000
    panel = bench.panel()
    panel.begin()
    bench.wait(panel, lambda view: "torch" in view.sentence or view.kind != BUSY)
    child = panel._child
    assert child
    os.killpg(child.pid, signal.SIGKILL)
    for one in running(str(places.usual_folder() / "engine-1")):
        os.kill(one, signal.SIGKILL)  # a machine that is switched off takes these along, too
    view = bench.wait(panel)
    assert (view.kind, view.sentence) == (BROKEN, "Scumble was interrupted while setting up.")
    assert bench.engines == ["engine-1"]
    assert bench.panel().look() == view
    bench.index.bytes_per_second = 0
    panel.begin()
    assert bench.wait(panel).kind == READY
    [engine] = bench.engines
    assert places.is_whole(places.usual_folder() / engine)


def test_a_signal_ends_it_as_cancelling_does(bench: Bench) -> None:
    bench.index.bytes_per_second = 100_000
    panel = bench.panel()
    panel.begin()
    bench.wait(panel, lambda view: "torch" in view.sentence or view.kind != BUSY)
    child = panel._child
    assert child
    child.terminate()
    assert bench.wait(panel).kind == OFFER
    assert bench.engines == []


# -- update, repair, remove


def test_an_update_is_offered_made_beside_the_old_one_and_switched(bench: Bench) -> None:
    bench.set_up("1.0")
    old = launch_command()
    panel = bench.panel("2.0")
    view = panel.look()
    assert view.kind == NEWER
    assert view.sentence == "The plugin is version 2.0, its engine 1.0: they should be the same."
    bench.index.bytes_per_second = 0
    panel.begin()
    assert bench.wait(panel).kind == READY, panel.log()
    assert bench.engines == ["engine-2"]
    assert launch_command() != old
    assert State.read().engine["version"] == "2.0"
    assert bench.calls[-2:] == ["2.0 stop", "2.0 run"]
    panel.close()
    assert panel.look().kind == NOTHING


def test_an_update_that_fails_leaves_the_old_engine_as_it_is(bench: Bench) -> None:
    bench.set_up("1.0")
    before = bench.launch.read_bytes()
    bench.breaks()
    panel = bench.panel("2.0")
    assert panel.look().kind == NEWER
    panel.begin()
    assert bench.wait(panel).kind == BROKEN
    assert bench.launch.read_bytes() == before
    assert bench.engines == ["engine-1"]
    assert State.read().engine["version"] == "1.0"
    bench.breaks(False)
    panel.begin()  # Try Again
    assert bench.wait(panel).kind == READY
    assert State.read().engine["version"] == "2.0"


def test_an_update_that_is_not_wanted_now_is_not_shown_again_in_this_session(bench: Bench) -> None:
    bench.set_up("1.0")
    panel = bench.panel("2.0")
    assert panel.look().kind == NEWER
    panel.close()
    assert panel.look().kind == NOTHING
    assert bench.panel("2.0").look().kind == NEWER


@pytest.mark.parametrize("over_tls", [True])
def test_a_repair_makes_it_anew(bench: Bench) -> None:
    panel = bench.set_up()
    torch = next((places.usual_folder() / "engine-1").rglob("torch/__init__.py"))
    torch.unlink()
    panel.begin(REPAIR)
    view = bench.wait(panel, lambda view: (view.kind == BUSY and "Repairing" in view.sentence) or view.kind != BUSY)
    assert view.sentence.startswith("Repairing:")
    assert bench.wait(panel).kind == READY
    assert bench.engines == ["engine-2"]
    assert next((places.usual_folder() / "engine-2").rglob("torch/__init__.py"))
    assert len(bench.index.asked_for("torch")) == 1  # the file was still here


def test_what_was_added_comes_along_or_is_done_without(bench: Bench) -> None:
    panel = bench.set_up()
    for name, held in parts_index().wheels.items():
        bench.index.wheels.setdefault(name, held)
    runs, nowhere = Part("onnxruntime", "onnxruntime>=1.17"), Part("nowhere", "nowhere>=7")
    noted = {runs.module: runs.requirement, nowhere.module: nowhere.requirement}
    places.write_json(places.usual_folder() / "engine-1" / PARTS, noted)
    bench.index.wheels[wheel_name("numpy", "2.0")] = make_wheel("numpy", "2.0", {"numpy.py": ""})
    panel.begin(REPAIR)
    assert bench.wait(panel).kind == READY, panel.log()
    assert bench.engines == ["engine-2"]
    engine = places.usual_folder() / "engine-2"
    assert parts_of(engine) == [runs]
    subprocess.run([str(places.python_in(engine)), "-I", "-c", "import onnxruntime"], check=True, timeout=60)
    assert "The engine comes without nowhere, which the old one had" in panel.log()
    assert not (engine / ADDING).exists()


def test_removing_leaves_nothing_but_what_is_not_ours(bench: Bench) -> None:
    panel = bench.set_up()
    mine = places.usual_folder() / "engine-7"
    mine.mkdir()
    (mine / "novel.txt").write_text("mine")
    panel.begin(REMOVE)
    assert bench.wait(panel).kind == OFFER
    assert bench.engines == ["engine-7"]
    assert (mine / "novel.txt").read_text() == "mine"
    assert not bench.launch.exists()
    assert not (places.data_dir() / "scumble").exists()
    assert State.read().engine == {}
    assert bench.calls[-1] == "1.0 stop"


def test_removing_does_not_take_away_a_command_that_leads_elsewhere(bench: Bench) -> None:
    panel = bench.set_up()
    bench.launch.write_text(json.dumps({"command": [sys.executable, "-m", "scumble.daemon"]}))
    panel.begin(REMOVE)
    assert bench.wait(panel).kind == NOTHING
    assert bench.launch.exists()


def test_engines_of_another_user_of_the_same_folder_stay(bench: Bench) -> None:
    """Two editors in sandboxes of their own, for which the same folder was chosen."""
    others = places.new_engine(places.usual_folder())
    places.mark(others, True, owner="/elsewhere")
    bench.set_up()
    assert bench.engines == ["engine-1", "engine-2"]
    assert State.read().engine["folder"].endswith("engine-2")


# -- the disk


def test_a_disk_without_room_is_said_before_anything_is_written(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    from scumble_client.setup import machine

    monkeypatch.setattr(machine, "free_bytes", lambda folder: 1_000_000_000)
    panel = bench.panel()
    assert "1.0 GB free" in panel.needs
    code = (
        "import sys; from scumble_client.setup import machine, __main__ as m;"
        "machine.free_bytes = lambda folder: 1_000_000_000; sys.exit(m.main(sys.argv[1:]))"
    )
    ended = _with_order(bench, [sys.executable, "-c", code])
    assert ended == 1
    assert State.read().error["kind"] == "disk_full"
    assert "and 1.0 GB are free" in State.read().error["message"]
    assert not bench.index.requests
    assert bench.engines == []


def _with_order(bench: Bench, command: list[str]) -> int:
    """Run a program with the order that the button would give."""
    from scumble_client.setup import starting

    given: list[str] = []

    def start(order: object) -> subprocess.Popen[bytes]:
        given.append(str(order.write(bench.base)))  # type: ignore[attr-defined]
        ended = subprocess.Popen(["true"])
        ended.wait()
        return ended

    panel = bench.panel()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(starting, "start", start)
        panel.begin()
    environment = {**os.environ, "PYTHONPATH": str(Path(places.__file__).parents[2])}
    return subprocess.run([*command, *given], env=environment, timeout=PATIENCE).returncode


@needs.root
def test_a_disk_that_becomes_full_in_the_middle(bench: Bench) -> None:
    bench.index.wheels[wheel_name("torch", TORCH)] = _large_torch()
    code = (
        "import sys; from scumble_client.setup import machine, __main__ as m; machine.SPARE = 0;"
        "machine.INSTALLED['cpu'] = machine.DOWNLOAD['cpu'] = 1_000_000; sys.exit(m.main(sys.argv[1:]))"
    )
    data = places.data_dir()
    script = f'mount -t tmpfs -o size=12m none {data} && exec "$@"'
    kept = bench.base / "kept"
    kept.mkdir()
    # the state lies on the full disk, too: it is copied out before the disk is gone
    wrapped = [
        "unshare",
        "-m",
        "sh",
        "-c",
        f'{script[: script.index("exec")]} "$@"; c=$?; cp -r {data}/. {kept}; exit $c',
        "sh",
    ]
    assert _with_order(bench, [*wrapped, sys.executable, "-c", code]) == 1
    state = State.read(kept / "setup")
    assert (state.phase, state.error.get("kind")) == ("failed", "disk_full"), (kept / "setup" / "setup.log").read_text()
    assert sorted(one.name for one in kept.iterdir()) == ["setup"]


def _large_torch() -> bytes:
    from tests.support.package_index import make_wheel

    return make_wheel("torch", TORCH, {"torch/__init__.py": "", "torch/blob": os.urandom(20_000_000)})


def test_a_state_that_was_damaged_counts_as_none(bench: Bench) -> None:
    folder = places.setup_dir()
    folder.mkdir(parents=True)
    for text in ("", "[]", "{", '{"phase": 7, "engine": [], "order": {"folder": 3}, "fraction": "x"}'):
        (folder / "state.json").write_text(text)
        assert bench.panel().look().kind == OFFER
