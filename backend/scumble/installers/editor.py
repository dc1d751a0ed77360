"""Installing a plugin into an editor, looking at it and taking it out again: the same for every editor.

What differs (folders, what goes where, what else must be true) is in the subclasses of `Editor`.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from scumble_client.editor.catalogue import CATALOGUE_FILE
from scumble_client.errors import ScumbleError
from scumble_client.launch import LAUNCH_FILE
from scumble_client.setup.bundled import ENGINE
from scumble_client.version import __version__

from .bundle import installed_version, put_together, source_of
from .record import add_record, drop_record, read_record, sandboxed_command

NAME = "scumble"
"""Of the plugin and its folder, in every editor."""


@dataclass(frozen=True)
class EditorHome:
    """The folders of one editor of this user."""

    kind: str
    """`native`, `flatpak` or `given`."""

    folder: Path
    """The one that the editor itself shows to the artist, and that can be given to the installer."""

    @property
    def plugins(self) -> Path:
        """Where plugins lie."""
        return self.folder


Home = TypeVar("Home", bound=EditorHome)


@dataclass(frozen=True)
class Inspection(Generic[Home]):
    """What is found in one home."""

    home: Home
    here: bool
    version: str
    """Of the plugin that is there; empty where none is, or where it is damaged."""

    missing: tuple[str, ...]
    """Files that should be there and are not."""


class Editor(ABC, Generic[Home]):
    """One kind of editor: its names, its folders, and what its plugin needs besides files."""

    name: str
    """In commands: `krita`."""
    title: str
    """In sentences: “Krita”."""
    plugin: str
    """The editor's own word: “plugin”, “plug-in”."""
    flatpak: str
    """The application's id."""
    source: str
    """The folder with the plugin's own files, in the repository; see `source_of`."""
    absent: tuple[str, str]
    """What is said where the editor is not found, and what to do."""
    afterwards: str
    """What the artist does next."""

    # -- what differs

    @abstractmethod
    def present(self, environment: Mapping[str, str] | None = None) -> list[Home]:
        """The homes that there are; `environment` is this process's by default."""

    @abstractmethod
    def given(self, folder: Path) -> Home:
        """The home whose folder somebody names."""

    @abstractmethod
    def targets(self, home: Home) -> dict[str, Path]:
        """What `build` makes → where it belongs."""

    def build(self, folder: Path, command: list[str] | None = None) -> None:
        """Put together, in an empty folder, all that the editor needs. `command` starts the daemon; see `put_together`."""
        put_together(self.source_folder / NAME, folder / NAME, command)

    def installed(self, home: Home) -> None:
        """What is to be done besides, once the files are in place."""

    def removed(self, home: Home) -> None:
        """The reverse."""

    @abstractmethod
    def check_use(self, homes: list[Home], environment: Mapping[str, str]) -> str:
        """Whether the editor uses the whole plugin that is in these homes: the end of a sentence, or ScumbleError."""

    # -- what is the same

    @property
    def again(self) -> str:
        """What to do where the plugin is damaged."""
        return f"Install it again: scumble install {self.name}"

    @property
    def source_folder(self) -> Path:
        """The plugin that comes with Scumble: in the installed package, or in the repository."""
        return source_of(self.source)

    def install(self, homes: list[Home]) -> None:
        """Install, or install anew; settings are kept, since they do not lie in the plugin's folder.

        Raises
        ------
        ScumbleError
            `missing_input` where there is no home, `internal` where it can't be written.
        """
        if not homes:
            raise ScumbleError("missing_input", *self.absent)
        for home in homes:
            try:
                self._install(home)
            except OSError as error:
                raise ScumbleError(
                    "internal",
                    f"{self.title}'s folder can't be written: {error.strerror or error}.",
                    f"Look at {home.folder}.",
                ) from error
        add_record(self.name, [home.folder for home in homes])

    def _install(self, home: Home) -> None:
        targets = self.targets(home)
        for target in targets.values():
            target.parent.mkdir(parents=True, exist_ok=True)
        # Built beside its place and moved there: a run that is interrupted leaves the old plugin, or none, but not half.
        with tempfile.TemporaryDirectory(prefix=".scumble-", dir=home.plugins) as made:
            self.build(Path(made), sandboxed_command(self.flatpak) if home.kind == "flatpak" else None)
            for name, target in targets.items():
                _remove(target)
                os.replace(Path(made) / name, target)  # noqa: PTH105 (it may be a folder)
        self.installed(home)

    def uninstall(self, homes: list[Home]) -> bool:
        """Remove the plugin and all that belongs to it, everywhere; whether anything was there."""
        found = False
        for home in self.everywhere(homes):
            found = self.inspect(home).here or found
            targets = list(self.targets(home).values())
            try:
                for target in targets:
                    _remove(target)
                self.removed(home)
            except OSError as error:
                raise ScumbleError(
                    "internal",
                    f"The {self.plugin} can't be removed: {error.strerror or error}.",
                    f"Look at {home.plugins}.",
                ) from error
            for folder in {target.parent for target in targets}:
                with suppress(OSError):  # others' plugins stay
                    folder.rmdir()
        drop_record(self.name)
        return found

    def everywhere(self, homes: list[Home]) -> list[Home]:
        """These, and where else it was installed."""
        known = {Path(folder) for folder in read_record().get(self.name, [])}
        return [*homes, *(self.given(folder) for folder in known - {home.folder for home in homes})]

    def inspect(self, home: Home) -> Inspection[Home]:
        """What is there."""
        folder = home.plugins / NAME
        targets = self.targets(home).values()
        source = self.source_folder / NAME
        wanted = [*targets, folder / "scumble_client" / "version.py", folder / CATALOGUE_FILE]
        if not (folder / ENGINE).is_dir():  # what comes out of a release finds its engine by the configuration folder
            wanted.append(folder / LAUNCH_FILE)
        wanted += [folder / file.relative_to(source) for file in source.rglob("*.py")]
        here = any(target.exists() for target in targets if target.parent == home.plugins)
        missing = tuple(sorted(str(file) for file in wanted if not file.exists())) if here else ()
        return Inspection(home, here, installed_version(folder), missing)

    def check(self, environment: Mapping[str, str] | None = None, homes: list[Home] | None = None) -> str:
        """One sentence where all is well, or where there is no such editor; else ScumbleError with what to do."""
        environment = os.environ if environment is None else environment
        homes = self.present(environment) if homes is None else homes
        if not homes:
            return "not on this machine"
        here = [one for one in map(self.inspect, homes) if one.here]
        if not here:
            return f"found, without the {self.plugin}; to have it: scumble install {self.name}"
        for one in here:
            self._check_files(one)
        used = self.check_use([one.home for one in here], environment)
        return f"the {self.plugin} is in " + ", ".join(str(one.home.plugins) for one in here) + used

    def _check_files(self, one: Inspection[Home]) -> None:
        if one.missing:
            raise ScumbleError("internal", f"The {self.plugin} is not whole: {one.missing[0]} is missing.", self.again)
        if one.version != __version__:
            raise ScumbleError(
                "version_mismatch", f"The {self.plugin} is version {one.version}, this is {__version__}.", self.again
            )


def _remove(target: Path) -> None:
    if target.is_symlink() or target.is_file():  # a developer's link is removed, not what it points to
        target.unlink()
    elif target.exists():
        shutil.rmtree(target)
