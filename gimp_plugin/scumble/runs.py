"""One run: read the layers, send them, wait, place the new layers."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any, Dict, List, Tuple, cast

from catalogue import refresh
from host import Gimp
from inputs import AUTOMATIC, Inputs
from placing import PlacedResult, insertion_point, place_layers

from scumble_client import Client
from scumble_client.editor.jobs import job_text
from scumble_client.editor.messages import CLOSED, NOTHING_CHANGED, STARTING
from scumble_client.editor.placing import filled_layers
from scumble_client.editor.provenance import INPUT, dump
from scumble_client.editor.roles import resolve
from scumble_client.editor.settings import EditorSettings
from scumble_client.errors import ScumbleError
from scumble_client.request import Request

if TYPE_CHECKING:
    from edited_picture import EditedPicture

    from scumble_client.client import Job
    from scumble_client.editor.provenance import Provenance
    from scumble_client.editor.roles import Source
    from scumble_client.request import Result


LOOK_SECONDS = 0.5
"""How often to see whether the picture is still open."""


def new_seed(value: int) -> int:
    """The seed that an argument says; below 0, a new one."""
    return value if value >= 0 else random.randrange(2**31)


def client_name() -> str:
    """Who asks, for the daemon's log."""
    return f"gimp {Gimp.version()}"


def run_operation(
    operation: Dict[str, Any],
    picture: EditedPicture,
    chosen: Dict[str, Source],
    provenance: Provenance,
    progress: Any,
    shown: bool,
    wanted: str,
    masked: bool = False,
) -> Tuple[List[Gimp.Layer], List[str]]:
    """Run a request: `provenance` has operation, parameters, seed and perhaps the mask of an earlier run.

    `wanted` is out of `inputs.INPUTS`: how the picture was chosen. Gives the new layers and the notes for the artist.
    Raises ScumbleError, `cancelled` among them.
    """
    image = picture.image
    client = Client(client_name(), wake=progress.wake)
    settings = EditorSettings()
    inputs = Inputs(picture, operation, settings, wanted == AUTOMATIC)
    try:
        client.connect()  # the daemon may be starting while the layers are read
        progress.report(0.0, "Reading layers")
        sources = resolve(operation, chosen, picture.view(), provenance.given)
        point = insertion_point(image, picture.item(sources["image"]) if "image" in sources else picture.active)
        pixels, sources = inputs.read(sources, provenance.mask)
        job = client.submit(Request(operation["name"], pixels, provenance.parameters, provenance.seed))
        result = _wait(client, job, image, progress)
        progress.report(1.0, "Adding the layer")
        layers = filled_layers(result)
        notes = inputs.notes
        if layers:
            result.request[INPUT] = wanted
            sources = {role: picture.lasting(source) for role, source in sources.items()}
            for source in sources.values():
                if source.digest:
                    settings.remember_file(source.digest, source.path)
            made = provenance.sent(sources, pixels).of_each(result, layers)
            texts = [dump(one, picture.folder, ascii_only=True) for one in made]
            if image.is_valid() and image.get_base_type() == Gimp.ImageBaseType.INDEXED:
                notes.append("This picture is indexed, so the new layer is in an RGB copy of it.")
            placed = place_layers(image, point, PlacedResult(operation["title"], layers, texts, masked), shown)
        else:
            placed = []
            notes.append(NOTHING_CHANGED)
        client.received(job)
        return placed, [*result.notes, *notes]
    finally:
        _refresh(client)
        client.close()


def _wait(client: Client, job: Job, image: Gimp.Image, progress: Any) -> Result:
    """The job's result. Raises its error, or `cancelled` where the picture was closed meanwhile."""
    asked = False
    closed = False
    text = job_text(job)
    ticks = progress.ticker(LOOK_SECONDS)
    while True:
        for event in client.poll():
            if event.kind == "state" and event.state == "starting":
                text = STARTING
            elif event.job is job and event.kind == "result":
                return cast("Result", job.result)
            elif event.job is job and event.kind == "error":
                raise ScumbleError("missing_input", CLOSED) if closed else cast(ScumbleError, event.error)
            elif event.job is job:
                text = job_text(job)
        progress.report(job.fraction, text)
        if next(ticks) and not image.is_valid():
            closed = True
        if (closed or progress.cancelled) and not asked:
            asked = True
            client.cancel(job)
        progress.pause()


def _refresh(client: Client) -> None:
    """Take over the daemon's list of operations. A new one appears when GIMP starts the next time."""
    if client.state != "ready":
        return
    try:
        refresh(client.call("operations", timeout=5.0).body.get("operations"))
    except ScumbleError:
        pass  # the list of before is good enough
