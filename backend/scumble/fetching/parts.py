"""Adding a part to the engine whose Python this is, for a file that needs it: with progress, and so that it can be cancelled."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable

from scumble_client.setup import places
from scumble_client.setup.adding import Shown, add
from scumble_client.setup.environment import Environment, Tools
from scumble_client.setup.order import AUTOMATIC
from scumble_client.setup.parts import Part, own_engine
from scumble_client.setup.state import State
from scumble_client.setup.tasks import masked

log = logging.getLogger("scumble.fetching")


def bring(part: Part, cancelled: Callable[[], bool], shown: Shown) -> None:
    """Add it; nothing happens where this is no engine that was set up from an editor. Raises SetupError, CancelError."""
    engine = own_engine()
    if engine is None:
        return
    log.info("adding %s to the engine in %s", part.module, engine)
    tools = Tools(lambda line: log.info("%s", masked(line)), cancelled)
    environment = Environment(engine / "env", places.python_in(engine), tools)
    shown(0.0, None, f"Looking for {part.module}")
    environment.attach(getattr(sys, "_base_executable", "") or "")
    add(engine, part, environment, tools, shown, _own_index())


def _own_index() -> str:
    """The index that the artist named when the engine was set up; empty where it was the usual one."""
    index = State.read().order.get("index")
    return index if isinstance(index, str) and index != AUTOMATIC else ""
