"""The client: starting the daemon, being left alone by it, and the interpreters that editors bring."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from scumble_client import Client, ScumbleError
from scumble_client.launch import launch_command, write_launch_file
from scumble_client.paths import CONNECTION_FILE, Connection
from tests.support.daemon import ROOT, Daemon, Folders, request, status, wait_for


def test_it_starts_the_daemon_where_there_is_none(folders: Folders) -> None:
    with Client("test") as client:
        assert status(client)["pid"] == Connection.read().pid  # type: ignore[union-attr]


def test_without_launch_it_says_how(folders: Folders) -> None:
    with Client("test", launch=False) as client, pytest.raises(ScumbleError, match="not running") as raised:
        client.call("status")
    assert raised.value.code == "unreachable"
    assert "scumble serve" in raised.value.hint


def test_calls_that_must_not_block_return_at_once_without_a_daemon(folders: Folders) -> None:
    """The daemon that would be started never comes up; submit, cancel and poll do not care."""
    os.environ["SCUMBLE_DAEMON"] = f"{sys.executable} -c 'import time; time.sleep(600)'"
    client = Client("test")
    try:
        job = client.submit(request("identity"))
        client.cancel(job)
        assert not job.ended
        wait_for(lambda: any(e.state == "starting" for e in client.poll()))
    finally:
        del os.environ["SCUMBLE_DAEMON"]
        client.close()
    assert job.error
    assert job.error.code == "unreachable"


def test_a_stale_file_with_another_process_s_number(folders: Folders) -> None:
    Connection([f"ipc://{folders.runtime}/gone.ipc"], os.getpid(), "0", 1, "", "", 0.0).write(folders.runtime)
    with Client("test") as client:
        assert status(client)["pid"] != os.getpid()


def test_a_stale_file_of_a_killed_daemon(start_daemon: Callable[..., Daemon]) -> None:
    daemon = start_daemon()
    daemon.kill()
    assert (daemon.folders.runtime / CONNECTION_FILE).exists()
    with Client("test") as client:
        assert status(client)["pid"] != daemon.process.pid


def test_two_clients_start_it_at_once_and_find_the_same(folders: Folders) -> None:
    code = "from scumble_client import Client\nprint(Client('t').call('status', timeout=60).body['pid'])"
    children = [
        subprocess.Popen([sys.executable, "-c", code], env=folders.environment, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    pids = {child.communicate(timeout=100)[0].strip() for child in children}
    assert len(pids) == 1
    assert pids.pop().isdigit()


def test_a_daemon_that_can_t_start_says_why(folders: Folders) -> None:
    os.environ["SCUMBLE_DAEMON"] = f"""{sys.executable} -c 'raise SystemExit("It can not start. Do this.")'"""
    try:
        with Client("test") as client, pytest.raises(ScumbleError, match="can not start"):
            client.call("status")
    finally:
        del os.environ["SCUMBLE_DAEMON"]


def test_the_daemon_s_death_ends_jobs_with_a_clear_error_and_the_next_job_works(
    start_daemon: Callable[..., Daemon], tmp_path: Path
) -> None:
    daemon = start_daemon()
    marker = tmp_path / "began"
    with Client("test") as client:
        job = client.submit(request("test-slow", seconds=600, marker=str(marker)))
        wait_for(lambda: marker.exists())
        daemon.kill()
        with pytest.raises(ScumbleError) as raised:
            client.wait(job, 60)
        assert raised.value.code == "unreachable"
        client.wait(client.submit(request("identity")), 60)


def test_closing_is_quick_and_final(client: Client) -> None:
    other = Client("short")
    other.connect()
    other.close()
    other.close()
    with pytest.raises(ScumbleError):
        other.submit(request("identity"))


def test_wake_is_called(shared: Daemon) -> None:
    called = []
    with Client("test", wake=lambda: called.append(1)) as client:
        client.wait(client.submit(request("identity")), 60)
    assert called


def test_how_the_daemon_is_found(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    assert launch_command() == [sys.executable, "-m", "scumble.daemon"]
    write_launch_file([sys.executable, "-m", "elsewhere"])
    assert launch_command() == [sys.executable, "-m", "elsewhere"]
    write_launch_file(["/gone/python", "-m", "elsewhere"])
    assert launch_command() == [sys.executable, "-m", "scumble.daemon"]
    monkeypatch.setenv("SCUMBLE_DAEMON", "a 'b c'")
    assert launch_command() == ["a", "b c"]


VERSIONS = ("3.8", "3.9", "3.10", "3.11", "3.12", "3.13")


def interpreter(version: str) -> str | None:
    """A Python of that version: on the PATH, or where pyenv keeps them."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [*sorted(pyenv.glob(f"{version}.*/bin/python")), shutil.which(f"python{version}")]
    for candidate in filter(None, candidates):
        found = subprocess.run(
            [str(candidate), "-c", "import sys; print(sys.version_info[:2])"], capture_output=True, text=True
        )
        if found.returncode == 0 and found.stdout.strip() == str(tuple(map(int, version.split(".")))):
            return str(candidate)
    return None


def test_it_runs_on_the_pythons_that_editors_bring(shared: Daemon, tmp_path: Path) -> None:
    """As an editor has it: the package copied somewhere, no other package, a real job."""
    shutil.copytree(
        ROOT / "backend" / "scumble_client", tmp_path / "scumble_client", ignore=shutil.ignore_patterns("__pycache__")
    )
    code = """
import json, sys
from scumble_client import Client, Pixels, Request
with Client("python", launch=False) as client:
    pixels = Pixels(bytes(range(48)), 4, 4, "rgb", x=-3)
    back = client.wait(client.submit(Request("identity", {"image": pixels})), 60).layers[0].pixels
    assert bytes(back.data) == pixels.data and back.x == -3
import scumble_client.wire
foreign = sorted(m for m in sys.modules if m in ("msgpack", "zmq", "numpy", "scumble"))
print(json.dumps([list(sys.version_info[:2]), foreign]))
"""
    environment = {k: v for k, v in os.environ.items() if k.startswith("SCUMBLE_")} | {"PATH": os.environ["PATH"]}
    tried = []
    for version in VERSIONS:
        python = interpreter(version)
        if python is None:
            continue
        run = subprocess.run(
            [python, "-W", "error", "-I", "-c", f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{code}"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=100,
        )
        assert run.returncode == 0, (version, run.stderr)
        assert json.loads(run.stdout) == [[int(p) for p in version.split(".")], []]
        tried.append(version)
    current = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert current in tried


def test_the_client_imports_nothing_but_the_standard_library() -> None:
    code = "import sys; sys.path.insert(0, '.'); import scumble_client; print('\\n'.join(sys.modules))"
    command = [sys.executable, "-I", "-S", "-c", code]  # without site-packages
    run = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT / "backend")
    roots = {name.split(".")[0] for name in run.stdout.split()} - {"scumble_client", "__main__"}
    assert roots <= set(sys.stdlib_module_names)


def test_signals_end_the_daemon_politely(start_daemon: Callable[..., Daemon]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        daemon = start_daemon()
        daemon.process.send_signal(number)
        daemon.process.communicate(timeout=60)
        assert daemon.process.returncode == 0
        assert not (daemon.folders.runtime / CONNECTION_FILE).exists()
