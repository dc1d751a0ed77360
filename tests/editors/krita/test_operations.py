"""Every operation with its defaults, as the docker's form gives them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.editors.scene_files import NAMES, files

from .harness.session import Krita
from .test_docker import _docker


def _run(k: Any, operation: str, paths: dict[str, str]) -> Any:
    docker = k.module("harness_docker")(k)
    yield lambda: k.studio.connection.state == "ready"
    document = yield from k.open(paths["image"])
    described = k.studio.catalogue.find(operation)
    source = k.module("scumble_client.editor.roles").Source
    for role, path in paths.items():
        if role != "image":
            k.studio.choose(document, operation, role, source("file", path=path))
    # another test's values may be remembered
    k.studio.set_parameters(described, k.module("scumble_client.editor.form").defaults(described))
    docker.show_operation(described)
    docker.form._one_changed()  # as with every change that the artist makes: all values come out of the form
    yield docker.run_button.isEnabled  # a moment later, when the docker has looked at the document
    docker.run_button.click()
    yield lambda: k.studio.entries or k.said()
    yield k.idle
    made = [n for n in document.topLevelNodes() if k.module("writing").provenance_of(document, n.uniqueId().toString())]
    return k.said(), len(made)


@pytest.mark.parametrize("operation", NAMES)
def test_its_defaults_are_good_in_the_docker(krita: Krita, tmp_path: Path, operation: str) -> None:
    krita.lend(_docker)
    said, made = krita.run(_run, operation=operation, paths=files(tmp_path, operation))
    assert made == 1, said


def _values(k: Any) -> Any:
    docker = k.module("harness_docker")(k)
    described = k.studio.catalogue.find("photo-style")
    docker.show_operation(described)
    defaults = docker.form.values() == k.module("scumble_client.editor.form").defaults(described)
    k.studio.set_parameters(described, {**k.studio.parameters(described), "laplacian_epsilon": 1.23456789e-8})
    docker.form.set_values(k.studio.parameters(described))
    few = docker.form.values()["laplacian_epsilon"]
    docker.form.fields["laplacian_epsilon"].spin.setValue(0.0000003)
    return defaults, few, docker.form.values()["laplacian_epsilon"]


def test_small_numbers_stay_what_they_are(krita: Krita) -> None:
    krita.lend(_docker)
    assert krita.run(_values) == [True, 1.23456789e-8, 3e-7]
