"""`scumble doctor`: every trouble that it knows, made on purpose; each says what mends it."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
from collections.abc import Callable
from types import SimpleNamespace

import imagecodecs
import pytest

from scumble.cli import doctor
from scumble.scripting import Daemon as Connection
from scumble.scripting import Layer
from scumble.weights import parse_manifest, store
from scumble_client.launch import LAUNCH_FILE
from scumble_client.paths import ConnectionFile
from tests.support.commands import Call, textured
from tests.support.daemon import Daemon, Folders
from tests.support.pictures import put


def examine(what: str) -> doctor.Finding:
    """One check by itself."""
    finding = doctor._run(what, doctor.CHECKS[what])
    assert finding.message
    return finding


def trouble(what: str) -> doctor.Finding:
    """One check that must find something: a sentence, and what to do."""
    finding = examine(what)
    assert not finding.ok
    assert finding.message.endswith(".")
    assert finding.hint
    assert "report this" not in finding.hint
    return finding


def only(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    monkeypatch.setattr(doctor, "CHECKS", {name: doctor.CHECKS[name] for name in names})


class TestReport:
    def test_all_is_well(self, scumble: Call) -> None:
        ran = scumble("doctor").done()
        lines = ran.out.splitlines()
        assert len(lines) == len(doctor.CHECKS)
        assert all(line.startswith("ok    ") for line in lines)

    def test_json(self, scumble: Call, monkeypatch: pytest.MonkeyPatch) -> None:
        only(monkeypatch, "Python", "disk")
        found = scumble("doctor", "--json").done().json
        assert [(f["what"], f["ok"], f["hint"]) for f in found] == [("Python", True, ""), ("disk", True, "")]

    @pytest.mark.parametrize("form", [(), ("--json",)])
    def test_trouble_gives_3_and_the_other_checks_still_run(
        self, alone: Call, folders: Folders, monkeypatch: pytest.MonkeyPatch, form: tuple[str, ...]
    ) -> None:
        only(monkeypatch, "Python", "folders", "disk")
        put(folders.base, "log", b"")
        ran = alone("doctor", *form)
        assert ran.code == 3
        assert ran.err == ""
        if form:
            assert [f["ok"] for f in ran.json] == [True, False, True]
        else:
            lines = ran.out.splitlines()
            assert [line[:5] for line in lines] == ["ok   ", "wrong", "     ", "ok   "]
            assert lines[2].startswith("      → ")

    def test_a_check_that_fails_itself_is_told(self, alone: Call, monkeypatch: pytest.MonkeyPatch) -> None:
        def broken() -> str:
            raise ZeroDivisionError("a defect")

        monkeypatch.setattr(doctor, "CHECKS", {"something": broken, "Python": doctor.CHECKS["Python"]})
        ran = alone("doctor")
        assert ran.code == 3
        assert "ZeroDivisionError: a defect" in ran.out
        assert "ok    Python" in ran.out


class TestPrograms:
    def test_an_old_python(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(platform, "python_version_tuple", lambda: ("3", "9", "18"))
        assert "Python 3.10" in trouble("Python").hint

    def test_no_torch(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "torch", None)
        assert "pip install --force-reinstall torch" in trouble("PyTorch").hint

    def test_a_device_that_does_not_compute(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """torch's device "meta" is there, and has no numbers."""
        monkeypatch.setattr("scumble.worker.device.available", lambda: ["meta"])
        finding = trouble("PyTorch")
        assert "does not compute on meta" in finding.message
        assert "the CPU is used in its place" in finding.hint

    @pytest.mark.parametrize("name", ["imagecodecs", "PIL", "tifffile"])
    def test_no_codecs(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        monkeypatch.setitem(sys.modules, name, None)
        assert "pip install --force-reinstall" in trouble("picture files").hint

    def test_no_png(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(imagecodecs, "PNG", SimpleNamespace(available=False))
        assert "pip install --force-reinstall imagecodecs" in trouble("picture files").hint


class TestFolders:
    def test_a_file_in_the_socket_folder_s_place(self, folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SCUMBLE_RUNTIME_DIR", str(put(folders.base, "file", b"")))
        assert "SCUMBLE_RUNTIME_DIR" in trouble("socket folder").hint

    def test_a_path_too_long_for_a_socket(self, folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SCUMBLE_RUNTIME_DIR", str(folders.runtime / ("x" * 120)))
        finding = trouble("socket folder")
        assert "too long for a socket" in finding.message
        assert "SCUMBLE_RUNTIME_DIR" in finding.hint

    @pytest.mark.parametrize(("name", "variable"), [("cache", "SCUMBLE_CACHE_DIR"), ("log", "SCUMBLE_LOG_DIR")])
    def test_that_can_t_be_made(self, folders: Folders, name: str, variable: str) -> None:
        put(folders.base, name, b"")
        finding = trouble("folders")
        assert str(folders.base / name) in finding.message
        assert variable in finding.hint

    def test_a_disk_that_is_nearly_full(self, folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
        usage = shutil.disk_usage(folders.base)
        monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=5_000_000))
        finding = trouble("disk")
        assert "Only 5 MB are free" in finding.message
        assert str(folders.results) in finding.hint

    def test_looking_leaves_nothing_in_memory(self, folders: Folders) -> None:
        assert examine("folders").ok
        assert examine("disk").ok
        assert not os.path.exists(f"/dev/shm/scumble-{os.getuid()}-{os.getpid()}")


class TestPorts:
    def test_a_firewall(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(address: object, timeout: float) -> None:
            raise PermissionError(1, "Operation not permitted")

        monkeypatch.setattr("socket.create_connection", refuse)
        finding = trouble("ports")
        assert "Operation not permitted" in finding.message
        assert "firewall" in finding.hint

    def test_no_port_to_be_had(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(address: object) -> None:
            raise OSError(24, "Too many open files")

        monkeypatch.setattr("socket.create_server", refuse)
        assert "Too many open files" in trouble("ports").message


class TestDaemon:
    def test_a_command_that_is_gone(self, folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SCUMBLE_DAEMON", str(folders.base / "nowhere" / "scumble"))
        assert "unset SCUMBLE_DAEMON" in trouble("daemon's command").hint

    def test_a_python_that_is_gone(self, folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "executable", str(folders.base / "nowhere" / "python"))
        assert "pip install" in trouble("daemon's command").hint

    @pytest.mark.parametrize(
        "content", [json.dumps({"command": ["/nowhere/python", "-m", "scumble.daemon"]}), "{}", '{"command": []}', "["]
    )
    def test_editors_that_would_start_nothing(self, folders: Folders, content: str) -> None:
        (folders.base / "config").mkdir()
        put(folders.base / "config", LAUNCH_FILE, content.encode())
        finding = trouble("daemon's command")
        assert "editors can't start the daemon" in finding.message
        assert "scumble install krita" in finding.hint

    def test_editors_that_would(self, folders: Folders) -> None:
        (folders.base / "config").mkdir()
        put(folders.base / "config", LAUNCH_FILE, json.dumps({"command": [sys.executable, "-m", "x"]}).encode())
        assert examine("daemon's command").ok

    def test_another_version_runs(self, shared: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(doctor, "__version__", "99.0")
        finding = trouble("daemon")
        assert "this is 99.0" in finding.message
        assert "scumble stop" in finding.hint

    def test_it_had_to_make_do(self, folders: Folders, start_daemon: Callable[..., Daemon]) -> None:
        put(folders.base, "cache", b"")
        start_daemon()
        finding = trouble("daemon")
        assert str(folders.base / "cache") in finding.message
        assert str(folders.log) in finding.hint

    def test_it_does_not_start(self, folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SCUMBLE_DAEMON", f"{sys.executable} -c 'raise SystemExit(\"No room.\")'")
        assert examine("daemon's command").ok
        for finding in (trouble("daemon"), trouble("a job")):
            assert finding.message == "No room."
            assert finding.hint == "See what it says: scumble serve"
        assert ConnectionFile.read(folders.runtime) is None

    def test_a_layer_that_comes_back_changed(self, shared: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Connection, "run", lambda *_: [Layer.open(textured())])
        finding = examine("a job")
        assert not finding.ok
        assert finding.message == "A layer came back changed."
        assert finding.hint == "Please report this."


class TestWeights:
    def test_none_are_needed(self, folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(store, "load_manifest", lambda: parse_manifest("", folders.base))
        assert "none here" in examine("weights").message

    def test_damaged_ones(self, folders: Folders) -> None:
        (folders.base / "weights").mkdir()
        put(folders.base / "weights", "IAN_simple.npz", b"half")
        finding = trouble("weights")
        assert finding.message == "Damaged or not whole: IAN_simple (Neural Photo Editor)."
        assert finding.hint == "Mend it: scumble weights verify --repair ian-simple"

    def test_embedded_ones(self, folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
        text = """
            [[weights]]
            name = "small"
            title = "The small one"
            architecture = "unet"
            licence = "MIT"
            file = "small.safetensors"
            embedded = true
            """
        monkeypatch.setattr(store, "load_manifest", lambda: parse_manifest(text, folders.base))
        finding = trouble("weights")
        assert "The small one" in finding.message
        assert "pip install --force-reinstall scumble" in finding.hint
