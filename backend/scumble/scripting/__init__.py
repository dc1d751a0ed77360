"""Scumble for scripts: what `import scumble` offers, and what the command line is written on.

    import scumble

    with scumble.connect() as daemon:
        [layer] = daemon.run("inpaint", image="photo.png", mask="hole.png", seed=1)
        layer.over("photo.png").save("filled.png")

Names that are listed here stay. docs/api.md says how each is used. Nothing of this imports torch; `Local` does, when it first computes.
"""

from scumble.imaging.geometry import Bounds
from scumble_client.errors import ScumbleError

from .daemon import Daemon, connect
from .descriptions import Operation, Parameter, Preset, Role
from .engine import Engine
from .in_process import Local, local
from .jobs import Job
from .layer import Layer
from .twins import AsyncDaemon, AsyncJob, connect_async

__all__ = [
    "AsyncDaemon",
    "AsyncJob",
    "Bounds",
    "Daemon",
    "Engine",
    "Job",
    "Layer",
    "Local",
    "Operation",
    "Parameter",
    "Preset",
    "Role",
    "ScumbleError",
    "connect",
    "connect_async",
    "local",
]
