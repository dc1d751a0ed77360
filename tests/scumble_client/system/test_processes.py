"""Starting, finding and ending processes as each system has it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from scumble_client.system import processes
from scumble_client.system.kind import LINUX, MACOS, WINDOWS
from tests.support.needs import linux, posix
from tests.support.systems import module, pretend


def ended_process() -> int:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    return child.pid


class TestOptions:
    @pytest.mark.parametrize("platform", [LINUX, MACOS])
    def test_a_group_is_a_session(self, platform: str) -> None:
        assert processes.hidden(platform) == {}
        assert processes.apart(platform) == {"start_new_session": True}

    def test_on_windows_a_group_is_a_flag_and_nothing_has_a_window(self) -> None:
        assert processes.hidden(WINDOWS) == {"creationflags": 0x0800_0000}
        assert processes.apart(WINDOWS) == {"creationflags": 0x0800_0000 | 0x0000_0200}
        assert not processes.apart(WINDOWS)["creationflags"] & 0x8  # DETACHED_PROCESS: children would open windows

    def test_this_system_takes_them(self) -> None:
        for options in (processes.hidden(), processes.apart()):
            assert subprocess.run([sys.executable, "-c", "raise SystemExit(5)"], **options).returncode == 5


class Kernel:
    """Windows' kernel32, as far as it is asked. `codes`: what processes have ended with, 259 while they run."""

    def __init__(self, codes: dict[int, int], foreign: int = 0, mute: bool = False) -> None:
        self.codes, self.foreign, self.mute = codes, foreign, mute
        self.error, self.closed = 0, []  # type: ignore[var-annotated]
        self.OpenProcess = self.function(self._open)
        self.GetExitCodeProcess = self.function(self._code)
        self.CloseHandle = self.function(self.closed.append)

    def function(self, work: Any) -> Any:
        def call(*arguments: Any) -> Any:
            return work(*arguments)

        return call

    def _open(self, access: int, inherit: bool, pid: int) -> int | None:
        assert (access, inherit) == (0x1000, False)
        self.error = 5 if pid == self.foreign else 87
        return 2**40 + pid if pid in self.codes else None

    def _code(self, handle: int, into: Any) -> int:
        if self.mute:
            return 0
        into.value = self.codes[handle - 2**40]
        return 1


def windows(monkeypatch: pytest.MonkeyPatch, kernel: Kernel) -> None:
    pretend(monkeypatch, WINDOWS)
    module(
        monkeypatch,
        "ctypes",
        WinDLL=lambda name, use_last_error: kernel if (name, use_last_error) == ("kernel32", True) else None,
        c_void_p=object(),
        c_ulong=lambda: SimpleNamespace(value=0),
        byref=lambda it: it,
        get_last_error=lambda: kernel.error,
    )


class TestAlive:
    def test_on_windows(self, monkeypatch: pytest.MonkeyPatch) -> None:
        kernel = Kernel({7: 259, 8: 1}, foreign=9)
        windows(monkeypatch, kernel)
        assert [processes.alive(pid) for pid in (7, 8, 9, 10)] == [True, False, True, False]
        assert kernel.closed == [2**40 + 7, 2**40 + 8]  # a handle that is not closed keeps a number from being free

    def test_on_windows_where_the_code_can_t_be_had(self, monkeypatch: pytest.MonkeyPatch) -> None:
        kernel = Kernel({7: 0}, mute=True)
        windows(monkeypatch, kernel)
        assert processes.alive(7)
        assert kernel.closed == [2**40 + 7]

    @pytest.mark.parametrize("platform", [LINUX, MACOS, WINDOWS])
    def test_no_system_has_such_numbers(self, platform: str) -> None:
        assert not any(processes.alive(pid, platform) for pid in (0, -1, 2**32, 10**30))

    def test_here(self) -> None:
        assert processes.alive(os.getpid())
        assert not processes.alive(ended_process())

    @posix
    def test_another_users_is_alive(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def kill(_pid: int, _number: int) -> None:
            raise PermissionError

        monkeypatch.setattr(os, "kill", kill)
        assert processes.alive(os.getpid(), LINUX)

    @linux
    def test_one_that_nobody_has_waited_for_is_not(self) -> None:
        child = subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE)
        assert child.stdout
        child.stdout.read()
        end = time.monotonic() + 60
        while processes.alive(child.pid, LINUX) and time.monotonic() < end:
            time.sleep(0.01)
        assert not processes.alive(child.pid, LINUX)
        child.stdout.close()
        child.wait()

    @posix
    def test_without_proc_a_number_in_use_is_alive(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def opened(*_: object, **__: object) -> None:
            raise FileNotFoundError

        monkeypatch.setattr("builtins.open", opened)
        assert processes.alive(os.getpid(), MACOS)


FAMILY = (
    "import subprocess, sys, time\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
    "open(sys.argv[1], 'w').write(str(child.pid))\ntime.sleep(600)"
)


class TestEnding:
    def test_all_that_it_has_started_ends_too(self, tmp_path: Path) -> None:
        child = subprocess.Popen([sys.executable, "-c", FAMILY, str(tmp_path / "pid")], **processes.apart())
        end = time.monotonic() + 60
        while not ((tmp_path / "pid").exists() and (tmp_path / "pid").read_text()) and time.monotonic() < end:
            time.sleep(0.01)
        grandchild = int((tmp_path / "pid").read_text())
        processes.end_all(child)
        while processes.alive(grandchild) and time.monotonic() < end:
            time.sleep(0.01)
        assert not processes.alive(grandchild)
        assert child.returncode is not None

    @posix
    def test_one_that_does_not_listen_is_killed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(processes, "GRACE_SECONDS", 0.2)
        deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); signal.pause()"
        child = subprocess.Popen([sys.executable, "-c", deaf], stdout=subprocess.PIPE, **processes.apart())
        assert child.stdout
        child.stdout.readline()
        processes.end_all(child)
        child.stdout.close()
        assert child.returncode == -signal.SIGKILL

    def test_windows_has_a_program_for_it(self) -> None:
        called: list[Any] = []
        waited: list[bool] = []
        child: Any = SimpleNamespace(pid=77, wait=lambda: waited.append(True))
        processes.end_all(child, WINDOWS, lambda *given, **more: called.append((*given, more["creationflags"])))
        assert called == [(["taskkill", "/F", "/T", "/PID", "77"], 0x0800_0000)]
        assert waited == [True]

    @pytest.mark.parametrize(("platform", "how"), [(LINUX, "SIGINT"), (MACOS, "SIGINT"), (WINDOWS, "terminate")])
    def test_asking_one_to_store_what_it_has(self, platform: str, how: str) -> None:
        done: list[str] = []
        child: Any = SimpleNamespace(
            send_signal=lambda number: done.append(signal.Signals(number).name),
            terminate=lambda: done.append("terminate"),
        )
        processes.interrupt(child, platform)
        assert done == [how]

    def test_it_hears_the_signals_that_there_are(self, monkeypatch: pytest.MonkeyPatch) -> None:
        set_: dict[str, Any] = {}
        on_windows = SimpleNamespace(SIGTERM="t", SIGINT="i", SIGBREAK="b", signal=set_.__setitem__)
        monkeypatch.setattr(processes, "signal", on_windows)
        heard: list[int] = []
        processes.when_asked_to_end(heard.append)
        assert list(set_) == ["t", "i", "b"]
        set_["b"](21, None)
        assert heard == [21]

    @pytest.mark.parametrize(("platform", "done"), [(LINUX, [10]), (MACOS, [10]), (WINDOWS, [])])
    def test_giving_way(self, monkeypatch: pytest.MonkeyPatch, platform: str, done: list[int]) -> None:
        asked: list[int] = []
        monkeypatch.setattr(processes, "os", SimpleNamespace(nice=asked.append))
        processes.give_way(platform)
        assert asked == done

    def test_where_one_may_not_give_way_nothing_happens(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refused(by: int) -> None:
            raise PermissionError

        monkeypatch.setattr(processes, "os", SimpleNamespace(nice=refused))
        processes.give_way(LINUX)
