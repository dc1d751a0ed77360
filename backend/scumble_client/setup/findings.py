"""What is wrong here, for an artist to read and to copy: the doctor's findings, and what setting up has to say."""

import json
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import List, Optional

from ..errors import ScumbleError
from ..launch import command_line, for_computing, outside_environment
from ..system import processes
from ..version import __version__
from .lock import is_held
from .panel import SetupPanel
from .state import State

SECONDS = 180.0
LOG_LINES = 40


@dataclass(frozen=True)
class Finding:
    """One check of the doctor's."""

    what: str
    ok: bool
    message: str
    hint: str = ""

    @property
    def text(self) -> str:
        return f"{'ok   ' if self.ok else 'WRONG'} {self.what}: {self.message}" + (
            f"\n      → {self.hint}" if self.hint else ""
        )


def examine(panel: SetupPanel, editor: str) -> str:
    """Everything, as text. Takes up to minutes where the daemon has to start: not for an editor's own thread."""
    lines = [f"{editor}, plugin {__version__}, {platform.platform()}, Python {platform.python_version()}", ""]
    found = doctor()
    lines += [one.text for one in found]
    if State.read().engine and not all(one.ok for one in found):
        lines += ["", "What is wrong with the engine itself is mended by Repair, here."]
    facts = panel.facts or panel.gather()
    best = facts.found.best
    lines += ["", f"Python for the engine: {f'{best.text} ({best.program})' if best else 'none'}"]
    lines += [f"Graphics: {f'{facts.card.name}, driver {facts.card.driver}' if facts.card else 'no NVIDIA card'}"]
    if facts.problem:
        lines.append(facts.problem)
    state = State.read()
    if state.task:
        lines += [
            "",
            f"Last set-up: {state.task}, {'running' if is_held() else state.phase}; {state.step}".rstrip("; "),
        ]
        lines += [f"{state.error.get('message')} {state.error.get('hint')}"] if state.error else []
        lines += [f"Engine: {state.engine.get('version')} in {state.engine.get('folder')}"] if state.engine else []
        lines += ["", *panel.log().splitlines()[-LOG_LINES:]]
    return hidden("\n".join(lines)) + "\n"


def hidden(text: str, home: Optional[str] = None) -> str:
    """Text without the name of the user, as far as it stands in paths of the home folder."""
    home = str(Path.home()) if home is None else home
    return text.replace(home, "~") if len(home) > 3 else text


def doctor() -> List[Finding]:
    """What `scumble doctor` finds; where there is no engine, that."""
    try:
        command = command_line(["doctor", "--json"])
    except ScumbleError as error:
        return [Finding("engine", False, error.message, "Set it up here.")]
    environment = for_computing(outside_environment())
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            timeout=SECONDS,
            cwd=str(Path.home()),
            **processes.hidden(),
        )
        raw = json.loads(done.stdout.decode("utf-8"))
        return [Finding(str(o["what"]), bool(o["ok"]), str(o["message"]), str(o.get("hint", ""))) for o in raw]
    except subprocess.TimeoutExpired:
        return [Finding("doctor", False, "It gave no answer.", "Repair the engine.")]
    except (OSError, ValueError, KeyError, TypeError) as error:
        return [Finding("engine", False, f"It can't be asked: {error}.", "Repair the engine.")]
