"""What an artist has chosen, kept from one session to the next: last values, presets, options, files. Both editors share it."""

import json
import os
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional

from ..errors import ScumbleError
from ..paths import config_dir
from .form import clean

SETTINGS_FILE = "editors.json"

MOST_FILES = 200
"""Picture files whose place is remembered."""

OPTIONS: Dict[str, Any] = {
    "new_seed": True,  # each run with a seed of its own
    "seed": 0,  # the one that is used otherwise
    "start_daemon": True,  # when an action needs it
    "results_megabytes": 512,  # of results that are not layers yet
    "results_count": 12,  # thumbnails
    "operation": "",  # the one that the docker shows
    "advanced": False,  # whether parameters that are folded away are in view
    "preview": True,  # whether a dialog shows what a change gives
    "docker_preview": False,  # whether the docker does
    "faces_offered": True,  # whether the library of faces is offered where it would help
    "masked": False,  # whether what is transparent in a result becomes its mask, in Krita
}


class EditorSettings:
    """The file of settings, read when it is needed and written at once, whole or not at all.

    A file that can't be read counts as empty; one that can't be written is reported by `problem`.
    """

    def __init__(self, folder: Optional[Path] = None) -> None:
        self.path = (folder or config_dir()) / SETTINGS_FILE
        self.problem = ""

    def option(self, name: str) -> Any:
        """One of `OPTIONS`; its default where nothing of the right type is stored."""
        default = OPTIONS[name]
        value = self._read().get("options", {}).get(name, default)
        return value if type(value) is type(default) else default

    def set_option(self, name: str, value: Any) -> None:
        assert type(value) is type(OPTIONS[name]), name

        def change(data: Dict[str, Any]) -> None:
            data["options"][name] = value

        self._change(change)

    def last(self, operation: Mapping[str, Any]) -> Dict[str, Any]:
        """The parameters that an operation was used with last, or its defaults."""
        return clean(operation, self._read()["last"].get(operation["name"]))

    def set_last(self, operation: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        def change(data: Dict[str, Any]) -> None:
            data["last"][operation["name"]] = dict(values)

        self._change(change)

    def presets(self, operation: Mapping[str, Any]) -> List[str]:
        """The names of an operation's presets: those that come along, then the artist's own in alphabetical order."""
        given = [preset["title"] for preset in operation.get("presets", [])]
        return given + [name for name in sorted(self._own(operation), key=str.casefold) if name not in given]

    def is_own(self, operation: Mapping[str, Any], name: str) -> bool:
        """Whether a preset is the artist's, to be replaced and removed."""
        return name in self._own(operation)

    def preset(self, operation: Mapping[str, Any], name: str) -> Dict[str, Any]:
        """Every parameter's value. Raises ScumbleError `invalid_parameter` where there is none of that name."""
        own = self._own(operation)
        if name in own:
            return clean(operation, own[name])
        for preset in operation.get("presets", []):
            if preset["title"] == name:
                return clean(operation, preset["values"])
        raise ScumbleError("invalid_parameter", f"There is no preset called “{name}”.", "Choose another one.")

    def set_preset(self, operation: Mapping[str, Any], name: str, values: Optional[Mapping[str, Any]]) -> None:
        """Keep a preset of the artist's; without values, forget it.

        Raises ScumbleError where the name is empty, or is one of those that come along.
        """
        name = name.strip()
        if not name:
            raise ScumbleError("invalid_parameter", "A preset needs a name.", "Type one.")
        if name in [preset["title"] for preset in operation.get("presets", [])]:
            raise ScumbleError("invalid_parameter", f"“{name}” comes with Scumble.", "Choose another name for yours.")

        def change(data: Dict[str, Any]) -> None:
            of_operation = data["presets"].setdefault(operation["name"], {})
            if values is None:
                of_operation.pop(name, None)
            else:
                of_operation[name] = dict(values)

        self._change(change)

    def _own(self, operation: Mapping[str, Any]) -> Dict[str, Any]:
        stored = self._read()["presets"].get(operation["name"], {})
        return stored if isinstance(stored, dict) else {}

    def place_of_file(self, digest: str) -> str:
        """Where a picture file of this content was used from last; empty where that is not known."""
        path = self._read()["files"].get(digest, "")
        return path if isinstance(path, str) else ""

    def remember_file(self, digest: str, path: str) -> None:
        """Keep where a picture file lies: documents name it by its content, not by this machine's folders."""

        def change(data: Dict[str, Any]) -> None:
            files = data["files"]
            files.pop(digest, None)
            files[digest] = path
            for oldest in list(files)[:-MOST_FILES]:
                del files[oldest]

        if self.place_of_file(digest) != path:
            self._change(change)

    def _read(self) -> Dict[str, Any]:
        try:
            data = json.loads(self.path.read_text("utf-8"))
        except (OSError, ValueError):
            data = {}
        if not isinstance(data, dict):
            data = {}
        for part in ("options", "last", "presets", "files"):
            if not isinstance(data.get(part), dict):
                data[part] = {}
        return data

    def _change(self, change: Callable[[Dict[str, Any]], None]) -> None:
        data = self._read()  # the other editor may have written meanwhile
        change(data)
        part = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            part.write_text(json.dumps(data, indent=1, ensure_ascii=False), "utf-8")
            os.replace(part, self.path)
            self.problem = ""
        except OSError as error:
            self.problem = f"Settings can't be kept: {error.strerror or error} ({self.path})."
