"""What a batch has done, as a file in the folder of results: by it the next run knows what is left to do."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from scumble_client.errors import ScumbleError

RECORD = ".scumble-batch.jsonl"


class Record:
    """What is done, as lines of JSON in the output folder: the picture's name, a digest of all that made it, its files."""

    def __init__(self, folder: Path) -> None:
        """Read what is there. Raises ScumbleError."""
        self._path = folder / RECORD
        self._done: dict[str, tuple[str, list[str]]] = {}
        self._owners: dict[str, str] = {}
        try:
            text = self._path.read_bytes().decode("utf-8", "replace")
        except FileNotFoundError:
            text = ""
        except OSError as error:
            raise ScumbleError(
                "internal", f"{self._path} can't be read: {error.strerror}.", "Remove it; then all is done again."
            ) from error
        for line in text.splitlines():
            try:
                entry = json.loads(line)
                self._note(entry["name"], entry["key"], [str(file) for file in entry["files"]])
            except (ValueError, KeyError, TypeError):
                continue  # the last line of a run that was killed
        self._torn = not text.endswith("\n") and bool(text)

    def has(self, name: str, key: str) -> bool:
        """Whether it was made in this way, and all that was made is still there."""
        known, files = self._done.get(name, ("", []))
        return known == key and all(Path(file).exists() for file in files)

    def made_of_another(self, path: Path, name: str) -> bool:
        """Whether this file is what was made of a picture of another name."""
        owner = self._owners.get(str(path.absolute()))
        return owner is not None and owner != name and path.exists()

    def files(self, name: str) -> Sequence[str]:
        """What was made of a picture, when it was done last."""
        return self._done.get(name, ("", []))[1]

    def add(self, name: str, key: str, files: list[str]) -> None:
        """Note it. Raises ScumbleError."""
        files = [str(Path(file).absolute()) for file in files]
        line = json.dumps({"name": name, "key": key, "files": files}) + "\n"
        try:
            with open(self._path, "a", encoding="utf-8") as file:
                file.write("\n" + line if self._torn else line)
        except OSError as error:
            raise ScumbleError(
                "internal",
                f"It is done, but could not be noted in {self._path}: {error.strerror}.",
                "Make room there; the next run does it again.",
            ) from error
        self._torn = False
        self._note(name, key, files)

    def _note(self, name: str, key: str, files: list[str]) -> None:
        self._done[name] = key, files
        self._owners.update(dict.fromkeys(files, name))
