"""Processes: how one is started so that it outlives us and opens no window, whether one lives, and how one is ended."""

import importlib
import os
import signal
import subprocess
import time
from typing import Any, Callable, Dict, List, Optional

from .kind import is_posix, is_windows

CREATE_NO_WINDOW = 0x0800_0000
CREATE_NEW_PROCESS_GROUP = 0x0000_0200
"""Windows' own numbers, which Python's `subprocess` has on Windows only."""

GRACE_SECONDS = 5.0
_QUERY = 0x1000  # PROCESS_QUERY_LIMITED_INFORMATION
_STILL_ACTIVE = 259
_ACCESS_DENIED = 5


def hidden(platform: Optional[str] = None) -> Dict[str, Any]:
    """Options of `subprocess` for a child that is to open no console window.

    Not DETACHED_PROCESS: a child without any console gets a window for each console program that it starts in turn, and a
    virtual environment's python.exe starts another one. With this it has a console that nobody sees, and hands it on.
    """
    return {"creationflags": CREATE_NO_WINDOW} if is_windows(platform) else {}


def apart(platform: Optional[str] = None) -> Dict[str, Any]:
    """The same for a child in a group of its own: Ctrl-C in our terminal is not its business, and `end_all` ends what it started."""
    if is_windows(platform):
        return {"creationflags": CREATE_NO_WINDOW | CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def alive(pid: int, platform: Optional[str] = None) -> bool:
    """Whether a process of this number exists. (It may be another one than is thought.)"""
    if not 0 < pid < 2**32:
        return False  # no system has such numbers
    if is_windows(platform):
        return _alive_on_windows(pid)
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] != b"Z"  # it has ended; its parent has yet to notice
    except (OSError, IndexError):
        return True  # a system without /proc


def _alive_on_windows(pid: int) -> bool:
    ctypes: Any = importlib.import_module("ctypes")
    kernel = ctypes.WinDLL("kernel32", use_last_error=True)
    kernel.OpenProcess.restype = ctypes.c_void_p  # a handle has 64 bits, and c_int, the default, has 32
    kernel.GetExitCodeProcess.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    kernel.CloseHandle.argtypes = [ctypes.c_void_p]
    handle = kernel.OpenProcess(_QUERY, False, pid)
    if not handle:
        return bool(ctypes.get_last_error() == _ACCESS_DENIED)  # another user's
    code = ctypes.c_ulong()
    try:
        asked = kernel.GetExitCodeProcess(handle, ctypes.byref(code))
        return not asked or code.value == _STILL_ACTIVE
    finally:
        kernel.CloseHandle(handle)


def end_all(
    child: "subprocess.Popen[Any]", platform: Optional[str] = None, call: Callable[..., Any] = subprocess.call
) -> None:
    """End a child that was started `apart`, with all that it has started; what does not listen is killed after a few seconds."""
    if is_windows(platform):
        call(end_command(child.pid), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **hidden(platform))
    else:
        _signal(child.pid, signal.SIGTERM)
        end = time.monotonic() + GRACE_SECONDS
        while child.poll() is None and time.monotonic() < end:
            time.sleep(0.05)
        _signal(child.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    child.wait()


def end_command(pid: int) -> List[str]:
    """Windows' command that ends a process with all that it has started."""
    return ["taskkill", "/F", "/T", "/PID", str(pid)]


def _signal(group: int, number: int) -> None:
    try:
        os.killpg(group, number)
    except (OSError, AttributeError):
        pass  # it has ended


def interrupt(child: "subprocess.Popen[Any]", platform: Optional[str] = None) -> None:
    """Ask a child to store what it has and to end, as Ctrl-C does. Windows knows only the end. Raises OSError where it has just ended."""
    if is_posix(platform):
        child.send_signal(signal.SIGINT)
    else:
        child.terminate()


def when_asked_to_end(heard: Callable[[int], None]) -> None:
    """Have `heard` called with each signal that asks this process to end, of those that the system has. Main thread only."""
    for name in ("SIGTERM", "SIGINT", "SIGHUP", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda number, _frame: heard(number))


def give_way(platform: Optional[str] = None) -> None:
    """Let other processes go first. Nothing on Windows, where one would have to be started so."""
    if is_posix(platform):
        try:
            os.nice(10)
        except (OSError, AttributeError):
            pass  # then not
