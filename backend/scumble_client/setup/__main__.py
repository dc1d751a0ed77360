"""The process that sets up: `python -m scumble_client.setup ORDER`. It runs beside the editor, and outlives it.

Exit codes: 0 done, 1 failed, 2 no order, 3 another one is at it, 130 cancelled. The state's file says more.
"""

import os
import sys
import time
import traceback
from collections import deque
from pathlib import Path
from typing import IO, List, Optional

from ..system.processes import when_asked_to_end
from . import places
from .commands import CancelError
from .environment import Tools
from .lock import Lock
from .order import Order
from .problem import SetupError
from .reading import failure
from .state import CANCEL_FILE, CANCELLED, DONE, FAILED, LOG_FILE, RUNNING, State
from .tasks import Report, Task, masked


def main(arguments: List[str]) -> int:
    """Carry out the order in the file that is named."""
    order = Order.read(Path(arguments[0])) if len(arguments) == 1 else None
    if order is None:
        sys.stderr.write("Usage: python -m scumble_client.setup ORDER\n")
        return 2
    folder = places.setup_dir()
    lock = Lock(folder)
    if not lock.take():
        return 3
    try:
        return _carry_out(order, folder)
    finally:
        lock.release()


def _carry_out(order: Order, folder: Path) -> int:
    cancel = folder / CANCEL_FILE
    if cancel.exists():
        cancel.unlink()
    signalled: List[int] = []
    when_asked_to_end(signalled.append)
    log, begun = _open_log(folder), time.monotonic()
    before = State.read(folder)
    state = State(task=order.task, phase=RUNNING, engine=before.engine, proof=before.proof, order=order.as_dict())
    state.step = "Beginning"
    tools = Tools(lambda line: _write(log, line), lambda: bool(signalled) or cancel.exists())
    tools.log(f"{order.task}: version {order.version or '?'}, {order.compute}, in {order.folder}; Python {sys.version}")
    try:
        state.write(folder)
        Task(order, state, tools, Report(state)).run()
        _end(state, folder, DONE, "")
        return 0
    except CancelError:
        _end(state, folder, CANCELLED, "Cancelled; nothing was left behind")
        return 130
    except SetupError as problem:
        tools.log(f"{problem.kind}: {problem}")
        return _failed(state, folder, problem)
    except OSError as error:
        tools.log(traceback.format_exc())
        return _failed(state, folder, failure(deque([f"error: {error}"]), "The set-up"))
    except Exception as error:
        tools.log(traceback.format_exc())
        return _failed(
            state, folder, SetupError("", f"The set-up made a mistake: {error!r}.", "Please report it, with the log.")
        )
    finally:
        if cancel.exists():
            cancel.unlink()
        used = os.times()
        worked = used.user + used.system + used.children_user + used.children_system
        tools.log(f"{time.monotonic() - begun:.0f} s, in which {worked:.0f} s of a processor were used.")
        log.close()


def _failed(state: State, folder: Path, problem: SetupError) -> int:
    state.error = {"kind": problem.kind, "message": problem.message, "hint": problem.hint}
    _end(state, folder, FAILED, "")
    return 1


def _end(state: State, folder: Path, phase: str, step: str) -> None:
    state.phase, state.step = phase, step
    state.package, state.bytes_done, state.bytes_total = "", 0, 0
    if phase == DONE:
        state.fraction = 1.0
    try:
        state.write(folder)
    except OSError:  # a full disk: what was begun is gone by now, so there is room for a line
        time.sleep(0.5)
        state.write(folder)


def _open_log(folder: Path) -> "IO[str]":
    path = folder / LOG_FILE
    if path.exists():
        os.replace(str(path), str(path) + ".old")
    return open(str(path), "w", encoding="utf-8", errors="replace", buffering=1)


def _write(log: "IO[str]", line: str) -> None:
    try:
        log.write(f"{time.strftime('%H:%M:%S')} {masked(line)}\n")
    except (OSError, ValueError):
        pass  # a full disk; the state says what matters


def entry(arguments: Optional[List[str]] = None) -> None:
    sys.exit(main(sys.argv[1:] if arguments is None else arguments))


if __name__ == "__main__":
    entry()
