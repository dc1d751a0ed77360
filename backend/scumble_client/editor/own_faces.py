"""Adding the artist's own portraits from inside an editor: `scumble faces add` as a child, and what it says on its way."""

import json
import subprocess
from typing import Any, Dict, List, Optional

from ..errors import ScumbleError
from ..launch import command_line, outside_environment
from ..system import processes

COPYING = ("face-sketch",)
"""Names of the operations that copy from real faces: only with these is the choice of a folder shown."""


class FaceAdding:
    """One folder that is added. `run` takes minutes: it belongs into a thread; the rest may be called beside it.

    Parameters
    ----------
    paths
        Folders or pictures.
    """

    def __init__(self, paths: List[str]) -> None:
        self._paths = paths
        self._process: "Optional[subprocess.Popen[bytes]]" = None
        self._stopped = False
        self.line = "Looking for faces…"
        """What it is doing, for the artist."""

    def run(self) -> str:
        """Add them; a sentence on what came of it.

        Raises
        ------
        ScumbleError
            What the command says, `cancelled` after `stop`, `unreachable` where it can't be run.
        """
        command = command_line(["faces", "add", "--porcelain", "--", *self._paths])
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=outside_environment(),
                **processes.hidden(),
            )
        except OSError as error:
            raise ScumbleError(
                "unreachable",
                f"Scumble's command line could not be started: {error.strerror or error}.",
                "Run this to see what is wrong: scumble doctor",
            ) from error
        self._process = process
        if self._stopped:
            process.terminate()
        last: Dict[str, Any] = {}
        with process:
            assert process.stdout is not None
            for raw in process.stdout:
                last = _event(raw) or last
                if last.get("event") == "progress":
                    self.line = progress_line(last)
        return self._outcome(last)

    def stop(self) -> None:
        """End it; the faces that were found so far stay. Called again, at once: what was not stored yet is lost then."""
        again, self._stopped = self._stopped, True
        process = self._process
        if process is not None and process.poll() is None:
            try:
                process.terminate() if again else processes.interrupt(process)  # then it stores what it has found
            except OSError:
                pass  # it has just ended

    def _outcome(self, last: Dict[str, Any]) -> str:
        if last.get("event") == "done":
            return f"{last.get('sentence')}."
        if self._stopped:
            raise ScumbleError("cancelled", "Adding faces was stopped; those that were found stay.")
        if last.get("event") == "error":
            raise ScumbleError(str(last.get("code")), str(last.get("message")), str(last.get("hint") or ""))
        raise ScumbleError(
            "internal",
            "The faces could not be added.",
            "To see why, open a terminal, and run: scumble faces add FOLDER",
        )


def progress_line(event: Dict[str, Any]) -> str:
    done, total, name = event.get("done"), event.get("total"), event.get("name")
    return f"Looking for faces: {done} of {total}" + (f", {name}" if name else "")


def _event(raw: bytes) -> Dict[str, Any]:
    """A line as an event; nothing for a line that is none."""
    try:
        event = json.loads(raw.decode("utf-8", "replace"))
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}
