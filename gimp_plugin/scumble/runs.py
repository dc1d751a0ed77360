"""One run: read the layers, send them, wait, place the new layers."""

import random

from catalogue import refresh
from host import Gimp
from placing import Place, place_layers

from scumble_client import Client
from scumble_client.editor.jobs import split
from scumble_client.editor.messages import CLOSED, STARTING
from scumble_client.editor.roles import Source, resolve
from scumble_client.editor.stored import Stored, dump
from scumble_client.errors import ScumbleError
from scumble_client.request import Request

LOOK_SECONDS = 0.5
"""How often to see whether the picture is still open."""


def new_seed(value):
    """The seed that an argument says; below 0, a new one."""
    return value if value >= 0 else random.randrange(2**31)


def run_operation(operation, picture, chosen, stored, progress, shown):
    """Run a request: `stored` has operation, parameters, seed and perhaps the mask of an earlier run.

    Gives the new layers and the notes for the artist. Raises ScumbleError, `cancelled` among them.
    """
    place = Place(picture.active)
    wake = progress.wake
    client = Client(f"gimp {Gimp.version()}", wake=wake)
    try:
        client.connect()  # the daemon may be starting while the layers are read
        sources = resolve(operation, chosen, picture.view())
        pixels = _read_roles(picture, operation, sources, stored.mask, progress)
        job = client.submit(Request(operation["name"], pixels, stored.parameters, stored.seed))
        result = _wait(client, job, picture.image, progress)
        if not result.layers:
            raise ScumbleError("internal", "The daemon sent no layer.", "Please report this.")
        progress.report(1.0, "Adding the layer")
        sources = {role: _lasting(source, picture) for role, source in sources.items()}
        selected = stored.mask is not None or _is_selection(sources.get("mask"))
        kept = _finished(stored, result, sources, pixels.get("mask") if selected else None)
        full = [layer for layer in result.layers if layer.pixels.width and layer.pixels.height]
        if not full:
            client.received(job)
            return [], ["Nothing was changed, so there is no new layer."]
        texts = [dump(one, ascii_only=True) for one in split(full, kept)]
        indexed = picture.image.is_valid() and picture.image.get_base_type() == Gimp.ImageBaseType.INDEXED
        layers = place_layers(picture.image, place, full, texts, shown)
        client.received(job)
        notes = list(result.notes)
        if indexed:
            notes.append("This picture is indexed, so the new layer is in an RGB copy of it.")
        return layers, notes
    finally:
        _refresh(client)
        client.close()


def _read_roles(picture, operation, sources, mask, progress):
    pixels = {}
    if mask is not None:
        pixels["mask"] = mask
    for role in operation["roles"]:
        name = role["name"]
        source = sources.get(name)
        if source is None or name in pixels:
            continue
        progress.report(0.0, "Reading layers")
        read = picture.read(source, role.get("kind") == "mask" and name != "image")
        if read is not None:
            pixels[name] = read
        elif role.get("required"):
            raise ScumbleError("missing_input", "Nothing is selected.", role["help"])
    return pixels


def _wait(client, job, image, progress):
    """The job's result. Raises its error, or `cancelled` where the picture was closed meanwhile."""
    asked = False
    closed = False
    text = "Sending"
    ticks = progress.ticker(LOOK_SECONDS)
    while True:
        for event in client.poll():
            if event.kind == "state" and event.state == "starting":
                text = STARTING
            elif event.job is job and event.kind == "result":
                return job.result
            elif event.job is job and event.kind == "error":
                raise ScumbleError("missing_input", CLOSED) if closed else event.error
            elif event.job is job:
                waiting = f"{job.position} before it in the queue" if job.position else "Next in the queue"
                text = job.message if job.state == "running" else waiting
        progress.report(job.fraction, text)
        if next(ticks) and not image.is_valid():
            closed = True
        if (closed or progress.cancelled) and not asked:
            asked = True
            client.cancel(job)
        progress.pause()


def _finished(stored, result, sources, mask):
    """What to keep with the layers: what the daemon says that it has used, and where the inputs came from."""
    request = dict(result.request)
    parameters = request.pop("parameters", stored.parameters)
    for known in ("operation", "seed"):
        request.pop(known, None)
    return Stored(stored.operation, parameters, stored.seed, sources, mask, request)


def _lasting(source, picture):
    """A source that means the same when the file is opened again."""
    if source.kind == "active":
        return Source("layer", source.id, source.name)
    if source.kind == "layer" and source.id.startswith("@"):
        item = picture.item(source)
        file = item.get_image().get_file() if item is not None and item.is_valid() else None
        path = file.get_path() if file is not None else None
        return Source("file", path=path) if path else Source("layer", "", source.name)
    return source


def _is_selection(source):
    return source is not None and source.kind == "selection"


def _refresh(client):
    """Take over the daemon's list of operations. A new one appears when GIMP starts the next time."""
    if client.state != "ready":
        return
    try:
        refresh(client.call("operations", timeout=5.0).body.get("operations"))
    except ScumbleError:
        pass  # the list of before is good enough
