"""Looking at a document: its layers, the active one, whether it is still open. Nothing here changes anything."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Container, Iterator, List, Optional, Tuple, TypeVar, cast

from krita import Krita

from .qt import sip
from .scumble_client.editor.placing import LayerTree
from .scumble_client.editor.roles import DRAWN, RESULT, LayerInfo, View, role_of

if TYPE_CHECKING:
    from krita import Document, Node


T = TypeVar("T")

KINDS = {
    "grouplayer": "a group",
    "vectorlayer": "a vector layer",
    "filterlayer": "a filter layer",
    "filelayer": "a file layer",
    "filllayer": "a fill layer",
    "clonelayer": "a clone layer",
}


def owned(objects: List[T]) -> List[T]:
    """The members of one of Krita's lists; without this, PyQt would never free them."""
    for one in objects:
        sip.transferback(cast(Any, one))
    return objects


def is_open(document: Document) -> bool:
    """Whether the document has not been closed since."""
    return any(document == one for one in owned(Krita.instance().documents()))


def identity(node: Node) -> str:
    """A layer's id; it stays the same when the file is saved and opened."""
    return node.uniqueId().toString()


def find(document: Document, layer_id: str) -> Optional[Node]:
    """The layer of that id, or None where it is gone.

    (`Document.nodeByUniqueID` gives Krita 5.1's Python an object that is no `Node`.)
    """
    if not layer_id:
        return None
    return next((node for node, _ in walk(document.rootNode()) if identity(node) == layer_id), None)


def is_layer(node: Node) -> bool:
    return node.type().endswith("layer")


def children(node: Node) -> List[Node]:
    """The layers in a group, topmost first; masks are left out."""
    return [n for n in reversed(owned(node.childNodes())) if is_layer(n)]


def walk(node: Node, hidden: bool = False) -> Iterator[Tuple[Node, bool]]:
    """All layers below a group, topmost first: (layer, whether it or a group around it is hidden)."""
    for child in children(node):
        unseen = hidden or not child.visible()
        yield child, unseen
        yield from walk(child, unseen)


def active_layer(document: Document) -> Optional[Node]:
    """The active layer; the layer of an active mask; the topmost layer where the selection mask is active."""
    node = document.activeNode()
    while node is not None and not is_layer(node):
        node = node.parentNode()
    if node is not None and node.parentNode() is not None:
        return node
    top = children(document.rootNode())
    return top[0] if top else None


def below(node: Node) -> Optional[Node]:
    """The layer right below another one in its group; None where it is the lowest."""
    beside = children(node.parentNode() or node)
    place = [identity(one) for one in beside].index(identity(node))
    return beside[place + 1] if place + 1 < len(beside) else None


ANNOTATION = "scumble-"
"""What a document's notes on results begin with; the layer's id follows."""


def annotation_of(layer_id: str) -> str:
    """The name of the note on a result layer."""
    return ANNOTATION + layer_id.strip("{}")


def describe(node: Node, hidden: bool, results: Container[str] = ()) -> LayerInfo:
    """A layer as the shared code sees it. `results`: the names of the notes on results."""
    why = "hidden" if hidden else RESULT if is_result(node, results) else KINDS.get(node.type(), "")
    if not why and (node.locked() or any(parent.locked() for parent in parents(node))):
        why = "locked"
    return LayerInfo(identity(node), node.name(), not why, why)


def is_result(node: Node, results: Container[str]) -> bool:
    """Whether a layer is a result, or a part of one that is a group."""
    return any(annotation_of(identity(one)) in results for one in (node, *parents(node)))


def parents(node: Node) -> Iterator[Node]:
    """The groups around a layer, the innermost first; without the root."""
    parent = node.parentNode()
    while parent is not None and parent.parentNode() is not None:
        yield parent
        parent = parent.parentNode()


def layers_over(document: Document, node: Node) -> Iterator[Tuple[Node, bool]]:
    """The layers over another one that are seen, topmost first, with whether each is a result.

    Groups are left out, but for one that is a result: it stands for the layers in it.
    """
    results = set(document.annotationTypes())
    own = identity(node)
    for layer, hidden in walk(document.rootNode()):
        if identity(layer) == own:
            return
        made = annotation_of(identity(layer)) in results
        part = not made and is_result(layer, results)
        if not hidden and not part and (made or layer.type() != "grouplayer"):
            yield layer, made


def covering(document: Document, node: Node) -> Node:
    """The layer that something new goes right above, so that it is seen where `node` is.

    That is the uppermost layer over it which would hide it and is no picture of its own: an earlier result, or what is
    drawn for an operation; else `node` itself. Where that lies in a group without `node`, the group stands for it.
    """
    around = {identity(group) for group in parents(node)}
    for layer, is_result in layers_over(document, node):
        if is_result or role_of(layer.name(), DRAWN) is not None:
            for group in parents(layer):
                if identity(group) in around:
                    break
                layer = group
            return layer
    return node


class DocumentTree(LayerTree["Node"]):
    """A document's layers, for finding the place of a new one."""

    def __init__(self, document: Document) -> None:
        self._document = document

    def key(self, layer: Node) -> str:
        return identity(layer)

    def find(self, key: Any) -> Optional[Node]:
        return find(self._document, key)

    def parent(self, layer: Node) -> Optional[Node]:
        return next(parents(layer), None)


def view_of(document: Optional[Document]) -> Optional[View]:
    """The document at the moment; None where there is none."""
    if document is None:
        return None
    node = active_layer(document)
    if not is_open(document):  # Krita 5.3 and newer lets events come while it looks for the active layer
        return None
    results = set(document.annotationTypes())
    layers = tuple(describe(layer, hidden, results) for layer, hidden in walk(document.rootNode()))
    known = {layer.id: layer for layer in layers}
    active = known.get(identity(node)) if node is not None else None
    under = below(node) if node is not None else None
    if active is not None and node is not None and node.type() == "paintlayer" and node.bounds().isEmpty():
        emptied = replace(active, empty=True)
        layers = tuple(emptied if layer is active else layer for layer in layers)
        active = emptied
    return View(
        layers,
        active,
        document.selection() is not None,
        known.get(identity(under)) if under is not None else None,
    )
