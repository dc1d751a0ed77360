"""Starting the daemon where there is none. Two clients may do so at once: the daemon itself lets only one live."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Dict, List, Mapping, Optional

from .errors import ScumbleError
from .paths import config_dir, ensure_private, runtime_dir
from .system import command_lines, processes

LAUNCH_FILE = "launch.json"

LARGE_BUFFERS = {"glibc.malloc.hugetlb": 1, "glibc.malloc.mmap_threshold": 16 << 20}
"""What glibc is told of buffers; from how many bytes on one is given back to the system when it is freed."""


def launch_command() -> List[str]:
    """The command that runs the daemon.

    In this order: `SCUMBLE_DAEMON` (a command line), what the installer wrote for the editors
    (`launch.json` in the configuration folder), this very Python if it has Scumble, `scumble` on the PATH.
    Raises ScumbleError `unreachable` where there is none of these.
    """
    override = os.environ.get("SCUMBLE_DAEMON")
    if override:
        return split_command(override)
    try:
        command = json.loads((config_dir() / LAUNCH_FILE).read_text("utf-8"))["command"]
        if isinstance(command, list) and command and shutil.which(str(command[0])):
            return [str(part) for part in command]
    except (OSError, ValueError, KeyError, TypeError):
        pass  # not installed that way
    if _has_scumble():
        return [sys.executable, "-m", "scumble.daemon"]
    found = shutil.which("scumble")
    if found:
        return [found, "serve"]
    raise ScumbleError(
        "unreachable",
        "Scumble's daemon is not installed, or this program does not know where.",
        "Install it with: pip install scumble; then run: scumble doctor",
    )


def command_line(arguments: List[str]) -> List[str]:
    """The command that runs `scumble ARGUMENTS`: the same program that the daemon is started with.

    Raises ScumbleError `unreachable` where there is none, or where the daemon's command does not say which program that is.
    """
    words = launch_command()
    if "scumble.daemon" in words and words[words.index("scumble.daemon") - 1] == "-m":
        return [*words[: words.index("scumble.daemon")], "scumble.cli", *arguments]
    if "serve" in words[1:]:
        return [*words[: words.index("serve", 1)], *arguments]
    raise ScumbleError(
        "unreachable",
        "It is not known how to call Scumble's command line.",
        f"Open a terminal, and run: scumble {command_lines.join(arguments)}",
    )


def split_command(text: str, platform: Optional[str] = None) -> List[str]:
    """The words of a command line, by the rules of the platform.

    Raises ScumbleError `unreachable` where a quotation does not end, or nothing is named.
    """
    try:
        words = command_lines.split(text, platform)
    except ValueError:
        words = []
    if not words or not words[0]:
        raise ScumbleError(
            "unreachable",
            f"SCUMBLE_DAEMON is no command that can be run: {text}",
            "Write it as in a terminal, with quotation marks around a path that has spaces.",
        )
    return words


def write_launch_file(command: List[str], folder: Optional[Path] = None) -> str:
    """Tell the editors how to start the daemon; the path of the file that says so, in the folder of settings by default."""
    folder = folder or config_dir()
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / LAUNCH_FILE
    part = path.with_suffix(".part")
    part.write_text(json.dumps({"command": command}, indent=1), "utf-8")
    os.replace(part, path)
    return str(path)


def adopt_launch_file(path: Path) -> None:
    """Take over the command that came along with a plugin, where none is known here and its program exists."""
    try:
        if (config_dir() / LAUNCH_FILE).exists():
            return
        command = json.loads(path.read_text("utf-8"))["command"]
        if isinstance(command, list) and command and shutil.which(str(command[0])):
            write_launch_file([str(part) for part in command])
    except (OSError, ValueError, KeyError, TypeError):
        pass  # then `launch_command` says what is missing


def start_daemon(command: Optional[List[str]] = None) -> "subprocess.Popen[bytes]":
    """Start the daemon, detached: it outlives the editor. Returns at once.

    What it prints before its log is open goes to `start.log` in the runtime folder. Raises ScumbleError `unreachable` where the
    command can't be run, `unauthorized` where the runtime folder is not this user's own.
    """
    command = command or launch_command()
    folder = ensure_private(runtime_dir())
    environment = for_computing(outside_environment())
    with open(folder / "start.log", "ab") as log:
        try:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                cwd=str(folder),
                close_fds=True,
                **processes.apart(),
            )
        except OSError as error:
            raise ScumbleError(
                "unreachable",
                f"The daemon could not be started: {error.strerror or error}.",
                "Run this to see what is wrong: scumble doctor",
            ) from error


def outside_environment() -> Dict[str, str]:
    """This process's environment without what would break another Python than the editor's own.

    (Krita puts its plugins' folder into PYTHONPATH, and there the plugin is called scumble, too.)
    """
    environment = dict(os.environ)
    if not _has_scumble():
        for name in ("PYTHONHOME", "PYTHONPATH", "LD_LIBRARY_PATH", "QT_PLUGIN_PATH", "GI_TYPELIB_PATH"):
            environment.pop(name, None)
    return environment


def for_computing(environment: Mapping[str, str]) -> Dict[str, str]:
    """An environment in which numpy and torch do well beside other programs; what it says of these things stays.

    glibc asks for huge pages for large buffers, since a layer's page faults cost more than a copy, and gives each buffer back when it is
    done with: what lies free between the heap's other blocks made a fill of six megapixels take up to a quarter more. OpenMP's threads
    sleep while they wait for each other: by default they spin, and beside one busy program, even a nice one, a fill takes ten times as
    long. On a quiet machine it makes no difference.
    """
    tunables = [one for one in environment.get("GLIBC_TUNABLES", "").split(":") if one]
    named = {one.partition("=")[0] for one in tunables}
    tunables += [f"{name}={value}" for name, value in LARGE_BUFFERS.items() if name not in named]
    return {"OMP_WAIT_POLICY": "PASSIVE", **environment, "GLIBC_TUNABLES": ":".join(tunables)}


def _has_scumble() -> bool:
    import importlib.util

    try:
        return importlib.util.find_spec("scumble.daemon") is not None
    except (ImportError, ValueError):
        return False
