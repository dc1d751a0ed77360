"""What the process does: make an engine, prove it, put it in the old one's place; or take it away.

Nothing that works is touched before what comes in its stead has filled a picture. Whatever stops a task, what it had begun is
removed, and the engine of before goes on.
"""

import json
import os
import re
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any, Dict, List, Optional

from ..launch import LAUNCH_FILE, write_launch_file
from ..paths import config_dir
from ..system.command_lines import join
from ..system.kind import is_posix
from . import adding, machine, parts, places
from .commands import CancelError
from .environment import Environment, Packages, Tools, child_environment
from .indexes import fetcher, torch_index
from .installing import install
from .order import AUTOMATIC, Order
from .problem import SetupError
from .python_places import how_to_get
from .pythons import probe, search, what_is_missing
from .reading import Fetching
from .state import REMOVE, State

ENVIRONMENT, FETCH, UNPACK, PROVE = 0.04, 0.72, 0.92, 1.0
"""Fractions of the whole at which a part of it ends."""

MEASURE_SECONDS = 5.0
PROOF_SECONDS = 300.0

_PICTURES = (
    "import json, torch, scumble; from scumble.pictures import picture, selection; "
    "print(json.dumps([str(picture('osprey')), str(selection('osprey')), torch.__version__]))"
)


class Task:
    """One order, carried out by `run`; `report` is called with each change of the state."""

    def __init__(self, order: Order, state: State, tools: Tools, report: "Report") -> None:
        self.order, self.state, self.tools, self.report = order, state, tools, report
        self.config = Path(order.config) if order.config else config_dir()
        self.folder = Path(order.folder) if order.folder else places.usual_folder()
        self._measured = 0.0

    def run(self) -> None:
        """Raises SetupError, OSError, CancelError."""
        current = self.state.engine_path()
        self.clean(keep=current)
        if self.order.task == REMOVE:
            self._remove()
        else:
            self._replace(current)

    def clean(self, keep: Optional[Path]) -> None:
        """Remove the engines of ours that are in nobody's use: half ones, and one that could not be removed when it was left."""
        for engine in places.engines(self.folder):
            owner = places.read_json(engine / places.MARKER).get("owner")
            if engine != keep and owner in (None, str(places.data_dir())):
                self.tools.log(f"Removing {engine}, which is not in use.")
                try:
                    places.remove_engine(engine)
                except OSError as error:
                    self.tools.log(f"It can't be removed now: {error}")

    # -- install, repair, update

    def _replace(self, current: Optional[Path]) -> None:
        order = self.order
        if not order.wheel or not Path(order.wheel).is_file():
            raise SetupError(
                "no_wheel",
                "This plugin came without the engine that fits it.",
                "Get the plugin's release file and import that; or, in a terminal: pip install scumble",
            )
        self.report.step("Looking at this machine", 0.0)
        python = probe([order.python]) if order.python else search().best
        if python is None or not python.fits:
            found = search()
            why = what_is_missing(found) or f"{order.python} is no Python 3.10 or newer."
            raise SetupError("no_python", why, how_to_get())
        if machine.unsupported(machine=python.machine):
            raise SetupError("no_package", machine.unsupported(machine=python.machine))
        self._check_space(self.folder, None)
        try:
            engine = places.new_engine(self.folder)
        except OSError as error:
            raise SetupError(
                "denied", f"{self.folder} can't be written: {error.strerror or error}.", "Choose another folder."
            ) from error
        try:
            places.mark(engine, False, owner=str(places.data_dir()))
            environment = self._environment(engine)
            self.report.step("Making a private environment", 0.01)
            environment.make(python, search().uv)
            self._check_space(engine, environment.cache())
            self._fetch(environment)
            self._bring_parts(engine, environment, current)
            made = self._facts(engine, environment)
            self._switch(engine, made, current)
        except BaseException:
            self.report.step("Removing what was begun", self.state.fraction)
            try:
                places.remove_engine(engine)
            except OSError as error:  # the next task tries again
                self.tools.log(f"{engine} can't be removed: {error}")
            raise
        if current is not None and current != engine:
            try:
                places.remove_engine(current)
            except OSError as error:
                self.tools.log(f"The old engine can't be removed now: {error}")

    def _environment(self, engine: Path) -> Environment:
        return Environment(engine / "env", places.python_in(engine), self.tools)

    def _check_space(self, folder: Path, cache: Optional[Path]) -> None:
        """Raises SetupError where a disk has too little room. Before the environment is there, pip's cache is not known."""
        temporary = Path(tempfile.gettempdir())
        for place, size in machine.needed(self.order.compute, folder, cache or folder, temporary):
            free = machine.free_bytes(place)
            if free < size:
                raise SetupError(
                    "disk_full",
                    f"Setting up takes {machine.in_words(size)} on the disk of {place}, and {machine.in_words(free)} are free.",
                    "Make room, or choose a folder on another disk.",
                )

    def _fetch(self, environment: Environment) -> None:
        order = self.order
        configuration = environment.configuration()
        index = order.index
        if index == AUTOMATIC:
            index = torch_index(order.compute, order.cuda, order.torch, configuration, fetcher(configuration))
        constraints = Path(order.constraints) if order.constraints and Path(order.constraints).is_file() else None
        expected = machine.DOWNLOAD[order.compute]

        def heard(fetching: Fetching) -> None:
            if order.compute == machine.CPU and fetching.for_graphics:
                raise SetupError(
                    "wrong_build",
                    "The package index here has only the PyTorch for graphics cards, which is ten times as large.",
                    "Choose CUDA, or name an index with PyTorch's builds for processors in SCUMBLE_TORCH_INDEX.",
                )
            self._show(fetching, expected)

        packages = Packages([order.wheel], constraints, index)
        install(environment, packages, configuration, self.tools, heard, self._again, self._tick)

    def _again(self, text: str) -> None:
        self.report.step(text, self.state.fraction)

    def _bring_parts(self, engine: Path, environment: Environment, current: Optional[Path]) -> None:
        """What was added to the old engine is added to the new one; where that fails, it is told, and all goes on without."""
        own_index = self.order.index if self.order.index != AUTOMATIC else ""

        def shown(_done: float, _total: Optional[float], text: str) -> None:
            self._again(text)

        for part in parts.parts_of(current) if current is not None else []:
            try:
                adding.add(engine, part, environment, self.tools, shown, own_index)
            except SetupError as error:
                self.tools.log(f"The engine comes without {part.module}, which the old one had: {error}")

    def _show(self, fetching: Fetching, expected: int) -> None:
        state = self.state
        state.package, state.bytes_done, state.bytes_total = fetching.package, fetching.bytes_done, fetching.bytes_total
        state.packages_total = len(fetching.wanted)
        state.packages_done = max(len(fetching.fetched) - bool(fetching.package), 0)
        if fetching.installing:
            self.report.step("Unpacking", max(state.fraction, FETCH))
            return
        fraction = ENVIRONMENT + (FETCH - ENVIRONMENT) * min(fetching.all_bytes / expected, 1.0)
        step = f"Fetching {fetching.package}" if fetching.package else "Looking for packages"
        self.report.step(step, max(state.fraction, fraction))

    def _tick(self, fetching: Fetching) -> None:
        """While packages are unpacked, nothing is printed: the disk tells."""
        now = time.monotonic()
        if not fetching.installing or now - self._measured < MEASURE_SECONDS:
            return
        engine = max(places.engines(self.folder), key=lambda one: one.stat().st_mtime, default=None)
        if engine is not None:
            share = places.size_of(engine) / machine.INSTALLED[self.order.compute]
            self.report.step("Unpacking", max(self.state.fraction, FETCH + (UNPACK - FETCH) * min(share, 1.0)))
        self._measured = time.monotonic()

    def _facts(self, engine: Path, environment: Environment) -> Dict[str, Any]:
        """That the engine can be loaded at all, and what it is."""
        self.report.step("Loading the engine for the first time", UNPACK)
        said: List[str] = []
        code = self.tools.call([str(environment.python), "-I", "-c", _PICTURES], said.append, seconds=PROOF_SECONDS)
        try:
            if code:
                raise ValueError(code)
            picture, selection, torch = json.loads(said[-1])
        except (ValueError, IndexError) as error:
            reason = said[-1] if said else f"it ended with {code}"
            raise SetupError(
                "broken", f"The new engine can't be loaded: {reason}.", "The log has all of it."
            ) from error
        return {
            "folder": str(engine),
            "version": self.order.version,
            "torch": str(torch),
            "compute": self.order.compute,
            "command": [*self.order.prefix, str(environment.python), "-m", "scumble.daemon"],
            "python": str(environment.python),
            "bytes": places.size_of(engine),
            "pictures": [str(picture), str(selection)],
        }

    def _switch(self, engine: Path, made: Dict[str, Any], current: Optional[Path]) -> None:
        """The editors' command leads to the new engine from here on, unless it does not fill a picture."""
        launch = self.config / LAUNCH_FILE
        before = launch.read_bytes() if launch.is_file() else None
        if self.tools.cancelled():
            raise CancelError
        self._stop_daemon(Path(made["python"]))
        write_launch_file(made["command"], self.config)
        try:
            self._prove(Path(made["python"]), *made.pop("pictures"))
            places.mark(engine, True, owner=str(places.data_dir()), version=self.order.version)
            self._write_launcher(Path(made["python"]))
        except BaseException:
            self._stop_daemon(Path(made["python"]))
            if before is None:
                launch.unlink()
            else:
                part = launch.with_name(launch.name + ".part")
                part.write_bytes(before)
                os.replace(str(part), str(launch))
            raise
        self.state.engine = made

    def _prove(self, python: Path, picture: str, selection: str) -> None:
        """The daemon starts, and fills a bundled picture."""
        self.report.step("Filling a first picture", max(UNPACK, self.state.fraction))
        folder = places.setup_dir()
        filled, begun = folder / "proof.png", time.monotonic()
        command = [str(python), "-m", "scumble.cli", "run", "inpaint", "--image", picture, "--mask", selection]
        said: List[str] = []
        words = [*command, "--out", str(folder / "proof-layer.png"), "--composite", str(filled)]
        code = self.tools.call(words, said.append, self._daemons_environment(), PROOF_SECONDS)
        if code or not filled.is_file():
            reason = said[-1] if said else f"it ended with {code}"
            raise SetupError(
                "broken", f"The new engine does not fill a picture: {reason.rstrip('.')}.", "The log has all of it."
            )
        before = folder / f"proof-before{Path(picture).suffix}"
        shutil.copyfile(picture, str(before))
        self.state.proof = {"picture": str(filled), "before": str(before), "seconds": time.monotonic() - begun}

    def _write_launcher(self, python: Path) -> None:
        """For a terminal; where it can't be, the engine is none the worse for it."""
        runtime = ["env", f"SCUMBLE_RUNTIME_DIR={self.order.runtime}"] if self.order.runtime and is_posix() else []
        try:
            path = places.write_launcher([*runtime, str(python), "-m", "scumble.cli"])
            self.tools.log(f"In a terminal: {join([str(path)])} doctor")
        except (OSError, ValueError) as error:
            self.tools.log(f"There is no launcher for terminals: {error}")

    def _daemons_environment(self) -> Dict[str, str]:
        runtime = {"SCUMBLE_RUNTIME_DIR": self.order.runtime} if self.order.runtime else {}
        return child_environment(**runtime)

    def _stop_daemon(self, python: Path) -> None:
        """End the daemon that runs, if one does: it is the old engine's."""
        if python.exists():
            try:
                self.tools.call([str(python), "-m", "scumble.cli", "stop"], None, self._daemons_environment(), 60.0)
            except (OSError, TimeoutError) as error:
                self.tools.log(str(error))

    # -- remove

    def _remove(self) -> None:
        state, current = self.state, self.state.engine_path()
        self.report.step("Ending the daemon", 0.1)
        if current is not None:
            self._stop_daemon(places.python_in(current))
        launch = self.config / LAUNCH_FILE
        if places.read_json(launch).get("command") == state.engine.get("command") and state.engine:
            launch.unlink()
        self.report.step("Removing the engine", 0.3)
        state.engine = {}
        places.remove_launcher()
        if current is not None:
            try:
                places.remove_engine(current)
            except OSError as error:
                raise SetupError(
                    "denied",
                    f"Not all of {current} can be removed: {error.strerror or error}.",
                    "Close what uses it, and remove it again.",
                ) from error
        for name in ("proof.png", "proof-layer.png", "proof-before.jpg"):
            path = places.setup_dir() / name
            if path.exists():
                path.unlink()
        state.proof = {}


class Report:
    """Writes the state, not more often than is of use."""

    OFTEN = 0.2
    """Seconds."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._at = 0.0

    def step(self, text: str, fraction: float) -> None:
        """What is done now, and how far the whole is, 0 to 1."""
        state = self._state
        changed = text != state.step
        state.step, state.fraction = text, fraction
        if not text.startswith("Fetching "):
            state.package, state.bytes_done, state.bytes_total = "", 0, 0
        if changed or time.monotonic() - self._at > self.OFTEN:
            self._at = time.monotonic()
            try:
                state.write()
            except OSError:
                pass  # a full disk; what is going on is not stopped by that


def masked(line: str) -> str:
    """A line for the log, without the password that an address may have in it."""
    return re.sub(r"(://)[^/@\s]+@", r"\1***@", line)
