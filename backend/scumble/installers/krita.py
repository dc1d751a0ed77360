"""`scumble install krita`: the plugin into Krita's resource folder, enabled, knowing how the daemon starts."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from xml.sax.saxutils import escape

from scumble_client.errors import ScumbleError
from scumble_client.launch import LAUNCH_FILE

from . import kritarc
from .bundle import put_together
from .editor import NAME, Editor
from .krita_homes import FLATPAK, KritaHome, given, present
from .krita_python import check_python
from .record import forget_files

_ACTION = """    <Action name="scumble_{name}">
      <text>Scumble: {title}</text>
      <toolTip>{help}</toolTip>
      <activationFlags>0</activationFlags>
      <shortcut/>
    </Action>
"""


class Krita(Editor[KritaHome]):
    """Krita 5 and 6."""

    name = "krita"
    title = "Krita"
    plugin = "plugin"
    flatpak = FLATPAK
    source = "krita_plugin"
    absent = (
        "Krita was not found.",
        "Start Krita once; or say where: --resources FOLDER (Settings ▸ Manage Resources ▸ Open Resource Folder).",
    )
    afterwards = "Start Krita again. Then: Tools ▸ Scripts ▸ Scumble; the docker is under Settings ▸ Dockers."

    def present(self, environment: Mapping[str, str] | None = None) -> list[KritaHome]:
        return present(environment)

    def given(self, folder: Path) -> KritaHome:
        return given(folder)

    def targets(self, home: KritaHome) -> dict[str, Path]:
        return {
            NAME: home.plugins / NAME,
            f"{NAME}.desktop": home.plugins / f"{NAME}.desktop",
            f"{NAME}.action": home.actions / f"{NAME}.action",
        }

    def build(self, folder: Path, command: list[str] | None = None) -> None:
        source = self.source_folder
        shutil.copy(source / f"{NAME}.desktop", folder)
        described = put_together(source / NAME, folder / NAME, command)
        entries = "".join(
            _ACTION.format(name=o["name"], title=escape(o["title"]), help=escape(o["help"]))
            for o in described
            if not o["hidden"]
        )
        actions = (source / f"{NAME}.action").read_text("utf-8")
        assert "    <!-- operations -->\n" in actions
        (folder / f"{NAME}.action").write_text(actions.replace("    <!-- operations -->\n", entries), "utf-8")

    def installed(self, home: KritaHome) -> None:
        if home.kind == "flatpak":  # its plugin looks into a configuration folder of its own
            home.config.mkdir(parents=True, exist_ok=True)
            shutil.copy(home.plugins / NAME / LAUNCH_FILE, home.config / LAUNCH_FILE)
        kritarc.enable(home.kritarc)

    def removed(self, home: KritaHome) -> None:
        kritarc.forget(home.kritarc)
        if home.kind == "flatpak":
            forget_files(home.config)

    def check_use(self, homes: list[KritaHome], environment: Mapping[str, str]) -> str:
        if not all(kritarc.is_enabled(home.kritarc) for home in homes):
            raise ScumbleError(
                "internal",
                "The plugin is there, but Krita does not load it.",
                "In Krita: Settings ▸ Configure Krita ▸ Python Plugin Manager: tick Scumble; then start Krita again.",
            )
        check_python(environment)
        return ""

    def write_zip(self, path: Path) -> None:
        """The archive for Tools ▸ Scripts ▸ Import Python Plugin from File. Raises ScumbleError."""
        from .archive import write_archive

        with tempfile.TemporaryDirectory() as made:
            self.build(Path(made))
            write_archive(Path(made), path, int(time.time()))


KRITA = Krita()
