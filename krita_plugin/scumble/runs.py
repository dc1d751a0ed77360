"""One run from the layers to the new layer: reading in steps, sending, and what happens to its events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict, List, Mapping, Optional, Set, Tuple, cast

from .crash_log import as_error
from .document import DocumentTree, find, identity, layers_over, walk
from .reading import read_file, read_selection, read_source
from .runlist import PREVIEW
from .scumble_client.editor import messages
from .scumble_client.editor.layout import thumbnail
from .scumble_client.editor.placing import InsertionPoint, filled_layers
from .scumble_client.editor.provenance import INPUT, dump, is_try
from .scumble_client.editor.reading import read_roles
from .scumble_client.editor.recent_results import RecentResult
from .scumble_client.editor.roles import Source
from .scumble_client.editor.source_files import folder_of, read_source_file
from .scumble_client.errors import ScumbleError
from .scumble_client.request import Request
from .writing import add_layer, keep_provenance, provenance_of

if TYPE_CHECKING:
    from krita import Document

    from .scumble_client.client import Event, Job
    from .scumble_client.editor.jobs import Entry
    from .scumble_client.editor.layout import Rect
    from .scumble_client.editor.reading import Steps
    from .scumble_client.request import Pixels, Result, ResultLayer
    from .studio import Studio


THUMBNAIL = 96
"""Pixels."""


def place_of(document: Document, sources: Mapping[str, Source]) -> InsertionPoint:
    """Above the layer that the picture is read from; what is visible is all layers, so its result goes on top of them."""
    image = sources.get("image")
    node = find(document, image.id) if image is not None and image.kind in ("active", "layer") else None
    return InsertionPoint(DocumentTree(document), node)


def around(
    document: Document,
    operation: Dict[str, Any],
    source: Source,
    sources: Dict[str, Source],
    mask: Optional[Pixels],
    automatic: bool,
    own: str = "",
) -> Tuple[Set[str], Set[str]]:
    """For the picture: the ids of layers that are read with it, and of those that are left out of what is visible.

    Earlier results are read as they are seen, but for those of the same operation at the same place: a new one comes in
    their stead. Layers that are other inputs, as a sketch is, are no part of the picture either; nor is `own`, the layer
    that the result will be written to.
    """
    inputs = {one.id for role, one in sources.items() if role != "image" and one.kind == "layer"}
    if own:
        inputs.add(own)
    if source.kind == "visible":
        results = {identity(node) for node, _ in walk(document.rootNode())}
    elif automatic and source.kind == "layer":
        node = find(document, source.id)
        results = (
            {identity(one) for one, result in layers_over(document, node) if result} if node is not None else set()
        )
    else:
        return set(), set()
    made = {layer: provenance for layer in results for provenance in [provenance_of(document, layer)] if provenance}
    selected = mask
    if made and mask is None and sources.get("mask", Source()).kind == "selection":
        selected = read_selection(document)
    tries = {layer for layer, one in made.items() if is_try(one, operation["name"], sources, selected)}
    if source.kind == "visible":
        return set(), inputs | tries
    return set(made) - tries - inputs, set()


def in_background(studio: Studio, work: Callable[[], Any]) -> Steps[Any]:
    """Steps that do `work` in a thread; the generator's value is its value, and its exception is raised here."""
    return (yield from _outcome(_begin(studio, work)))


def _begin(studio: Studio, work: Callable[[], Any]) -> List[Tuple[Any, Optional[BaseException]]]:
    """Have `work` done in a thread; `_outcome` waits for it."""
    outcome = []
    studio.connection.background.start(work, lambda value, error: outcome.append((value, error)))
    studio.connection.hurry()
    return outcome


def _outcome(begun: List[Tuple[Any, Optional[BaseException]]]) -> Steps[Any]:
    yield lambda: begun
    value, error = begun[0]
    if error is not None:
        raise error
    return value


def read(
    studio: Studio,
    document: Document,
    operation: Dict[str, Any],
    sources: Dict[str, Source],
    mask: Optional[Pixels] = None,
    note: Optional[Callable[[str], Any]] = None,
    automatic: bool = False,
    part: Optional[Rect] = None,
    own: str = "",
) -> Steps[Tuple[Dict[str, Pixels], Dict[str, Source]]]:
    """Steps that read every role; the generator's value: pixels by role, and what they were read from.

    `note(sentence)` is called with what the artist should know. `automatic`: whether nobody has chosen the picture, so
    that it is read with the results over it. `part` is all of the document that is wanted. `own` is the layer, if there
    is one, that the result will be written to.
    """

    def read_role(role: Mapping[str, Any], source: Source) -> Steps[Tuple[Optional[Pixels], Source]]:
        if source.kind != "file":
            over: Set[str] = set()
            without: Set[str] = set()
            if role["name"] == "image":
                over, without = around(document, operation, source.pinned(), sources, mask, automatic, own)
            whole = role.get("placed") is False  # it has its own coordinates
            return read_source(document, source, role, None if whole else part, over, without), source
        folder, remembered = folder_of(document.fileName()), studio.settings.place_of_file(source.digest)
        pixels, found, said = yield from in_background(
            studio, lambda: read_source_file(source, role, folder, remembered, read_file)
        )
        studio.settings.remember_file(found.digest, found.path)
        if said and note is not None:
            note(said)
        return pixels, found

    return (yield from read_roles(operation, sources, mask, read_role))


def submit(studio: Studio, entry: Entry, operation: Dict[str, Any]) -> Steps[None]:
    """Steps: read, then send."""
    before = entry.provenance
    pixels, sources = yield from read(
        studio,
        entry.document,
        operation,
        before.sources,
        before.mask,
        entry.notes.append,
        before.extra.get(INPUT) == "auto",
    )
    if entry.cancelled:
        raise ScumbleError("cancelled", "Cancelled.")
    entry.provenance = before.sent(sources, pixels)
    entry.state = "sending"
    request = Request(before.operation, pixels, before.parameters, before.seed, previews=PREVIEW)
    entry.job = studio.connection.submit(request)
    studio.jobs_changed.emit()


def handle(studio: Studio, entry: Entry, event: Event) -> None:
    """What the daemon says about a run."""
    if event.kind == "progress":
        entry.state = "running" if entry.job and entry.job.state == "running" else "queued"
        studio.jobs_changed.emit()
    elif event.kind == "preview":
        studio.jobs_changed.emit()
    elif event.kind == "error":
        studio.end(entry, event.error)
    elif event.kind == "result":
        entry.state = "placing"
        studio.jobs_changed.emit()
        studio.steps.start(_place(studio, entry), entry.document, lambda error: _placed(studio, entry, error))


def _result(entry: Entry) -> Result:
    """Of a run whose result has come."""
    assert entry.job is not None
    assert entry.job.result is not None
    return entry.job.result


def _placed(studio: Studio, entry: Entry, error: Optional[BaseException] = None) -> None:
    """The end of a run whose result has come: it is in the document, or will never be."""
    studio.connection.received(cast("Job", entry.job))
    studio.end(entry, None if error is None else as_error(error))


def _place(studio: Studio, entry: Entry) -> Steps[None]:
    """Steps: the first layer goes into the document, the other variations become thumbnails."""
    result = _result(entry)
    layers = filled_layers(result)
    said = messages.NOTHING_CHANGED
    if layers:
        kept = yield from _add(studio, entry, layers)
        for one in reversed(kept):
            studio.results.add(one)
        said = f"New layer: {kept[0].name}."
    entry.notes += result.notes
    _placed(studio, entry)
    studio.say(" ".join([said, *entry.notes]))


def _add(studio: Studio, entry: Entry, layers: List[ResultLayer]) -> Steps[List[RecentResult]]:
    """Steps; the results to keep at hand, the first of which is a layer now."""
    job, document = cast("Job", entry.job), entry.document
    if INPUT in entry.provenance.extra:
        _result(entry).request[INPUT] = entry.provenance.extra[INPUT]
    made = entry.provenance.of_each(_result(entry), layers)
    names = studio.results.names(document, entry.title, len(layers))
    folder = folder_of(document.fileName())

    def prepare() -> Tuple[str, List[Any]]:
        return dump(made[0], folder), [thumbnail(layer.pixels, THUMBNAIL) for layer in layers]

    begun = []
    layer = yield from add_layer(
        document,
        entry.place,
        names[0],
        layers[0].pixels,
        lambda _: begun.append(_begin(studio, prepare)),
        masked=studio.settings.option("masked"),
    )
    text, pictures = yield from _outcome(begun[0])
    keep_provenance(document, layer, text)
    kept = [
        RecentResult(name, provenance, document, entry.place, job.id, picture, pixels=one.pixels)
        for name, one, provenance, picture in zip(names, layers, made, pictures)
    ]
    kept[0].layer = layer
    return kept
