"""Which of the editors' tests each of their versions must pass (`make test-editors-older`); the newest run all of them (`make test`)."""

from __future__ import annotations

from pathlib import Path

import pytest

EVERY_VERSION = (
    "krita/test_again.py::test_run_again_works_after_saving_and_opening_without_the_selection",
    "krita/test_docker.py::test_it_is_made_from_the_descriptions",
    "krita/test_inpaint.py",
    "krita/test_live.py::test_one_layer_follows_the_strokes",
    "krita/test_masked.py",
    "krita/test_operations.py",
    "krita/test_preview.py::test_it_shows_the_part_around_the_selection_before_and_after",
    "krita/test_soft_edges.py::test_a_result_of_two_layers_is_one_result",
    "krita/test_soft_edges.py::test_a_run_over_a_thin_picture_leaves_it_as_thin_as_it_was",
    "krita/test_start.py::test_krita_ends_well_with_a_picture_open",
    "krita/test_windows.py",
    "gimp/test_dialog.py::test_a_preview_follows_the_controls",
    "gimp/test_dialog.py::test_few_parameters_are_in_view",
    "gimp/test_dialog_room.py",
    "gimp/test_inpaint.py",
    "gimp/test_layers.py::test_run_again_works_on_a_result_of_a_file_that_was_saved_and_opened",
    "gimp/test_operations.py",
    "gimp/test_soft_edges.py::test_a_result_of_two_layers_is_one_result",
    "gimp/test_soft_edges.py::test_a_run_over_a_thin_picture_leaves_it_as_thin_as_it_was",
    "gimp/test_windows.py::test_menu_dialog_new_layer_undo_and_redo",
)
"""Files below this folder, and single tests: the start, docker and dialogs, every operation with its defaults, an exact fill, undo, quitting."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if not item.path.is_relative_to(here):
            continue
        file = item.path.relative_to(here).as_posix()
        name = item.name.partition("[")[0]
        if file in EVERY_VERSION or f"{file}::{name}" in EVERY_VERSION:
            item.add_marker(pytest.mark.every_version)
