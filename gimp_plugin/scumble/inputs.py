"""What an operation is given: where its picture comes from, and every role's pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional, Sequence, Tuple

from reading import read_file

from scumble_client.editor.provenance import is_try
from scumble_client.editor.reading import finish, read_roles
from scumble_client.editor.roles import Source
from scumble_client.editor.source_files import read_source_file

if TYPE_CHECKING:
    from edited_picture import EditedPicture
    from host import Gimp

    from scumble_client.editor.provenance import Provenance
    from scumble_client.editor.reading import Steps
    from scumble_client.editor.settings import EditorSettings
    from scumble_client.request import Pixels


AUTOMATIC = "auto"
INPUTS = {
    AUTOMATIC: "Automatic",
    "visible": "What is visible",
    "active": "Chosen layer",
    "below": "Layer below",
}
"""Kinds of sources that the picture can come from, and what an artist reads for each."""


class Inputs:
    """Reads an operation's roles out of a picture, and keeps what it has read.

    `with_results`: whether earlier results that lie over the layer are read with it, as they are seen. Those of the same
    operation and the same selection are not: they are earlier tries at the same, in whose place the new one comes.
    """

    def __init__(
        self, picture: EditedPicture, operation: Dict[str, Any], settings: EditorSettings, with_results: bool
    ) -> None:
        self._picture, self._operation, self._settings = picture, operation, settings
        self._with_results = with_results
        self._kept: Dict[Any, Tuple[Optional[Pixels], Source]] = {}
        self.notes: List[str] = []
        """Sentences for the artist."""

    def forget(self) -> None:
        """The picture may have changed."""
        self._kept.clear()

    def read(
        self, sources: Dict[str, Source], mask: Optional[Pixels] = None
    ) -> Tuple[Dict[str, Pixels], Dict[str, Source]]:
        """The pixels of every role, and what they were read from. `mask` stands in for the selection. Raises ScumbleError."""

        def read_role(role: Mapping[str, Any], source: Source) -> Steps[Tuple[Optional[Pixels], Source]]:
            over, without = self._around(source, sources, mask) if role["name"] == "image" else ((), ())
            key = (role["name"], source, *(("over", one.get_id()) for one in over), *(one.get_id() for one in without))
            if key not in self._kept:
                self._kept[key] = self._read(role, source, over, without)
            return self._kept[key]
            yield  # (GIMP's own loop needs no steps in between: a plug-in is a process of its own)

        return finish(read_roles(self._operation, sources, mask, read_role))

    def _read(
        self, role: Mapping[str, Any], source: Source, over: Sequence[Gimp.Layer], without: Sequence[Gimp.Layer]
    ) -> Tuple[Optional[Pixels], Source]:
        as_mask = role.get("kind") == "mask" and role["name"] != "image"
        if source.kind != "file":
            return self._picture.read(source, role, as_mask, over, without), source
        remembered = self._settings.place_of_file(source.digest)
        pixels, found, note = read_source_file(
            source, role, self._picture.folder, remembered, lambda path: read_file(path, as_mask)
        )
        if note:
            self.notes.append(note)
        return pixels, found

    def over(self, sources: Dict[str, Source]) -> Sequence[Gimp.Layer]:
        """The earlier results that are read with the picture."""
        return self._around(sources["image"], sources, None)[0]

    def _around(
        self, source: Source, sources: Dict[str, Source], mask: Optional[Pixels]
    ) -> Tuple[Sequence[Gimp.Layer], Sequence[Gimp.Layer]]:
        """For the picture: what is read with it, and what is left out of it."""
        picture = self._picture
        given = [picture.item(one) for role, one in sources.items() if role != "image" and one.kind == "layer"]
        given = [item for item in given if item is not None and item.is_layer() and item.get_image() == picture.image]
        selected: List[Optional[Pixels]] = []  # it is read only where there is an earlier result at all

        def is_earlier_try(made: Provenance) -> bool:
            if not selected:
                of_now = sources.get("mask", Source()).kind == "selection" and mask is None
                selected.append(picture.read(sources["mask"], {}) if of_now else mask)
            return is_try(made, self._operation["name"], sources, selected[0])

        if source.kind == "visible":
            return (), [*given, *(one for one in picture.results(is_earlier_try) if one not in given)]
        item = picture.item(source)
        if not self._with_results or item is None or item.get_image() != picture.image:
            return (), ()
        return [one for one in picture.results_over(item, is_earlier_try) if one not in given], ()
