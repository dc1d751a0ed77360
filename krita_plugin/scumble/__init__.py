"""Scumble in Krita: registers the actions and the docker. `scumble_client` lies beside this file once installed."""

from pathlib import Path

from krita import DockWidgetFactory, DockWidgetFactoryBase, Krita

from .actions import ScumbleExtension
from .docker import ScumbleDocker
from .scumble_client.editor.flatpak import share_runtime_folder
from .scumble_client.launch import LAUNCH_FILE, adopt_launch_file
from .studio import Studio

share_runtime_folder()
adopt_launch_file(Path(__file__).resolve().parent / LAUNCH_FILE)
app = Krita.instance()
studio = Studio(app)
app.addExtension(ScumbleExtension(app, studio))
ScumbleDocker.studio = studio
app.addDockWidgetFactory(
    DockWidgetFactory("scumble_docker", DockWidgetFactoryBase.DockPosition.DockRight, ScumbleDocker)
)
