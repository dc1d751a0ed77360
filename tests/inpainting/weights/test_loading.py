"""Published inpainting checkpoints: files of the same structure, with few channels, load into networks that fill."""

from __future__ import annotations

import hashlib
import os
import pickle
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from scumble.inpainting.networks.deepcreampy import DeepCreamPyNet
from scumble.inpainting.networks.gated_conv import GatedGenerator
from scumble.inpainting.networks.partial_conv import KERAS, NAOTO, PartialConvUNet, Stage, UNetForm
from scumble.inpainting.weights import loading
from scumble.inpainting.weights.inpainters import DeepCreamPyInpainter, Inpainter, Requirements, mirrored
from scumble.inpainting.weights.loading import Converted
from scumble_client.errors import ScumbleError
from tests.support.checkpoints import write_bundle, write_keras

State = dict[str, torch.Tensor]
PICTURE = torch.rand(45, 37, 3, generator=torch.Generator().manual_seed(0))
HOLE = torch.zeros(45, 37, dtype=torch.bool)
HOLE[10:30, 12:25] = True


def scrambled(network: nn.Module) -> nn.Module:
    """Other numbers than those at the start, statistics of batches too."""
    torch.manual_seed(3)
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if tensor.is_floating_point():
                tensor.add_(torch.rand_like(tensor) * 0.1 if "var" in name else torch.randn_like(tensor) * 0.05)
    return network.eval()


def array(tensor: torch.Tensor, kernel: bool = False) -> NDArray[np.generic]:
    return (tensor.permute(2, 3, 1, 0) if kernel else tensor).contiguous().numpy()


def keras_file(folder: Path, network: PartialConvUNet, whole_model: bool = False, first: int = 17) -> Path:
    layers: dict[str, dict[str, NDArray[Any]]] = {}
    stages = [s for s in [*network.encoder, *network.decoder] if isinstance(s, Stage)]
    decoder = 1
    for number, stage in enumerate(stages):
        state = stage.state_dict()
        layers[f"p_conv2d_{first + number}"] = {
            "img_kernel": array(state["conv.weight"], kernel=True), "bias": array(state["conv.bias"])
        }  # fmt: skip
        if stage.norm is None:
            continue
        in_encoder = number < len(network.encoder)
        layer = f"EncBN{number}" if in_encoder else f"batch_normalization_{decoder}"
        decoder += not in_encoder
        names = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}
        layers[layer] = {theirs: array(state[f"norm.{ours}"]) for theirs, ours in names.items()}
    state = network.state_dict()
    layers["outputs_img"] = {"kernel": array(state["output.weight"], kernel=True), "bias": array(state["output.bias"])}
    path = folder / "weights.26-1.07-0.0002-0.h5"
    write_keras(path, dict(sorted(layers.items())), whole_model)
    return path


def naoto_file(folder: Path, network: PartialConvUNet) -> Path:
    state: State = {}
    depth = len(network.encoder)
    for key, tensor in network.state_dict().items():
        side, number, part, name = key.split(".")
        place = f"enc_{int(number) + 1}" if side == "encoder" else f"dec_{depth - int(number)}"
        state[f"{place}.{'bn' if part == 'norm' else 'conv.conv2d'}.{name}"] = tensor
        if part == "conv":
            state[f"{place}.conv.mask2d.{name}"] = torch.ones_like(tensor)
    path = folder / "1000000.pth"
    torch.save({"model": state, "optimizer": {"state": {}, "param_groups": []}, "n_iter": 1000000}, path)
    return path


def deepfill_file(folder: Path, network: GatedGenerator) -> Path:
    found: dict[str, NDArray[Any]] = {
        "global_step": np.array(1, np.int64),
        "discriminator/conv1/kernel": np.zeros((5, 5, 4, 2), np.float32),
    }
    for key, tensor in network.state_dict().items():
        _, layer, _, name = key.split(".")
        place = f"{layer}/{layer}_conv" if "upsample" in layer else layer
        kernel = name == "weight"
        found[f"inpaint_net/{place}/{'kernel' if kernel else 'bias'}"] = array(tensor, kernel)
        found[f"inpaint_net/{place}/{'kernel' if kernel else 'bias'}/Adam"] = np.zeros(3, np.float32)
    write_bundle(folder / "snap-0", found)
    return folder / "snap-0.index"


def deepcreampy_file(folder: Path, network: DeepCreamPyNet) -> Path:
    found: dict[str, NDArray[Any]] = {
        "disc_red/l1w": np.zeros((5, 5, 3, 2), np.float32),
        "beta1_power": np.array(0.5, np.float32),
    }
    for key, tensor in network.state_dict().items():
        place, name = key.rsplit(".", 1)
        parts = place.split(".")
        if parts[0] == "encoder":
            number, scope = int(parts[1]), "G_en"
        elif parts[0] == "decoder":
            number, scope = 2 * int(parts[1]) + int(parts[2]), "G_de"
        else:
            number, scope = (8, "G_de") if parts[0] == "output" else (-1, "CB1")
        layer = "ML" if number < 0 else "Conv" + (f"_{number}" if number else "")
        found[f"{scope}/{layer}/{'weights' if name == 'weight' else 'biases'}"] = array(tensor, name == "weight")
    write_bundle(folder / "Train_775000", found)
    (folder / "Train_775000.meta").write_bytes(b"a graph, which nobody needs")
    return folder / "Train_775000.meta"


def same(made: nn.Module, wanted: nn.Module) -> bool:
    a, b = made.state_dict(), wanted.state_dict()
    return set(a) == set(b) and all(torch.equal(a[k], b[k]) for k in b if "num_batches" not in k)


WIDTHS = (3, 4, 5, 5)


def keras() -> PartialConvUNet:
    from dataclasses import replace

    network = scrambled(PartialConvUNet(replace(KERAS, widths=WIDTHS, kernels=(7, 5, 5, 3))))
    assert isinstance(network, PartialConvUNet)
    return network


def naoto() -> PartialConvUNet:
    from dataclasses import replace

    network = scrambled(PartialConvUNet(replace(NAOTO, widths=WIDTHS, kernels=(7, 5, 5, 3))))
    assert isinstance(network, PartialConvUNet)
    return network


CASES: dict[str, tuple[Callable[[], Any], Callable[[Path, Any], Path], str]] = {
    "keras": (keras, keras_file, "partial_conv"),
    "keras model": (keras, lambda folder, n: keras_file(folder, n, whole_model=True, first=1), "partial_conv"),
    "naoto": (naoto, naoto_file, "partial_conv"),
    "deepfill": (lambda: scrambled(GatedGenerator(8)), deepfill_file, "gated_conv"),
    "deepfill guided": (lambda: scrambled(GatedGenerator(8, guided=True)), deepfill_file, "gated_conv"),
    "deepcreampy": (lambda: scrambled(DeepCreamPyNet(4)), deepcreampy_file, "deepcreampy"),
}


@pytest.mark.parametrize("case", CASES)
def test_every_form_loads_converts_and_fills(case: str, tmp_path: Path) -> None:
    make, write, architecture = CASES[case]
    network = make()
    path = write(tmp_path, network)
    loaded = loading.load(path)
    assert loaded.name == architecture
    assert same(loaded.network, network)
    if isinstance(network, PartialConvUNet):
        assert isinstance(loaded.network, PartialConvUNet)
        assert loaded.network.form == network.form
    converted = tmp_path / "converted.safetensors"
    loading.convert(path).save(converted)
    again = loading.load(converted)
    assert same(again.network, network)
    filled = loaded.fill(PICTURE, HOLE)
    assert torch.equal(again.fill(PICTURE, HOLE), filled)
    check_fill(filled)


def check_fill(filled: torch.Tensor, picture: torch.Tensor = PICTURE, hole: torch.Tensor = HOLE) -> None:
    assert filled.shape == picture.shape
    assert torch.equal(filled[~hole], picture[~hole])
    assert not torch.equal(filled[hole], picture[hole])
    assert 0 <= float(filled.min()) <= float(filled.max()) <= 1


def test_half_precision_is_half_the_size(tmp_path: Path) -> None:
    path = deepcreampy_file(tmp_path, CASES["deepcreampy"][0]())
    loading.convert(path).save(tmp_path / "a.safetensors")
    loading.convert(path).save(tmp_path / "b.safetensors", half=True)
    sizes = [(tmp_path / f"{name}.safetensors").stat().st_size for name in "ab"]
    assert sizes[1] < 0.6 * sizes[0]
    check_fill(loading.load(tmp_path / "b.safetensors").fill(PICTURE, HOLE))


def test_what_a_trainer_leaves_loads(tmp_path: Path) -> None:
    form = UNetForm(widths=(2, 4, 4), norm_epsilon=2e-5)
    Converted("partial_conv", PartialConvUNet(form).state_dict(), form).save(tmp_path / "x.safetensors")
    network = loading.load(tmp_path / "x.safetensors").network
    assert isinstance(network, PartialConvUNet)
    assert (network.form.widths, network.form.norm_epsilon) == ((2, 4, 4), 2e-5)


class Lama(nn.Module):
    """The interface of big-lama.pt: what lies in the hole becomes the mean of the picture that it is given."""

    def forward(self, image: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        assert image.shape[2] % 8 == 0, "sides are multiples of 8"
        assert image.shape[3] % 8 == 0, "sides are multiples of 8"
        known = image * (1 - mask)
        mean = known.sum(dim=(2, 3), keepdim=True) / (1 - mask).sum(dim=(2, 3), keepdim=True)
        return known + mean * mask


class Migan(nn.Module):
    """The interface of migan_traced.pt: 0.5 less the mask, and the erased picture in -1 to 1."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        assert x.shape[2] == 512, "512 pixels"
        assert x.shape[3] == 512, "512 pixels"
        hole = 0.5 - x[:, :1]
        known = x[:, 1:]
        return known * (1 - hole) + hole * 0.5


class Three(nn.Module):
    def forward(self, a: torch.Tensor, b: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
        return a + b + c


def script(module: nn.Module, path: Path) -> Path:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # newer versions of torch would have it otherwise
        torch.jit.script(module).save(str(path))  # type: ignore[no-untyped-call]
    return path


@pytest.mark.parametrize("name", ["big-lama.pt", "anime-manga-big-lama.pt"])
def test_lama(tmp_path: Path, name: str) -> None:
    loaded = loading.load(script(Lama(), tmp_path / name), may_run=lambda sha256: True)
    assert (loaded.name, loaded.requirements.multiple_of) == ("lama", 8)
    filled = loaded.fill(PICTURE, HOLE)
    check_fill(filled)
    # nothing of the hole has come in: else changing it would change the fill
    other = torch.where(HOLE[..., None], 0.9, PICTURE)
    assert torch.equal(loaded.fill(other, HOLE)[HOLE], filled[HOLE])


@pytest.mark.parametrize("shape", [(45, 37), (512, 512), (300, 700)])
def test_migan_gets_squares_of_512_pixels(tmp_path: Path, shape: tuple[int, int]) -> None:
    loaded = loading.load(script(Migan(), tmp_path / "migan_traced.pt"), may_run=lambda sha256: True)
    assert (loaded.name, loaded.requirements.size, loaded.requirements.square) == ("migan", 512, True)
    picture, hole = torch.rand(*shape, 3), torch.zeros(shape, dtype=torch.bool)
    hole[10:20, 10:30] = True
    filled = loaded.fill(picture, hole)
    check_fill(filled, picture, hole)
    assert torch.allclose(filled[13:17, 14:26], torch.tensor(0.75), atol=0.01)  # 0.5 in -1 to 1


@pytest.mark.parametrize("shape", [(1, 1), (3, 70), (40, 41), (290, 180)])
@pytest.mark.parametrize("case", ["naoto", "deepfill", "deepcreampy"])
def test_any_size_will_do(case: str, shape: tuple[int, int], tmp_path: Path) -> None:
    loaded = loading.load(CASES[case][1](tmp_path, CASES[case][0]()))
    picture, hole = torch.rand(*shape, 3), torch.zeros(shape, dtype=torch.bool)
    hole[: shape[0] // 2 + 1, : shape[1] // 2 + 1] = True
    filled = loaded.fill(picture, hole)
    assert torch.equal(filled[~hole], picture[~hole])
    assert torch.isfinite(filled).all()


def test_without_a_hole_nothing_is_done(tmp_path: Path) -> None:
    loaded = loading.load(deepcreampy_file(tmp_path, CASES["deepcreampy"][0]()))
    assert torch.equal(loaded.fill(PICTURE, torch.zeros_like(HOLE)), PICTURE)
    with pytest.raises(ValueError, match="do not fit"):
        loaded.fill(PICTURE, HOLE[:-1])


def test_deepcreampy_sees_a_mosaic_only_where_it_is_told_to() -> None:
    inpainter = DeepCreamPyInpainter(CASES["deepcreampy"][0]())
    other = torch.where(HOLE[..., None], 0.9, PICTURE)
    assert torch.equal(inpainter.fill(PICTURE, HOLE)[HOLE], inpainter.fill(other, HOLE)[HOLE])
    kept = [inpainter.fill(x, HOLE, keep_mosaic=True)[HOLE] for x in (PICTURE, other)]
    assert not torch.equal(*kept)


def test_a_sketch_leads_a_guided_network_only(tmp_path: Path) -> None:
    lines = torch.zeros_like(HOLE)
    lines[20] = True
    for case, changes in (("deepfill guided", True), ("deepfill", False)):
        loaded = loading.load(deepfill_file(tmp_path, CASES[case][0]()))
        assert loaded.takes_sketch == changes
        differs = not torch.equal(loaded.fill(PICTURE, HOLE), loaded.fill(PICTURE, HOLE, sketch=lines))
        assert differs == changes


def test_pictures_are_continued_by_their_mirror_image() -> None:
    x = torch.arange(3.0).view(1, 1, 1, 3)
    assert mirrored(x, 2, 10)[0, 0, 1].tolist() == [0, 1, 2, 2, 1, 0, 0, 1, 2, 2]


def test_requirements_are_said() -> None:
    assert not Requirements(8, 16).square
    assert issubclass(DeepCreamPyInpainter, Inpainter)


class _Evil:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.marker}",)


def test_no_pickle_is_executed(tmp_path: Path) -> None:
    marker = tmp_path / "was-here"
    torch.save({"enc_1.conv.conv2d.weight": _Evil(marker)}, tmp_path / "x.pth")
    with pytest.raises(ScumbleError, match="can't be read"):
        loading.load(tmp_path / "x.pth")
    assert not marker.exists()


def test_what_is_no_such_network_is_refused_in_a_sentence(tmp_path: Path) -> None:
    torch.save({"some.weight": torch.zeros(3)}, tmp_path / "other.pth")
    torch.save([1, 2], tmp_path / "list.pth")
    (tmp_path / "text.pt").write_bytes(b"no archive")
    (tmp_path / "cut.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + b"x" * 40)
    (tmp_path / "cut.safetensors").write_bytes(b"\x00" * 20)
    network = CASES["deepfill"][0]()
    index = deepfill_file(tmp_path, network)
    index.write_bytes(index.read_bytes()[:-30])
    script(Three(), tmp_path / "three.pt")
    for name in ("other.pth", "list.pth", "text.pt", "cut.h5", "cut.safetensors", "snap-0.index", "three.pt"):
        with pytest.raises(ScumbleError) as raised:
            loading.load(tmp_path / name, may_run=lambda sha256: True)
        assert raised.value.code == "weights_missing"
        assert name in raised.value.message, raised.value.message
        assert raised.value.hint.endswith(".")
    with pytest.raises(ScumbleError, match="is missing"):
        loading.load(tmp_path / "nowhere.pth")


def test_layers_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    network = naoto()
    path = naoto_file(tmp_path, network)
    content = torch.load(path, weights_only=True)
    content["model"]["enc_2.conv.conv2d.weight"] = torch.zeros(4, 9, 5, 5)
    torch.save(content, path)
    with pytest.raises(ScumbleError, match="can't be read"):
        loading.convert(path)


def test_a_program_runs_only_where_it_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = script(Lama(), tmp_path / "big-lama.pt")
    monkeypatch.setattr(torch.jit, "load", lambda *_, **__: pytest.fail("it was run"))
    with pytest.raises(ScumbleError, match="TorchScript") as raised:
        loading.load(path)
    assert raised.value.code == "unauthorized"
    assert "scumble weights trust" in raised.value.hint


def test_what_was_looked_at_is_what_runs(tmp_path: Path) -> None:
    """Whoever changes the file after it was asked about gets nothing run."""
    path = script(Lama(), tmp_path / "big-lama.pt")
    allowed = hashlib.sha256(path.read_bytes()).hexdigest()

    def asked(sha256: str) -> bool:
        assert sha256 == allowed
        script(Migan(), path)
        return True

    assert loading.load(path, may_run=asked).name == "lama"


@pytest.mark.parametrize("suffix", [".pt", ".pth", ".safetensors", ".zip"])
def test_no_program_is_run_to_look_at_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    """Whatever it is called, and even where it is not seen that it is one."""
    path = script(Lama(), tmp_path / f"weights{suffix}")
    monkeypatch.setattr(torch.jit, "load", lambda *_, **__: pytest.fail("it was run"))
    for seen in (True, False):
        if not seen:
            monkeypatch.setattr(loading, "is_torchscript", lambda _: False)
        for read in (loading.load, loading.convert):
            with pytest.raises(ScumbleError):
                read(path)


def test_a_pickle_in_a_program_never_runs(tmp_path: Path) -> None:
    """Its data and constants are read by TorchScript's own reader, which knows no other classes, and only where it may run."""
    good, bad, mark = script(Lama(), tmp_path / "good.pt"), tmp_path / "bad.pt", tmp_path / "it-ran"
    with zipfile.ZipFile(good) as source, zipfile.ZipFile(bad, "w") as target:
        for name in source.namelist():
            hostile = name.endswith(("data.pkl", "constants.pkl"))
            target.writestr(name, pickle.dumps(Bomb(mark), protocol=2) if hostile else source.read(name))
    for may in (True, False):
        with pytest.raises(ScumbleError):
            loading.load(bad, may_run=lambda sha256, may=may: may)  # type: ignore[misc]
    with pytest.raises(ScumbleError):
        loading.convert(bad)
    assert not mark.exists()


class Bomb:
    """What a pickle runs when it is read without care."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return (Path.touch, (self.mark,))


@pytest.mark.parametrize("archive", [True, False])
def test_a_pickle_that_would_run_something_is_refused(tmp_path: Path, archive: bool) -> None:
    path, mark = tmp_path / "places2.pth", tmp_path / "it-ran"
    torch.save({"model": Bomb(mark)}, path, _use_new_zipfile_serialization=archive)
    for read in (loading.load, loading.convert):
        with pytest.raises(ScumbleError) as raised:
            read(path)
        assert raised.value.code == "weights_missing"
    assert not mark.exists()


def test_torchscript_is_used_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(ScumbleError, match="TorchScript"):
        loading.convert(script(Lama(), tmp_path / "big-lama.pt"))
