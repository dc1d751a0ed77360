"""`scumble doctor`: what is wrong with this installation, and the one command that mends it."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from rich.text import Text

from scumble.operations.addons import Fault
from scumble_client.errors import ScumbleError
from scumble_client.launch import LAUNCH_FILE, launch_command
from scumble_client.paths import config_dir, ensure_private, runtime_dir
from scumble_client.system.sockets import too_long
from scumble_client.version import PROTOCOL, __version__

from .console import DONE, FAILED, out, print_json, size

LEAST_DISK = 1024**3


@dataclass(frozen=True)
class Finding:
    """One check: `ok`, or a sentence on what is wrong and what to do."""

    what: str
    ok: bool
    message: str
    hint: str = ""


def doctor(as_json: bool) -> int:
    """Run every check; 0 if all is well, 3 otherwise."""
    findings = [_run(what, check) for what, check in CHECKS.items()]
    if as_json:
        print_json([asdict(f) for f in findings])
    else:
        for f in findings:
            verdict = ("ok   ", "green") if f.ok else ("wrong", "red")
            out.print(Text.assemble(verdict, f" {f.what}: {f.message}"))
            if f.hint:
                out.print(f"      → {f.hint}")
    return DONE if all(f.ok for f in findings) else FAILED


def _run(what: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(what, True, check())
    except ScumbleError as error:
        # elsewhere people are sent to the doctor; here they are
        circular = "scumble doctor" in error.hint
        return Finding(what, False, error.message, "See what it says: scumble serve" if circular else error.hint)
    except Exception as error:  # whatever it is, the other checks still say something
        return Finding(what, False, f"{type(error).__name__}: {error}", "Please report this.")


def _python() -> str:
    version = platform.python_version()
    if tuple(map(int, platform.python_version_tuple()[:2])) < (3, 10):
        raise ScumbleError("internal", f"Python {version} is too old.", "Install Python 3.10 or newer.")
    return f"{version} ({sys.executable})"


def _torch() -> str:
    try:
        import torch
    except Exception as error:
        raise ScumbleError(
            "internal", f"PyTorch can't be used: {error}.", "Install it again: pip install --force-reinstall torch"
        ) from error
    from scumble.worker.device import available, failure

    found = available()
    for device in found:  # it must compute, not only be there: a driver that does not fit shows only now
        if reason := failure(device):
            raise ScumbleError(
                "internal",
                f"PyTorch {torch.__version__} does not compute on {device}: {reason}.",
                "Until a driver and a PyTorch that fit it are installed, the CPU is used in its place.",
            )
    return f"PyTorch {torch.__version__} computes on {', '.join(found)}"


def _pictures() -> str:
    try:
        import imagecodecs
        import PIL
        import tifffile
    except Exception as error:
        raise ScumbleError(
            "internal",
            f"Pictures can't be read: {error}.",
            "Install it again: pip install --force-reinstall pillow tifffile imagecodecs",
        ) from error
    if not imagecodecs.PNG.available:
        raise ScumbleError(
            "internal", "16-bit PNG can't be read.", "Install it again: pip install --force-reinstall imagecodecs"
        )
    return f"Pillow {PIL.__version__}, tifffile {tifffile.__version__}, imagecodecs {imagecodecs.__version__}"


def _sockets() -> str:
    folder = ensure_private(runtime_dir())
    path = folder / "workers.ipc"
    if too_long(path):
        raise ScumbleError(
            "unauthorized",
            f"The path {path} is too long for a socket.",
            "Set SCUMBLE_RUNTIME_DIR to a folder of your own with a short path.",
        )
    return f"{folder} is yours alone"


def _ports() -> str:
    """Loopback TCP serves editors in a sandbox, and everything on Windows; a firewall may stand in between."""
    import socket

    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            with socket.create_connection(("127.0.0.1", port), timeout=5):
                pass
    except OSError as error:
        raise ScumbleError(
            "unreachable",
            f"This machine does not let programs talk to each other over 127.0.0.1: {error.strerror or error}.",
            "Allow connections to 127.0.0.1 in the firewall; sandboxed editors and other machines need them.",
        ) from error
    return "loopback connections are let through"


def _folders() -> str:
    from scumble.daemon.folders import prepare

    folders = prepare()
    shutil.rmtree(folders.memory, ignore_errors=True)
    if folders.warnings:
        raise ScumbleError(
            "internal",
            " ".join(folders.warnings),
            "Make them writable: chmod u+rwx FOLDER; or set SCUMBLE_CACHE_DIR and SCUMBLE_LOG_DIR to others.",
        )
    return f"results in {folders.results}, log in {folders.log}"


def _disk() -> str:
    from scumble.daemon.folders import prepare

    folders = prepare()
    shutil.rmtree(folders.memory, ignore_errors=True)
    free = shutil.disk_usage(folders.results).free
    if free < LEAST_DISK:
        raise ScumbleError(
            "internal", f"Only {size(free)} are free where results are kept.", f"Make room: {folders.results}"
        )
    return f"{size(free)} free"


def _launch() -> str:
    command = launch_command()
    if shutil.which(command[0]) is None:
        raise ScumbleError(
            "unreachable",
            f"The program that starts the daemon is gone: {command[0]}.",
            "Take the variable away: unset SCUMBLE_DAEMON"
            if os.environ.get("SCUMBLE_DAEMON")
            else "Install it again: pip install --force-reinstall scumble",
        )
    _check_launch_file()
    return " ".join(command)


def _check_launch_file() -> None:
    """The editors go by it; this program does without, and so would not notice."""
    path = config_dir() / LAUNCH_FILE
    try:
        program = str(json.loads(path.read_text("utf-8"))["command"][0])
    except FileNotFoundError:
        return  # no plugin is installed
    except NotADirectoryError:
        return  # nor can one be: the folders' check says so
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        program = ""
    if shutil.which(program) is None:
        raise ScumbleError(
            "unreachable",
            f"The editors can't start the daemon: {path} names {program or 'no program'}.",
            "Write it anew: scumble install krita",
        )


def _daemon() -> str:
    from scumble.scripting import connect

    with connect(name="scumble doctor") as daemon:
        status = daemon.status()
        if daemon.protocol != PROTOCOL or status["version"] != __version__:
            raise ScumbleError(
                "version_mismatch",
                f"The daemon that runs is version {status['version']}, this is {__version__}.",
                "End it, the next command starts the new one: scumble stop",
            )
        if status["warnings"]:
            raise ScumbleError("internal", " ".join(status["warnings"]), f"Look into the log: {status['log']}")
    return f"answers (pid {status['pid']}, log {status['log']})"


def _job() -> str:
    import numpy as np

    from scumble.scripting import connect

    pixels = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    with connect(name="scumble doctor") as daemon:
        [layer] = daemon.run("identity", pixels)
    if not np.array_equal(layer.numpy(), pixels):
        raise ScumbleError("internal", "A layer came back changed.", "Please report this.")
    return "a layer went to the worker and came back unchanged"


def _addons() -> str:
    """Of this program and of its trainers; the daemon finds the same, unless it was started before."""
    from scumble.operations.registry import faults, operations, origin

    found = [*faults(), *_faults_of_trainers()]
    if found:
        raise ScumbleError("internal", " ".join(one.message for one in found), found[0].hint)
    named = sorted({addon for name in operations() if (addon := origin(name))})
    return ", ".join(named) if named else "none installed"


def _faults_of_trainers() -> Sequence[Fault]:
    """The trainers are a package of their own, which this one does not import: its command says what it knows."""
    from importlib.metadata import entry_points

    found: list[Fault] = []
    for point in entry_points(group="scumble.checks"):
        try:
            found += point.load()()
        except Exception as error:
            found.append(Fault(point.name, f"“{point.name}” can't be checked: {error}.", "Install it again."))
    return found


def _weights() -> str:
    from scumble.weights import WeightStore

    checks = WeightStore().verify()
    bad = [c for c in checks if not c.ok]
    if bad:
        titles = ", ".join(c.weights.title for c in bad)
        names = " ".join(c.weights.name for c in bad if not c.weights.embedded)
        raise ScumbleError(
            "weights_missing",
            f"Damaged or not whole: {titles}.",
            f"Mend it: scumble weights verify --repair {names}"
            if names
            else "Install it again: pip install --force-reinstall scumble",
        )
    return f"{len(checks)} here, all whole" if checks else "none needed, none here"


def _krita() -> str:
    from scumble.installers import KRITA

    return KRITA.check()


def _gimp() -> str:
    from scumble.installers import GIMP

    return GIMP.check()


CHECKS: dict[str, Callable[[], str]] = {
    "Python": _python,
    "PyTorch": _torch,
    "picture files": _pictures,
    "socket folder": _sockets,
    "ports": _ports,
    "folders": _folders,
    "disk": _disk,
    "daemon's command": _launch,
    "daemon": _daemon,
    "a job": _job,
    "add-ons": _addons,
    "weights": _weights,
    "Krita": _krita,
    "GIMP": _gimp,
}
