"""One run from the layers to the new layer: reading in steps, sending, and what happens to its events."""

from .document import active_layer, find, is_open
from .reading import read_file, read_source
from .runlist import PREVIEW
from .scumble_client.editor import messages
from .scumble_client.editor.jobs import Kept, split
from .scumble_client.editor.layout import thumbnail
from .scumble_client.editor.roles import Source
from .scumble_client.editor.stored import Stored, dump
from .scumble_client.errors import ScumbleError
from .scumble_client.request import Request
from .writing import Place, add_layer, keep_request

THUMBNAIL = 96
"""Pixels."""


def place_of(document, sources):
    """Above the layer that the picture is read from; for what is visible, above the active layer."""
    image = sources.get("image")
    node = find(document, image.id) if image is not None and image.kind in ("active", "layer") else None
    return Place(node if node is not None else active_layer(document))


def in_background(studio, work):
    """Steps that do `work` in a thread; the generator's value is its value, and its exception is raised here."""
    return (yield from _outcome(_begin(studio, work)))


def _begin(studio, work):
    """Have `work` done in a thread; `_outcome` waits for it."""
    outcome = []
    studio.connection.background.start(work, lambda value, error: outcome.append((value, error)))
    studio.connection.hurry()
    return outcome


def _outcome(begun):
    yield lambda: begun
    value, error = begun[0]
    if error is not None:
        raise error
    return value


def read_roles(studio, document, sources, operation, mask=None):
    """Steps that read every role, one at a step; the generator's value is a dict of Pixels."""
    pixels = {}
    if mask is not None:
        pixels["mask"] = mask
    for role in operation["roles"]:
        source = sources.get(role["name"])
        if source is None or role["name"] in pixels:
            continue
        if not is_open(document):
            raise ScumbleError("cancelled", messages.CLOSED)
        if source.kind == "file":
            path = source.path
            read = yield from in_background(studio, lambda path=path: read_file(path))
        else:
            read = read_source(document, source, whole=role["name"] == "image")
        if read is not None:
            pixels[role["name"]] = read
        elif role.get("required"):
            raise ScumbleError("missing_input", "Nothing is selected.", role["help"])
        yield None
    return pixels


def submit(studio, entry, operation):
    """Steps: read, then send."""
    stored = entry.stored
    pixels = yield from read_roles(studio, entry.document, stored.sources, operation, stored.mask)
    if entry.cancelled:
        raise ScumbleError("cancelled", "Cancelled.")
    # What was the active layer is now that layer, and the selection is kept: both may be others when it runs again.
    sources = {role: _fixed(source) for role, source in stored.sources.items()}
    mask = pixels.get("mask") if stored.mask or _is_selection(stored.sources.get("mask")) else None
    entry.stored = Stored(stored.operation, stored.parameters, stored.seed, sources, mask)
    entry.state = "sending"
    request = Request(stored.operation, pixels, stored.parameters, stored.seed, previews=PREVIEW)
    entry.job = studio.connection.submit(request)
    studio.jobs_changed.emit()


def _fixed(source):
    return Source("layer", source.id, source.name) if source.kind == "active" else source


def _is_selection(source):
    return source is not None and source.kind == "selection"


def handle(studio, entry, event):
    """What the daemon says about a run."""
    if event.kind == "progress":
        entry.state = "running" if entry.job.state == "running" else "queued"
        studio.jobs_changed.emit()
    elif event.kind == "preview":
        studio.jobs_changed.emit()
    elif event.kind == "error":
        studio.end(entry, event.error)
    elif event.kind == "result":
        entry.state = "placing"
        studio.jobs_changed.emit()
        studio.steps.start(_place(studio, entry), lambda error: _misplaced(studio, entry, error))


def _misplaced(studio, entry, error):
    from .trouble import as_error

    studio.end(entry, as_error(error))


def finished(entry, result):
    """The request to keep with the layers, with what the daemon says that it has used."""
    request = dict(result.request)
    parameters = request.pop("parameters", entry.stored.parameters)
    for known in ("operation", "seed"):
        request.pop(known, None)
    stored = entry.stored
    return Stored(stored.operation, parameters, stored.seed, stored.sources, stored.mask, request)


def _place(studio, entry):
    """Steps: the first layer goes into the document, the other variations become thumbnails."""
    job, document = entry.job, entry.document
    layers = job.result.layers
    if not layers:
        raise ScumbleError("internal", "The daemon sent no layer.", "Please report this.")
    requests = split(layers, finished(entry, job.result))

    def prepare():
        text = dump(requests[0])
        return text, [thumbnail(layer.pixels, THUMBNAIL) for layer in layers]

    first = layers[0]
    layer = ""
    if is_open(document):
        prepared = []
        layer = yield from add_layer(
            document, entry.place, first.name, first.pixels, lambda _: prepared.append(_begin(studio, prepare))
        )
    if layer:
        text, pictures = yield from _outcome(prepared[0])
    studio.connection.received(job)
    if not layer or not is_open(document):
        raise ScumbleError("missing_input", messages.CLOSED)
    keep_request(document, layer, text)
    kept = [
        Kept(one.name, request, document, entry.place, job.id, picture, pixels=one.pixels)
        for one, request, picture in zip(layers, requests, pictures)
    ]
    kept[0].layer = layer
    for one in reversed(kept):
        studio.results.add(one)
    entry.notes = list(job.result.notes)
    studio.end(entry)
    studio.say(" ".join([f"New layer: {first.name}.", *entry.notes]))
