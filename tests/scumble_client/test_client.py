"""The client: starting the daemon, being left alone by it, and the interpreters that editors bring."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from scumble_client import Client, Job, Pixels, Request, ScumbleError, link
from scumble_client.frame import LargeFrame
from scumble_client.launch import (
    launch_command,
    split_command,
    start_daemon,
    write_launch_file,
)
from scumble_client.paths import CONNECTION_FILE, ConnectionFile, check_private
from scumble_client.system.kind import LINUX, WINDOWS
from scumble_client.zmtp import Dealer
from tests.support.daemon import ROOT, Daemon, Folders, request, status, wait_for
from tests.support.systems import pretend


def test_it_starts_the_daemon_where_there_is_none(folders: Folders) -> None:
    with Client("test") as client:
        client.connect()
        assert status(client)["pid"] == ConnectionFile.read().pid  # type: ignore[union-attr]


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
    ConnectionFile([f"ipc://{folders.runtime}/gone.ipc"], os.getpid(), "0", 1, "", "", 0.0).write(folders.runtime)
    with Client("test") as client:
        client.connect()
        assert status(client)["pid"] != os.getpid()


def test_a_stale_file_of_a_killed_daemon(start_daemon: Callable[..., Daemon]) -> None:
    daemon = start_daemon()
    daemon.kill()
    assert (daemon.folders.runtime / CONNECTION_FILE).exists()
    with Client("test") as client:
        client.connect()
        assert status(client)["pid"] != daemon.process.pid


def test_two_clients_start_it_at_once_and_find_the_same(folders: Folders) -> None:
    code = "from scumble_client import Client\nc = Client('t')\nc.connect()\nprint(c.call('status', timeout=60).body['pid'])"
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
            client.call("operations")
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


class TestWhateverGoesWrong:
    """Nobody waits for ever: what fails says so, and the next request works."""

    @pytest.mark.parametrize(
        "value", [object(), {1, 2}, 1 << 80, b"".join, [[object()]], "\ud800", {1: 2}], ids=lambda v: type(v).__name__
    )
    def test_a_parameter_that_can_t_be_sent_costs_its_own_request(self, client: Client, value: object) -> None:
        before = client.submit(request("identity"))
        job = client.submit(request("identity", odd=value))
        assert job.ended  # refused before it reached the thread
        assert [e.kind for e in client.poll() if e.job is job] == ["error"]
        with pytest.raises(ScumbleError, match="can't be sent") as raised:
            client.wait(job, 60)
        assert raised.value.code == "bad_request"
        client.wait(before, 60)
        client.wait(client.submit(request("identity")), 60)
        assert client.state == "ready"

    def test_a_call_that_can_t_be_sent(self, client: Client) -> None:
        with pytest.raises(ScumbleError, match="can't be sent"):
            client.call("status", {"odd": object()})

    def test_a_layer_that_was_closed_meanwhile(self, client: Client) -> None:
        data = memoryview(bytes(48))
        job_request = Request("identity", {"image": Pixels(data, 4, 4, "rgb")})
        data.release()
        with pytest.raises(ScumbleError):
            client.wait(client.submit(job_request), 60)
        client.wait(client.submit(request("identity")), 60)

    @pytest.mark.parametrize("error", [OSError(24, "Too many open files"), MemoryError(), RuntimeError("a defect")])
    def test_a_system_that_refuses(self, client: Client, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
        client.wait(client.submit(request("identity")), 60)

        def refuse(self: object) -> None:
            raise error

        with monkeypatch.context() as patch:
            patch.setattr(Dealer, "poll", refuse)
            job = client.submit(request("identity"))
            with pytest.raises(ScumbleError) as raised:
                client.wait(job, 60)
        assert raised.value.code == "unreachable"
        wait_for(lambda: client.state == "off")
        client.wait(client.submit(request("identity")), 60)

    def test_an_event_loop_that_has_ended(self, shared: Daemon) -> None:
        def wake() -> None:
            raise RuntimeError("wrapped C/C++ object has been deleted")

        with Client("test", launch=False, wake=wake) as one:
            for _ in range(2):
                one.wait(one.submit(request("identity")), 60)

    def test_a_kernel_without_huge_pages(self, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(self: object, *options: int) -> None:
            raise OSError(22, "Invalid argument")

        monkeypatch.setattr(LargeFrame, "madvise", refuse, raising=False)
        large = Pixels(bytes(3 << 20), 1024, 1024, "rgb")
        result = client.wait(client.submit(Request("identity", {"image": large})), 60)
        assert bytes(result.layers[0].pixels.data) == large.data

    def test_a_system_that_takes_no_socket_options(self, shared: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(self: object, *options: object) -> None:
            raise OSError(92, "Protocol not available")

        monkeypatch.setattr(socket, "socket", type("Stubborn", (socket.socket,), {"setsockopt": refuse}))
        with Client("test", launch=False) as one:
            one.wait(one.submit(request("identity")), 60)


class TestADaemonThatIsGone:
    @pytest.mark.parametrize("last", ["received", "cancel"])
    def test_a_late_word_starts_no_other(self, start_daemon: Callable[..., Daemon], last: str) -> None:
        daemon = start_daemon()
        with Client("test") as client:
            job = client.submit(request("identity"))
            client.wait(job, 60)
            daemon.kill()
            wait_for(lambda: client.state == "off")
            getattr(client, last)(job)
            with Client("another", launch=False) as other, pytest.raises(ScumbleError):
                other.call("status")
            wait_for(lambda: client.state == "off" and not client._link._outbox)
            assert ConnectionFile.read() is None
            client.wait(client.submit(request("identity")), 60)

    @pytest.mark.parametrize("question", ["status", "shutdown"])
    def test_a_question_about_it_starts_none(
        self, folders: Folders, monkeypatch: pytest.MonkeyPatch, question: str
    ) -> None:
        monkeypatch.setattr(link, "start_daemon", lambda: pytest.fail("it was started"))
        with Client("test") as client, pytest.raises(ScumbleError, match="not running"):
            client.call(question)

    def test_a_request_beside_a_late_word_starts_one(self, folders: Folders) -> None:
        with Client("test") as client:
            client.received(Job(None, "0" * 32))
            client.wait(client.submit(request("identity")), 60)


class TestSomebodyElsesFolder:
    """What belongs to another user, or is open to others, gets no pixels."""

    def refused(self, folders: Folders) -> ScumbleError:
        with Client("test") as client, pytest.raises(ScumbleError) as raised:
            client.wait(client.submit(request("identity")), 60)
        assert raised.value.code == "unauthorized"
        assert "SCUMBLE_RUNTIME_DIR" in raised.value.hint
        return raised.value

    def test_another_user_s_folder(self, folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
        folders.runtime.mkdir(exist_ok=True)
        mine = os.getuid()
        with monkeypatch.context() as patch:
            patch.setattr(os, "getuid", lambda: mine + 1)
            assert "another user" in self.refused(folders).message

    @pytest.mark.parametrize("what", ["folder", "file"])
    def test_what_others_may_write_to(self, start_daemon: Callable[..., Daemon], what: str) -> None:
        runtime = start_daemon().folders.runtime
        (runtime if what == "folder" else runtime / CONNECTION_FILE).chmod(0o777)
        try:
            assert "other users" in self.refused(Folders(runtime.parent)).message
        finally:
            runtime.chmod(0o700)

    def test_a_link_to_another_place(self, folders: Folders, tmp_path: Path) -> None:
        folders.runtime.mkdir(exist_ok=True)
        real = tmp_path / "elsewhere.json"
        real.write_text("{}")
        (folders.runtime / CONNECTION_FILE).symlink_to(real)
        assert "link" in self.refused(folders).message
        (folders.runtime / CONNECTION_FILE).unlink()

    @pytest.mark.parametrize("endpoint", ["tcp://10.0.0.7:5555", "ipc://@abstract", "tcp://127.0.0.1:x", "http://a"])
    def test_an_endpoint_elsewhere(self, folders: Folders, endpoint: str) -> None:
        folders.runtime.mkdir(exist_ok=True, mode=0o700)
        path = ConnectionFile([endpoint], os.getpid(), "0", 1, "secret", "", 0.0).write(folders.runtime)
        with Client("test", launch=False) as client, pytest.raises(ScumbleError, match="not on this machine"):
            client.call("status")
        path.unlink()  # it names this very process as the daemon

    def test_windows_has_other_means(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        tmp_path.chmod(0o777)
        pretend(monkeypatch, WINDOWS)
        check_private(tmp_path)


def test_on_windows_neither_the_daemon_nor_what_it_starts_opens_a_window(
    folders: Folders, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DETACHED_PROCESS would take the console away, and Windows would open a new one for each child."""
    given: dict[str, int] = {}
    pretend(monkeypatch, WINDOWS)
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **options: given.update(options))
    start_daemon(["scumble"])
    assert given["creationflags"] & 0x08000000
    assert not given["creationflags"] & 0x00000008


@pytest.mark.parametrize("platform", [LINUX, WINDOWS])
@pytest.mark.parametrize("text", ['"no end', "  ", '""'])
def test_no_command(text: str, platform: str) -> None:
    with pytest.raises(ScumbleError, match="SCUMBLE_DAEMON"):
        split_command(text, platform)
