"""Where an editor runs: in a flatpak, the only folder of sockets that it shares with the world outside is its own."""

import os

from ..system.folders import flatpak_sockets


def share_runtime_folder() -> None:
    """Let the client look for the daemon where both the editor and the daemon can be."""
    name, runtime = os.environ.get("FLATPAK_ID"), os.environ.get("XDG_RUNTIME_DIR")
    if name and runtime and "SCUMBLE_RUNTIME_DIR" not in os.environ:
        os.environ["SCUMBLE_RUNTIME_DIR"] = flatpak_sockets(name)
