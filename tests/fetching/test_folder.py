"""Files that one has already: known by their content, converted where need be, refused in sentences; what is the user's stays."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest
import torch

from scumble.faces.sketch import sc_fegan_weights
from scumble.fetching import folder as folders
from scumble.fetching import recognition
from scumble.fetching.folder import Added, add_folder
from scumble.inpainting.weights import loading
from scumble.weights import WeightStore, load_manifest, parse_manifest
from scumble_client.errors import ScumbleError
from tests.faces.sketch.test_sc_fegan_weights import made as sc_fegan
from tests.faces.sketch.test_sc_fegan_weights import published
from tests.inpainting.weights.test_loading import CASES, Lama, script
from tests.support.checkpoints import write_bundle
from tests.support.file_server import CONTENT, SHA256
from tests.support.own_manifest import entry
from tests.vision.vgg.test_weights import Kernels, normalised_state
from tests.vision.vgg.test_weights import kernels as kernels  # the fixture


@pytest.fixture
def store(tmp_path: Path) -> WeightStore:
    own = parse_manifest(entry("known", "http://nowhere.invalid/x", size=len(CONTENT), sha256=SHA256), tmp_path)
    return WeightStore(tmp_path / "store", load_manifest().with_entries(own))


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    made = tmp_path / "mine"
    made.mkdir()
    return made


def add(folder: Path, store: WeightStore) -> list[Added]:
    return add_folder(folder, store, lambda done, message: None)


def names(found: list[Added]) -> list[str]:
    return [one.name for one in found]


def test_a_published_file_is_known_under_any_name(mine: Path, store: WeightStore) -> None:
    (mine / "a").mkdir()
    (mine / "a" / "whatever.dat").write_bytes(CONTENT)
    said: list[tuple[float, str]] = []
    found = add_folder(mine, store, lambda done, message: said.append((done, message)))
    assert found == [Added("whatever.dat", "known", "“whatever.dat” is The one called known: ready to use.")]
    assert store.path("known").read_bytes() == CONTENT
    assert said[0] == (0.0, "Looking at whatever.dat")
    assert said[-1][0] == 1.0
    assert add(mine, store)[0].sentence == "The one called known was here already."


def test_a_file_may_be_named_itself(mine: Path, store: WeightStore) -> None:
    (mine / "one.pt").write_bytes(CONTENT)
    assert names(add(mine / "one.pt", store)) == ["known"]


@pytest.mark.parametrize(
    ("case", "place", "name"),
    [
        ("keras", "anything", "pconv-keras"),
        ("naoto", "anything", "pconv-pytorch"),
        ("deepfill", "release_places2_256", "deepfill-places2"),
        ("deepfill", "release_celeba_256", "deepfill-celebahq"),
        ("deepcreampy", "Train_775000", "deepcreampy-bar"),
        ("deepcreampy", "Train_290000", "deepcreampy-mosaic"),
    ],
)
def test_what_has_to_be_fetched_by_hand_is_converted(
    mine: Path, store: WeightStore, case: str, place: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recognition, "LEAST", 1)  # these networks are small
    make, write, architecture = CASES[case]
    (mine / place).mkdir()
    network = make()
    write(mine / place, network)
    for path in (mine / place).glob("Train_775000*"):
        path.rename(path.with_name(path.name.replace("Train_775000", place)))
    before = {path: path.read_bytes() for path in mine.rglob("*") if path.is_file()}
    assert names(add(mine, store)) == [name]
    loaded = loading.load(store.path(name))
    assert loaded.name == architecture
    assert all(
        torch.equal(a, b)
        for a, b in zip(loaded.network.state_dict().values(), network.state_dict().values(), strict=True)
    )
    assert {path: path.read_bytes() for path in mine.rglob("*") if path.is_file()} == before


def test_two_of_one_form_have_to_be_named(mine: Path, store: WeightStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recognition, "LEAST", 1)
    make, write, _ = CASES["deepfill"]
    path = write(mine, make())
    (found,) = add(mine, store)
    assert found.name == ""
    assert found.sentence == f"“{path.name}” is DeepFill v2, but not which: put “places” or “celeb” into its name."


@pytest.mark.parametrize("own", [False, True])
def test_sc_fegan(mine: Path, store: WeightStore, own: bool) -> None:
    network = sc_fegan()
    if own:
        sc_fegan_weights.save(network, mine / "converted.safetensors")
    else:
        write_bundle(mine / "SC-FEGAN.ckpt", published(network))
    (found,) = add(mine, store)
    assert found.name == "sc-fegan"
    assert found.sentence.endswith("For non-commercial use only.")
    assert sc_fegan_weights.load(store.path("sc-fegan"))


def test_adain_s_encoder_is_known_by_its_first_layer(mine: Path, store: WeightStore, kernels: Kernels) -> None:
    torch.save(normalised_state(kernels), mine / "vgg.pth")
    assert names(add(mine, store)) == ["adain-vgg"]


def test_a_program_that_nobody_knows_is_left_alone(mine: Path, store: WeightStore) -> None:
    script(Lama(), mine / "my-lama.pt")
    (mine / "graph.onnx").write_bytes(b"x" * 5000)
    found = add(mine, store)
    assert names(found) == ["", ""]
    assert found[1].sentence == "“my-lama.pt” is a program, and none of the published ones: it is left alone."


def test_other_files_are_passed_over(mine: Path, store: WeightStore) -> None:
    for name, content in {
        "a.pth": b"x" * 5000,
        "b.safetensors": b"y" * 5000,
        "c.npz": b"z" * 5000,
        "d.zip": b"PK" * 900,
    }.items():
        (mine / name).write_bytes(content)
    os.symlink(mine / "gone", mine / "link.pth")
    (mine / ".hidden.pth").write_bytes(CONTENT)
    assert add(mine, store) == []


def test_what_can_t_be_looked_at_is_said(mine: Path, store: WeightStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for place, said in ((mine / "gone", "There is no folder"), (mine, "There are no files of weights in")):
        with pytest.raises(ScumbleError, match=said):
            add(place, store)
    monkeypatch.setattr(folders, "MOST_FILES", 2)
    for number in range(3):
        (mine / f"{number}.pt").write_bytes(b"x" * 2000)
    with pytest.raises(ScumbleError, match="more than 2 files") as caught:
        add(mine, store)
    assert caught.value.code == "too_large"


def test_a_full_disk_ends_it_in_a_sentence(mine: Path, store: WeightStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(folders, "_copy", full)
    (mine / "one.pt").write_bytes(CONTENT)
    with pytest.raises(ScumbleError, match="The disk is full: The one called known does not fit") as caught:
        add(mine, store)
    assert caught.value.code == "internal"
    assert store.status("known").state == "missing"
    assert list(store.directory.glob("*.part")) == []


def test_a_file_that_changes_while_it_is_taken_is_not_kept(
    mine: Path, store: WeightStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "_copy", lambda path, to: to.write_bytes(CONTENT[:-1] + b"!"))
    (mine / "one.pt").write_bytes(CONTENT)
    (found,) = add(mine, store)
    assert found.name == ""
    assert found.sentence.startswith("This is not The one called known: its SHA-256")
    assert store.status("known").state == "missing"
