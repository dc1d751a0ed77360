"""Starting the process that sets up, out of an editor: detached, so that the editor may be closed; and telling it to stop."""

import os
import subprocess
from pathlib import Path
from typing import Any, List, Mapping, Optional

from ..errors import ScumbleError
from ..launch import outside_environment
from ..paths import config_dir, runtime_dir
from ..system import processes
from .lock import is_held
from .order import Order
from .places import data_dir, setup_dir
from .state import CANCEL_FILE

_BOOT = "import sys; sys.path.insert(0, sys.argv.pop(1)); from scumble_client.setup.__main__ import entry; entry()"

START_LOG = "start.log"


def outside(environment: Optional[Mapping[str, str]] = None) -> List[str]:
    """The words that run a program outside of the flatpak in which this editor is; none where it is in none."""
    environment = os.environ if environment is None else environment
    return ["flatpak-spawn", "--host"] if environment.get("FLATPAK_ID") else []


def for_this_editor(order: Order, environment: Optional[Mapping[str, str]] = None) -> Order:
    """The order, with where this editor looks for the daemon's command and for its sockets."""
    environment = os.environ if environment is None else environment
    order.config = str(config_dir())
    if environment.get("SCUMBLE_RUNTIME_DIR"):
        order.runtime = str(runtime_dir())
    words = outside(environment)
    order.prefix = [*words, f"--env=SCUMBLE_RUNTIME_DIR={order.runtime}"] if words and order.runtime else words
    return order


def start(order: Order) -> "subprocess.Popen[Any]":
    """Start the process. Raises ScumbleError where another one runs, or it can't be started."""
    folder = setup_dir()
    if is_held(folder):
        raise ScumbleError("internal", "Scumble is being set up already.", "Wait for its end, or cancel it.")
    client = str(Path(__file__).resolve().parents[2])
    words = outside()
    if words:
        words = [*words, f"--env=SCUMBLE_DATA_DIR={data_dir()}"]
    environment = {name: value for name, value in outside_environment().items() if not name.startswith("PYTHON")}
    if environment.get("APPDIR"):  # an AppImage's own libraries are not for other programs
        environment.pop("LD_LIBRARY_PATH", None)
    environment["SCUMBLE_DATA_DIR"] = str(data_dir())
    try:
        path = order.write(folder)
        with open(str(folder / START_LOG), "wb") as log:
            return subprocess.Popen(
                [*words, order.python, "-I", "-c", _BOOT, client, str(path)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment,
                cwd=str(folder),
                **processes.apart(),
            )
    except OSError as error:
        raise ScumbleError(
            "internal",
            f"The set-up could not be started: {error.strerror or error}.",
            f"Look at {folder}, and whether {order.python or 'Python'} can be run.",
        ) from error


def cancel() -> None:
    """Have the process end, whichever editor has started it. It removes what it had begun. Raises OSError."""
    folder = setup_dir()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CANCEL_FILE).write_bytes(b"")
