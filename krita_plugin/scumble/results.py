"""The last results and what an artist does with them: show, hide, keep, discard, use their parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, Optional, Set, cast

from .document import find, is_open, walk
from .qt import QObject
from .scumble_client.editor.placing import numbered_name
from .scumble_client.editor.provenance import dump
from .scumble_client.editor.recent_results import RecentResults
from .scumble_client.editor.source_files import folder_of
from .writing import add_layer, keep_provenance, show

if TYPE_CHECKING:
    from krita import Document

    from .scumble_client.editor.reading import Steps
    from .scumble_client.editor.recent_results import RecentResult
    from .scumble_client.request import Pixels
    from .studio import Studio


class ResultKeeper(QObject):
    """Results by number. All that changes a document does it in steps."""

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio)
        self.studio = studio
        self._inserting: Set[int] = set()
        options = studio.settings.option
        self._results = RecentResults(options("results_count"), options("results_megabytes") << 20)

    def add(self, kept: RecentResult) -> int:
        number = self._results.add(kept)
        self.studio.results_changed.emit()
        return number

    def of(self, document: Optional[Document]) -> Dict[int, RecentResult]:
        """Those of a document, newest first: {number: RecentResult}."""
        if document is None:
            return {}
        return {n: k for n, k in self._results.numbered().items() if k.document == document}

    def names(self, document: Document, title: str, count: int = 1) -> List[str]:
        """The names of a document's next results: after those of its layers, and of variations that are none yet."""
        taken = [node.name() for node, _ in walk(document.rootNode())]
        taken += [one.name for one in self.of(document).values()]
        names: List[str] = []
        for _ in range(count):
            names.append(numbered_name(title, [*taken, *names]))
        return names

    def get(self, number: int) -> Optional[RecentResult]:
        return self._results.get(number)

    def set_limits(self, count: int, megabytes: int) -> None:
        self._results.count, self._results.limit = count, megabytes << 20
        self._results.prune()
        self.studio.results_changed.emit()

    def tidy(self) -> None:
        """Forget what belongs to documents that were closed."""
        for document in {id(k.document): k.document for k in self._results}.values():
            if not is_open(document):
                self._results.forget_document(document)
        self.studio.results_changed.emit()

    def visible(self, kept: RecentResult) -> bool:
        """Whether the result can be seen as a layer now."""
        node = find(kept.document, kept.layer)
        return node is not None and node.visible()

    def toggle(self, number: int) -> None:
        """Show or hide a result; a variation that comes to be seen hides the others of its run."""
        kept = self._results.get(number)
        if kept is None or not is_open(kept.document):
            self.tidy()
            return
        node = find(kept.document, kept.layer)
        if node is not None:
            seen = not node.visible()
            node.setVisible(seen)
            show(node)
            if seen:
                self._hide_siblings(number)
            self.studio.results_changed.emit()
        elif kept.pixels is not None:
            self._start(number, kept, self._insert(number, kept))
        else:
            self._results.remove(number)
            self.studio.say(f"The layer “{kept.name}” was removed, and its pixels are no longer at hand.")
            self.studio.results_changed.emit()

    def compare(self, number: int) -> bool:
        """Show what is hidden, or hide what is shown, of a result's own layer alone; whether it has one."""
        kept = self._results.get(number)
        node = find(kept.document, kept.layer) if kept is not None and is_open(kept.document) else None
        if node is None:
            return False
        node.setVisible(not node.visible())
        show(node)
        return True

    def _start(self, number: int, kept: RecentResult, steps: Steps[Any]) -> None:
        """Steps that make a layer of a result; a second click meanwhile makes no second one."""
        if number in self._inserting:
            return
        self._inserting.add(number)

        def once() -> Steps[None]:
            try:
                yield from steps
            finally:
                self._inserting.discard(number)

        self.studio.steps.start(once(), kept.document)

    def _insert(self, number: int, kept: RecentResult) -> Steps[None]:
        masked = self.studio.settings.option("masked")
        kept.layer = yield from add_layer(
            kept.document, kept.place, kept.name, cast("Pixels", kept.pixels), masked=masked
        )
        keep_provenance(kept.document, kept.layer, dump(kept.provenance, folder_of(kept.document.fileName())))
        self._hide_siblings(number)
        self.studio.results_changed.emit()

    def _hide_siblings(self, number: int) -> None:
        for other in self._results.siblings(number):
            node = find(other.document, other.layer)
            if node is not None and node.visible():
                node.setVisible(False)
                show(node)

    def keep(self, number: int) -> None:
        """The layer stays as it is; the thumbnail goes. A variation becomes a layer first."""
        kept = self._results.get(number)
        if kept is None:
            return
        if find(kept.document, kept.layer) is None and kept.pixels is not None and is_open(kept.document):
            self._start(number, kept, self._keep(number, kept))
        else:
            self._forget(number)

    def _keep(self, number: int, kept: RecentResult) -> Steps[None]:
        yield from self._insert(number, kept)
        self._forget(number)

    def discard(self, number: int) -> None:
        """Remove the layer (undo brings it back), and the thumbnail."""
        kept = self._results.get(number)
        if kept is not None and is_open(kept.document):
            node = find(kept.document, kept.layer)
            if node is not None:
                node.remove()
        self._forget(number)

    def use(self, number: int) -> None:
        kept = self._results.get(number)
        if kept is not None:
            self.studio.use_parameters(kept.provenance)

    def _forget(self, number: int) -> None:
        self._results.remove(number)
        self.studio.results_changed.emit()
