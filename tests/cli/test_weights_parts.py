"""`scumble weights pull` of a file that needs a package besides: added to an engine that was set up from an editor; else said."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from scumble_client.setup import places
from tests.support.daemon import ROOT
from tests.support.file_server import FileServer
from tests.support.linked_engine import environment_for, linked_engine, parts_index
from tests.support.onnx_graph import graph
from tests.support.own_manifest import entry
from tests.support.package_index import serving
from tests.weights.conftest import server as server  # the fixture


@pytest.mark.parametrize("ours", [True, False])
def test_what_runs_a_file_comes_along_or_is_said(tmp_path: Path, server: FileServer, ours: bool) -> None:
    server.content = program = graph()
    table = entry("migan", server.url, file="migan.onnx", size=len(program), sha256=hashlib.sha256(program).hexdigest())
    (tmp_path / "own.toml").write_text(table, encoding="utf-8")
    engine = linked_engine(tmp_path / "data")
    if not ours:
        (engine / places.MARKER).unlink()
    python = places.python_in(engine)
    with serving(parts_index()) as index:
        environment = {
            **os.environ,
            **environment_for(index, tmp_path),
            "SCUMBLE_MANIFEST": str(tmp_path / "own.toml"),
            "SCUMBLE_WEIGHTS": str(tmp_path / "weights"),
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "backend")]),
        }
        words = [str(python), "-m", "scumble.cli", "weights", "pull", "migan"]
        done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "weights" / "migan.onnx").read_bytes() == program
    here = subprocess.run([str(python), "-I", "-c", "import onnxruntime"], timeout=60, stderr=subprocess.DEVNULL)
    assert (here.returncode == 0) == ours
    if not ours:
        said = " ".join((done.stdout + done.stderr).split())
        assert "It also needs onnxruntime" in said
        assert index.requests == []
