"""Names of result layers: counted in the document, one more than the largest."""

from __future__ import annotations

import pytest

from scumble_client.editor.placing import numbered_name


@pytest.mark.parametrize(
    ("taken", "name"),
    [
        ([], "Inpaint 1"),
        (["Inpaint 1", "Inpaint 7", "Background"], "Inpaint 8"),
        (["Inpaint", "Inpaint copy", "Inpaint 2 copy", "Inpaint ²", "Inpainting 5"], "Inpaint 1"),
        (["Inpaint 4286578688"], "Inpaint 1"),
    ],
)
def test_a_number_is_never_given_twice(taken: list[str], name: str) -> None:
    assert numbered_name("Inpaint", taken) == name
