"""The face parser's trainer: labels out of a teacher and landmarks, what it draws, and that it goes on bit for bit."""

from __future__ import annotations

import importlib.machinery
import json
import math
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from scumble.faces.parsing import weights
from scumble.faces.parsing.network import CLASSES, FaceParser
from scumble_client.errors import ScumbleError
from scumble_training.common.trainer import Run
from scumble_training.faces import parsing_metrics as metrics
from scumble_training.faces.parsing import losses
from scumble_training.faces.parsing_draws import STORED, ParsedFaces, ParsingBatch, ParsingDraws, spoilt, sunlit
from scumble_training.faces.parsing_labels import SIDE, Teacher, labels_of, taught
from scumble_training.registry import find
from tests.support.faces import collections, mean_points

OTHER, SKIN, HAIR, LIPS, EYES, MOUTH = range(len(CLASSES))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return collections(tmp_path_factory.mktemp("data"))


def said(skin: float = 1.0, hair_rows: int = 30) -> np.ndarray:
    """What a teacher says: hair above, skin (so much of it) in the middle, nothing at both sides."""
    out = np.zeros((2, SIDE, SIDE), np.uint8)
    out[0, hair_rows:, 20:108] = round(255 * skin)
    out[1, :hair_rows, 20:108] = 255
    return out


class FakeRuntime(types.ModuleType):
    """ONNX Runtime, with a network that sees skin where it is red and hair where it is blue."""

    asked = 0

    class SessionOptions:
        intra_op_num_threads = 0

    def InferenceSession(self, path: str, options: object, providers: list[str]) -> object:  # noqa: N802
        if b"network" not in Path(path).read_bytes():
            raise RuntimeError("INVALID_PROTOBUF")
        return self

    def get_inputs(self) -> list[types.SimpleNamespace]:
        return [types.SimpleNamespace(name="x.1")]

    def run(self, outputs: None, given: dict[str, np.ndarray]) -> list[np.ndarray]:
        FakeRuntime.asked += 1
        (seen,) = given.values()
        assert seen.shape == (1, 3, 512, 512)
        assert seen.dtype == np.float32
        return [np.stack([seen[:, 0] > 0, seen[:, 1] * 0, seen[:, 0] <= 0], 1).astype(np.float32)]


@pytest.fixture
def teacher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    runtime = FakeRuntime("onnxruntime")
    runtime.__spec__ = importlib.machinery.ModuleSpec("onnxruntime", None)  # torch asks for it
    monkeypatch.setitem(sys.modules, "onnxruntime", runtime)
    monkeypatch.setattr(FakeRuntime, "asked", 0)
    path = tmp_path / "teacher.onnx"
    path.write_bytes(b"a network")
    return path


def trained(data: Path, folder: Path, steps: int, minutes: float | None = None, **more: object) -> Path:
    torch.manual_seed(99)  # whatever happened before must not matter
    raw = {"batch": 2, "measure_every": 2, "steps": steps, **more}
    trainer = find("face-parsing")
    run = Run(data, folder, seed=5, minutes=minutes, say=lambda text: None)
    return trainer.train(run, trainer.validate({name: str(value) for name, value in raw.items()}))


def test_it_leaves_a_file_a_sheet_and_figures(data: Path, tmp_path: Path, teacher: Path) -> None:
    path = trained(data, tmp_path, 2, teacher=teacher)
    assert path.name == "scumble-face-parsing.safetensors"
    assert isinstance(weights.load(path), FaceParser)
    assert (tmp_path / "heldout-000002.jpg").is_file()
    figures = json.loads((tmp_path / "metrics.jsonl").read_text().splitlines()[-1])
    assert {"entropy", "dice", *(f"iou_{name}" for name in CLASSES)} <= figures.keys()
    assert all(math.isfinite(figures[name]) for name in ("entropy", "dice", "iou_skin"))
    assert json.loads((tmp_path / "groups.json").read_text())["source free"]["faces"] == 2


def test_the_teacher_is_asked_once_for_each_face(data: Path, tmp_path: Path, teacher: Path) -> None:
    trained(data, tmp_path, 1, teacher=teacher)
    assert FakeRuntime.asked == 6
    trained(data, tmp_path, 2)  # it is not needed any more
    assert FakeRuntime.asked == 6


@pytest.mark.usefixtures("teacher")
def test_without_labels_and_teacher_it_says_so(data: Path, tmp_path: Path) -> None:
    with pytest.raises(ScumbleError, match="6 faces") as raised:
        trained(data, tmp_path, 1)
    assert raised.value.code == "invalid_parameter"


def test_a_teacher_that_is_none_is_refused(tmp_path: Path, teacher: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    teacher.write_bytes(b"something else")
    with pytest.raises(ScumbleError) as raised:
        Teacher(teacher)
    assert raised.value.code == "weights_missing"
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ScumbleError, match="ONNX Runtime"):
        Teacher(teacher)


def test_what_the_teacher_says_is_kept_whole(data: Path, tmp_path: Path) -> None:
    """A file that was being written when the training ended is written again."""
    asked: list[int] = []

    def fails_at_the_second(picture: np.ndarray) -> np.ndarray:
        asked.append(len(picture))
        if len(asked) == 2:
            raise KeyboardInterrupt
        return said()

    names = [f"faces/{n}.webp" for n in range(3)]
    with pytest.raises(KeyboardInterrupt):
        list(taught(data, tmp_path, names, fails_at_the_second))
    assert len(list(taught(data, tmp_path, names, fails_at_the_second))) == 2
    assert asked == [256] * 4
    assert not list(tmp_path.glob("*.part"))


def test_stopped_and_gone_on_with_it_ends_with_the_same_bits(data: Path, tmp_path: Path, teacher: Path) -> None:
    whole = load_file(trained(data, tmp_path / "whole", 3, teacher=teacher))
    trained(data, tmp_path / "parts", 3, minutes=0, teacher=teacher)
    again = load_file(trained(data, tmp_path / "parts", 3))
    assert whole.keys() == again.keys()
    assert all(torch.equal(tensor, again[name]) for name, tensor in whole.items())


def test_it_may_begin_with_a_file(data: Path, tmp_path: Path, teacher: Path) -> None:
    first = trained(data, tmp_path / "first", 2, teacher=teacher)
    found = load_file(trained(data, tmp_path / "more", 1, teacher=teacher, start=first, rate=1e-9))
    begun = load_file(first)
    assert all(torch.allclose(found[name].float(), begun[name].float(), atol=2e-3) for name in begun)


def test_labels_are_shares_of_the_teacher_and_of_the_landmarks() -> None:
    points = mean_points()
    labels = labels_of(said(), points)
    assert labels.shape == (6, SIDE, SIDE)
    assert np.abs(labels.astype(int).sum(0) - 255).max() <= 3
    most = labels.argmax(0)

    def at(x: float, y: float) -> int:
        return int(most[int(y * SIDE), int(x * SIDE)])

    assert at(0.5, 0.05) == HAIR
    assert at(0.5, 0.62) == SKIN
    assert at(0.02, 0.5) == OTHER
    for part in (slice(19, 25), slice(25, 31), slice(0, 5), slice(5, 10)):
        assert at(*points[part].mean(0)) == EYES
    assert at(*points[[34, 44]].mean(0)) == LIPS


def test_the_middle_of_a_face_is_face_where_the_teacher_sees_nothing_and_hair_hides_brows() -> None:
    points = mean_points()
    nothing = labels_of(said(skin=0), points)
    assert nothing.argmax(0)[int(0.62 * SIDE), SIDE // 2] == SKIN
    assert nothing.argmax(0)[-1, SIDE // 2] == OTHER
    fringe = labels_of(said(hair_rows=int(points[19:25, 1].max() * SIDE) + 2), points).argmax(0)
    x, y = points[0:5].mean(0) * SIDE
    assert fringe[int(y), int(x)] == HAIR


def faces(count: int = 4) -> ParsedFaces:
    rng = np.random.default_rng(0)
    labels = torch.from_numpy(np.stack([labels_of(said(), mean_points())] * count))
    pictures = torch.from_numpy(rng.integers(0, 255, (count, 3, 160, 160), np.uint8))
    return ParsedFaces(pictures, labels, [{"source_repo": "free/faces", "age": str(15 * n)} for n in range(count)])


def draws() -> ParsingDraws:
    return ParsingDraws(faces(), torch.randint(0, 255, (3, 3, 256, 256), dtype=torch.uint8))


def test_a_batch_is_told_by_its_generator_alone() -> None:
    drawn = draws()
    one, two, other = (drawn.batch(8, np.random.default_rng(seed)) for seed in (1, 1, 2))
    for name in ("pictures", "seen", "labels"):
        assert torch.equal(getattr(one, name), getattr(two, name))
    assert not torch.equal(one.pictures, other.pictures)


def test_a_batch_keeps_pictures_and_parts_in_order() -> None:
    batch = draws().batch(64, np.random.default_rng(0))
    assert batch.pictures.shape == (64, 3, SIDE, SIDE)
    assert 0 <= batch.pictures.min() <= batch.pictures.max() <= 1
    assert torch.allclose(batch.labels.sum(1), torch.ones(64, SIDE, SIDE), atol=0.02)
    gone = batch.seen == 0
    assert 0.02 < gone.float().mean() < 0.3
    assert (batch.pictures * gone).max() == 0
    assert batch.labels[:, :1][gone].min() == 1
    # mirrored and turned, lips are still below eyes
    rows = torch.arange(SIDE).float()[None, :]
    middle = [
        (batch.labels[:, n].sum(2) * rows).sum(1) / batch.labels[:, n].sum((1, 2)).clamp(min=1) for n in (EYES, LIPS)
    ]
    there = (batch.labels[:, EYES].sum((1, 2)) > 50) & (batch.labels[:, LIPS].sum((1, 2)) > 50)
    assert there.sum() > 30
    assert (middle[0] < middle[1])[there].all()


def test_old_faces_with_little_hair_are_not_learned_from() -> None:
    ages = ["70", "70", "30", ""]
    labels = torch.zeros(4, len(CLASSES), SIDE, SIDE, dtype=torch.uint8)
    for number, share in enumerate((0.1, 0.4, 0.1, 0.0)):
        labels[number, HAIR, : round(share * SIDE)] = 255
    pictures = torch.arange(4, dtype=torch.uint8)[:, None, None, None].expand(4, 3, STORED, STORED)
    found = ParsedFaces(pictures, labels, [{"age": age} for age in ages]).well_known()
    assert found.pictures[:, 0, 0, 0].tolist() == [1, 2, 3]
    assert len(found.rows) == len(found.labels) == 3


def test_the_sun_on_hair_leaves_strands_and_all_else() -> None:
    picture = torch.full((16, 3, SIDE, SIDE), 0.2)
    picture[..., ::2] = 0.3
    hair = torch.zeros(16, 1, SIDE, SIDE)
    hair[:, :, : SIDE // 3] = 1
    made = sunlit(picture, hair, 1.0, np.random.default_rng(0))
    assert torch.allclose(made[:, :, SIDE // 3 :], picture[:, :, SIDE // 3 :], atol=1e-6)
    lighter = (made - picture)[:, :, : SIDE // 3]
    assert lighter.amax((1, 2, 3)).min() > 0.1
    assert lighter.min() > -1e-6
    assert (made[..., ::2] > made[..., 1::2]).all()
    assert made.max() <= 1
    assert torch.equal(sunlit(picture, hair, 0.0, np.random.default_rng(0)), picture)


def test_spoilt_pictures_stay_pictures() -> None:
    found = spoilt(torch.rand(24, 3, 64, 64), np.random.default_rng(0))
    assert 0 <= found.min() <= found.max() <= 1


def test_a_right_answer_has_no_error_and_a_wrong_one_has() -> None:
    labels = torch.zeros(1, 6, 8, 8)
    labels[:, SKIN, :, :4], labels[:, HAIR, :, 4:] = 1, 1
    seen = torch.ones(1, 1, 8, 8)
    batch = ParsingBatch(torch.zeros(1, 3, 8, 8), seen, labels)
    right, wrong = (losses(logits, batch) for logits in (labels * 40, labels.flip(3) * 40))
    assert right["entropy"] < 1e-3
    assert right["dice"] < 0.01
    assert wrong["entropy"] > 1
    assert wrong["dice"] > 0.9
    seen[..., :4] = 0  # nothing counts where there is no picture
    half = labels.clone()
    half[..., :4] = labels.flip(3)[..., :4]
    assert losses(half * 40, batch)["entropy"] < 1e-3


class Echo(FaceParser):
    """Says skin where the picture is bright, else nothing."""

    def forward(self, picture: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        out = torch.zeros(len(picture), 6, *picture.shape[2:])
        out[:, SKIN] = (picture.mean(1) - 0.5) * 100
        return out


def test_overlap_is_counted_by_part_and_by_group() -> None:
    made = faces(3)
    bright = torch.where(made.labels.argmax(1, keepdim=True) == SKIN, 255, 0).expand(-1, 3, -1, -1)
    exact = ParsedFaces(torch.nn.functional.interpolate(bright.float(), size=(160, 160)).byte(), made.labels, made.rows)
    counts = metrics.counted(Echo(), exact, "cpu")
    assert counts.shape == (3, 2, 6)
    assert metrics.overlap(counts)["iou_skin"] > 0.9
    assert metrics.overlap(counts)["iou_hair"] == 0
    worse = metrics.counted(Echo(), exact, "cpu", lambda pictures: 1 - pictures)
    assert metrics.overlap(worse)["iou_skin"] < 0.1
    groups = metrics.by_group(counts, exact.rows)
    assert groups["age under 18"][0] == 2
    assert groups["source free"][0] == 3
