"""What an editor shows of setting up: one sentence, how far it is, and what can be pressed. The same in every editor.

`look` is quick and may be called several times a second; `gather` asks other programs, and belongs into a thread.
"""

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, List, Optional, Tuple

from ..errors import ScumbleError
from ..launch import LAUNCH_FILE, launch_command
from ..paths import config_dir
from . import machine, places, starting
from .bundled import bundled
from .lock import is_held
from .order import AUTOMATIC, Order
from .python_places import how_to_get
from .pythons import Search, search, what_is_missing
from .state import CANCEL_FILE, CANCELLED, DONE, FAILED, INSTALL, LOG_FILE, REMOVE, REPAIR, RUNNING, UPDATE, State

NOTHING, OFFER, BARE, BUSY, BROKEN, READY = "nothing", "offer", "bare", "busy", "broken", "ready"
"""Kinds of a view: all is well; nothing is set up; and no wheel to do so; it is being done; it went wrong; it is done."""

NEWER, ASKED = "newer", "asked"
"""The plugin is of another version than the engine; the artist is asked whether to repair or to remove."""

GO, CANCEL, AGAIN, LATER, LOG, REPORT, CLOSE = "go", "cancel", "again", "later", "log", "report", "close"
"""Names of buttons."""

STARTS_WITHIN = 20.0
"""Seconds in which the process must have said something."""

GO_ON = "You can go on working, and close the editor."

TITLES = {INSTALL: "Setting up", REPAIR: "Repairing", UPDATE: "Updating", REMOVE: "Removing"}


@dataclass(frozen=True)
class Facts:
    """What this machine has, as far as it matters."""

    found: Search
    card: Optional[machine.Graphics]

    @property
    def choices(self) -> List[str]:
        return machine.choices(self.card)

    @property
    def problem(self) -> str:
        """Why nothing can be set up, and what to do; empty where it can."""
        missing = what_is_missing(self.found)
        if missing:
            return f"{missing} {how_to_get()}"
        assert self.found.best
        return machine.unsupported(machine=self.found.best.machine)


@dataclass(frozen=True)
class View:
    """What is shown. `fraction` is None where nothing is under way."""

    kind: str
    sentence: str = ""
    detail: str = ""
    fraction: Optional[float] = None
    buttons: Tuple[Tuple[str, str], ...] = ()
    """Name and label, the one to press first."""
    picture: str = ""
    """A file with the proof."""
    choosing: bool = False
    """Whether folder and processor can be chosen now."""


class SetupPanel:
    """One for each editor's process. `plugin` is the plugin's own folder, in which the wheel lies."""

    def __init__(self, plugin: Path) -> None:
        self.bundle = bundled(plugin)
        self.facts: Optional[Facts] = None
        self.asking = False
        """Whether an editor's thread is gathering them."""
        last = State.read().order
        self.folder = (
            Path(last["folder"]) if isinstance(last.get("folder"), str) and last["folder"] else places.usual_folder()
        )
        self.compute = last.get("compute") if last.get("compute") in (machine.CPU, machine.CUDA) else ""
        self.index = last["index"] if isinstance(last.get("index"), str) else AUTOMATIC
        self._task = INSTALL
        self._child: "Optional[subprocess.Popen[Any]]" = None
        self._begun = 0.0
        self._begun_time = 0.0
        self._offers_newer = self._postponed = False
        self._asked = ""
        self._problem: Optional[ScumbleError] = None

    # -- what is known

    def gather(self) -> Facts:
        """Ask the machine. Takes seconds; any thread."""
        words = starting.outside()
        self.facts = facts = Facts(search(outside=words), machine.graphics(words))
        return facts

    @property
    def engine_missing(self) -> bool:
        """Whether there is no daemon to start, as far as this machine knows."""
        try:
            launch_command()
        except ScumbleError:
            return True
        return False

    @property
    def chosen(self) -> str:
        """`cpu` or `cuda`: what was chosen, or what suits."""
        if self.compute:
            return self.compute
        return self.facts.choices[0] if self.facts else machine.CPU

    def label(self, compute: str) -> str:
        """A choice, for a list."""
        if compute == machine.CUDA:
            card = self.facts.card if self.facts else None
            old = card is not None and not card.usable
            return f"CUDA: {card.name if card else 'NVIDIA card'}" + (" (its driver is too old)" if old else "")
        return "CPU: works everywhere"

    @property
    def needs(self) -> str:
        """What it takes, in a sentence."""
        compute = self.chosen
        try:
            free = f", {machine.in_words(machine.free_bytes(self.folder))} free"
        except OSError:
            free = ""
        size, line = machine.in_words(machine.INSTALLED[compute]), machine.in_words(machine.DOWNLOAD[compute])
        return f"Download: about {line}. On the disk: about {size}{free}."

    @property
    def log_path(self) -> Path:
        return places.setup_dir() / LOG_FILE

    def log(self) -> str:
        """The end of the log."""
        try:
            return self.log_path.read_text("utf-8", "replace")[-20000:]
        except OSError:
            return "There is no log yet."

    def engine_version(self, state: State, running: str = "") -> str:
        """Of the engine in use; `running` is what the daemon has said of itself. Empty where it is not known."""
        command = places.read_json(config_dir() / LAUNCH_FILE).get("command")
        if state.engine and state.engine.get("command") == command:
            return str(state.engine.get("version", ""))
        return running

    # -- what is shown

    def look(self, running: Optional[str] = None) -> View:
        """What to show now. `running`: None where no daemon runs, else its version, empty while that is not known."""
        state = State.read()
        self._offers_newer = False
        if self._is_busy(state):
            return self._busy(state)
        if self._problem is not None:
            return self._broken(self._problem.message, self._problem.hint)
        if state.phase == RUNNING and not state.seen:
            title = TITLES.get(state.task, "Setting up").lower()
            hint = "Press “Try Again”: what was fetched is not fetched again."
            return self._broken(f"Scumble was interrupted while {title}.", hint)
        if state.phase == FAILED and not state.seen:
            return self._broken(state.error.get("message", "It failed."), state.error.get("hint", ""))
        if state.phase == DONE and not state.seen and state.task != REMOVE:
            seconds = state.proof.get("seconds")
            took = f" in {seconds:.0f} s" if isinstance(seconds, (int, float)) and seconds >= 1 else ""
            sentence = f"Scumble is ready: it has filled its first picture{took}."
            return View(READY, sentence, picture=str(state.proof.get("picture", "")), buttons=((CLOSE, "Begin"),))
        if self._asked:
            return self._question(state)
        if running is None and self.engine_missing:
            return self._offer(state)
        version = self.engine_version(state, running or "")
        if self.bundle and version and version != self.bundle.version and not self._postponed:
            self._task, self._offers_newer = UPDATE, True
            sentence = f"The plugin is version {self.bundle.version}, its engine {version}: they should be the same."
            detail = f"{self.needs} Runs under way are ended."
            return View(NEWER, sentence, detail, buttons=((GO, "Update"), (LATER, "Not Now")))
        return View(NOTHING)

    @property
    def tasks(self) -> List[str]:
        """What can be asked for besides: only of an engine that was set up like this."""
        return [REPAIR, REMOVE] if State.read().engine and not is_held() else []

    def ask(self, task: str) -> None:
        """Ask the artist whether to do that: the next view does, and its first button begins it."""
        self._asked = task

    def _question(self, state: State) -> View:
        self._task = self._asked
        if self._asked == REMOVE:
            size = state.engine.get("bytes")
            freed = f" {machine.in_words(size)} become free." if isinstance(size, int) else ""
            sentence = f"Remove Scumble's engine?{freed} Runs under way are ended."
            detail = "Your layers, settings, portraits and fetched weights stay."
            return View(ASKED, sentence, detail, buttons=((GO, "Remove"), (LATER, "Keep")))
        sentence = (
            "Make Scumble's engine anew? The one of now stays until the new one works; runs under way are ended then."
        )
        return View(ASKED, sentence, self.needs, buttons=((GO, "Repair"), (LATER, "Not Now")))

    def _is_busy(self, state: State) -> bool:
        if is_held():
            return True
        if self._child is None:
            return False
        code = self._child.poll()
        has_spoken = state.updated >= self._begun_time
        if code is None and (has_spoken or time.monotonic() - self._begun < STARTS_WITHIN):
            return True  # it begins, or is just ending
        if not has_spoken:
            self._problem = ScumbleError(
                "internal",
                f"The set-up ended at once, with code {code}.",
                f"Look into {places.setup_dir() / starting.START_LOG}.",
            )
        self._child = None
        return False

    def _busy(self, state: State) -> View:
        buttons = ((CANCEL, "Cancel"), (LOG, "Log"))
        if state.phase != RUNNING:  # it has not said anything yet, or is just ending
            ending = self._child is None or state.updated >= self._begun_time
            title = TITLES.get(state.task if ending else self._task, "Setting up")
            sentence = f"{title}: {'ending' if ending else 'beginning'}."
            return View(BUSY, sentence, GO_ON, state.fraction if ending else 0.0, buttons[ending:])
        detail = ""
        if state.package and state.bytes_total:
            detail = f"{machine.in_words(state.bytes_done)} of {machine.in_words(state.bytes_total)}"
        if state.packages_total and state.step.startswith("Fetching"):
            detail += f"{', ' if detail else ''}package {state.packages_done + 1} of {state.packages_total}"
        title = TITLES.get(state.task, "Setting up")
        if (places.setup_dir() / CANCEL_FILE).exists():
            return View(BUSY, f"{title}: cancelling.", "", state.fraction, ((LOG, "Log"),))
        step = state.step[:1].lower() + state.step[1:]
        return View(BUSY, f"{title}: {step}.", detail or GO_ON, state.fraction, buttons)

    def _broken(self, message: str, hint: str) -> View:
        buttons = ((AGAIN, "Try Again"), (LATER, "Not Now"), (REPORT, "Report"))  # which has the end of the log
        return View(BROKEN, message, hint, buttons=buttons, choosing=self.engine_missing)

    def _offer(self, state: State) -> View:
        self._task = INSTALL
        if self.bundle is None:
            hint = "Get the release file of this plugin, or, in a terminal: pip install scumble; then: scumble doctor"
            return View(BARE, "Scumble's engine, the program that does the work, is not installed.", hint)
        said = "It was cancelled; nothing was left behind. " if state.phase == CANCELLED and not state.seen else ""
        sentence = (
            f"{said}Scumble needs its engine, the program that does the work. It is set up once, without a terminal."
        )
        if self.facts is not None and self.facts.problem:
            return View(OFFER, sentence, self.facts.problem, buttons=((AGAIN, "Look Again"),))
        return View(OFFER, sentence, self.needs, buttons=((GO, "Set Up Scumble"),), choosing=True)

    # -- what is pressed

    def begin(self, task: str = "") -> None:
        """Begin a task: by default what the view offers. Raises ScumbleError. Asks the machine where that was not done yet."""
        self._problem, self._asked = None, ""
        state = State.read()
        if not task:
            stopped = state.phase in (FAILED, RUNNING) and not state.seen
            task = state.task if stopped and state.task else self._task
        facts = self.facts or self.gather()
        if task != REMOVE and facts.problem:
            raise ScumbleError("internal", facts.problem)
        if facts.found.best is None:
            raise ScumbleError("internal", facts.problem)
        order = Order(task, facts.found.best.program, str(self.folder), self.chosen, index=self.index)
        order.cuda = facts.card.cuda if facts.card else ""
        if self.bundle is not None:
            order.wheel, order.constraints = str(self.bundle.wheel), str(self.bundle.constraints)
            order.version, order.torch = self.bundle.version, self.bundle.torch
        self._task, self._begun, self._begun_time = task, time.monotonic(), time.time()
        self._child = starting.start(starting.for_this_editor(order))

    def fail(self, error: ScumbleError) -> None:
        """`begin` was called in a thread, and this is what came of it."""
        self._problem = error

    def cancel(self) -> None:
        """Raises OSError."""
        starting.cancel()

    def close(self) -> None:
        """What is shown was read: after the end, or where an offer is not wanted now."""
        self._problem, self._asked = None, ""
        self._postponed = self._postponed or self._offers_newer
        state = State.read()
        if state.phase and not is_held():
            state.seen = True
            try:
                state.write()
            except OSError:
                pass  # then it is shown once more
