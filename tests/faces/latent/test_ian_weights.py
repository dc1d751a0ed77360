"""The Neural Photo Editor's `.npz`: files of the published structure become networks that compute the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from scumble.cli.weights import convert
from scumble.faces.latent import ian_weights
from scumble.faces.latent.ian import Ian, IanSimple
from scumble_client.errors import ScumbleError

WIDTH, LATENTS = 2, 6
HIDDEN, KERNELS = 16, 8
EPSILON = 1e-4

Arrays = dict[str, NDArray[Any]]


def shape_of(name: str, full: bool) -> tuple[int, ...]:
    """The published shapes, at another width: dense weights (in, out), deconvolutions (in, out, 5, 5)."""
    w = WIDTH
    convolutions = {f"enc_conv{n}.W": (w << (n - 1), w << (n - 2) if n > 1 else 3, 5, 5) for n in range(1, 5)}
    channels = {"bnorm2": 2 * w, "bnorm3": 4 * w, "bnorm4": 8 * w, "bnorm_enc_fc1": HIDDEN, "mu_bnorm": LATENTS}
    channels |= {"ls_bnorm": LATENTS, "bnorm_dc1": 4 * w, "bnorm_dc2": 2 * w, "bnorm_dc3": w, "bnorm_dc4": w}
    channels |= {"bnorm_dec_fc2": 128 * w}
    blocks = {"dec_conv2a": 4 * w, "dec_conv3a": 2 * w, "dec_conv4a": w}
    for block, width in blocks.items():
        channels |= {f"{block}bnorm{place}": width for place in range(3)}
    base, _, part = name.rpartition(".")
    if part in ("beta", "gamma", "mean", "inv_std"):
        return (channels[base],)
    project = (4 if full else 8) * w
    fixed: dict[str, tuple[int, ...]] = {
        **convolutions,
        "enc_conv1.b": (w,),
        "enc_fc1.W": (8 * w * 16, HIDDEN),
        "enc_mu.W": (HIDDEN, LATENTS),
        "enc_logsigma.W": (HIDDEN, LATENTS),
        "l_dec_fc2.W": (LATENTS, project * 16),
        "l_dec_fc2.b": (project * 16,),
        "minibatch_discrim.theta": (8 * w, KERNELS, 5),
        "minibatch_discrim.log_weight_scale": (KERNELS, 5),
        "minibatch_discrim.b": (KERNELS,),
        "discrimi.W": (8 * w + KERNELS, 3 if full else 1),
        "dec_conv1.W": (project, 4 * w, 5, 5),
        "dec_conv2.W": (4 * w, 2 * w, 5, 5),
        "dec_conv3.W": (2 * w, w, 5, 5),
        "dec_conv4.W": (w, w, 5, 5),
        "dec_out.W": (w, 3, 5, 5),
        "RW": (2, w, 3, 3),
        "G_aW": (2, w, 3, 3),
        "G_bW": (2, 2, 3, 3),
        "B_aW": (2, w, 3, 3),
        "B_bW": (2, 4, 3, 3),
    }
    if name in fixed:
        return fixed[name]
    if name.startswith("l_IAF"):
        return (LATENTS, LATENTS) if name.endswith("W") else (LATENTS,)
    block = name.removesuffix("W").split("_coeff")[0]
    if "_coeff_" in name:
        return (blocks.get(block.removesuffix("2") if block not in blocks else block, 2),)
    width = blocks[block if block in blocks else block[:-1]]
    return (width, width, 3, 3)


def made(full: bool, seed: int = 0) -> Arrays:
    """A file's arrays, with random numbers that keep activations alive."""
    rng = np.random.default_rng(seed)
    arrays: Arrays = {}
    for name in ian_weights.names(full):
        shape = shape_of(name, full)
        values = rng.normal(0, 0.15, shape)
        if name.endswith(("gamma", "inv_std")):
            values = 1 + 0.3 * rng.random(shape)
        arrays[name] = values.astype(np.float32)
    return arrays


def written(path: Path, arrays: Arrays, **extra: Any) -> Path:
    together: dict[str, Any] = {**arrays, **extra}
    np.savez_compressed(path, **together)
    return path


class Reference:
    """The networks in numpy, from Lasagne's own definitions, by loops over kernels' places."""

    def __init__(self, arrays: Arrays) -> None:
        self.a = {name: values.astype(np.float64) for name, values in arrays.items()}

    def norm(self, x: NDArray[Any], name: str) -> NDArray[Any]:
        tail = (slice(None), *[None] * (x.ndim - 1))
        a = self.a
        scaled = (x - a[f"{name}.mean"][tail]) * (a[f"{name}.gamma"] * a[f"{name}.inv_std"])[tail]
        return np.asarray(scaled + a[f"{name}.beta"][tail])

    def conv(self, x: NDArray[Any], weight: NDArray[Any]) -> NDArray[Any]:
        """5 × 5, stride 2, pad 2, filters not flipped."""
        padded = np.pad(x, ((0, 0), (2, 2), (2, 2)))
        size = x.shape[1] // 2
        out = np.zeros((len(weight), size, size))
        for i in range(5):
            for j in range(5):
                part = padded[:, i : i + 2 * size : 2, j : j + 2 * size : 2]
                out += np.einsum("oc,chw->ohw", weight[:, :, i, j], part)
        return out

    def deconv(self, x: NDArray[Any], weight: NDArray[Any]) -> NDArray[Any]:
        """The gradient, by its input of twice the size, of a true (flipping) convolution with stride 2 and pad 2."""
        size = 2 * x.shape[1]
        out = np.zeros((weight.shape[1], size + 4, size + 4))
        for i in range(5):
            for j in range(5):
                spread = np.einsum("io,ihw->ohw", weight[:, :, 4 - i, 4 - j], x)
                out[:, i : i + size : 2, j : j + size : 2] += spread
        return out[:, 2:-2, 2:-2]

    def encode(self, x: NDArray[Any], elu: bool) -> NDArray[Any]:
        x = leaky(self.conv(x, self.a["enc_conv1.W"]) + self.a["enc_conv1.b"][:, None, None])
        for number in (2, 3, 4):
            x = leaky(self.norm(self.conv(x, self.a[f"enc_conv{number}.W"]), f"bnorm{number}"))
        hidden = self.norm(x.ravel() @ self.a["enc_fc1.W"], "bnorm_enc_fc1")
        hidden = np.where(hidden > 0, hidden, np.expm1(hidden) if elu else 0)
        return self.norm(hidden @ self.a["enc_mu.W"], "mu_bnorm")

    def decode_simple(self, z: NDArray[Any]) -> NDArray[Any]:
        x = np.maximum(self.norm(z @ self.a["l_dec_fc2.W"], "bnorm_dec_fc2"), 0).reshape(-1, 4, 4)
        for number in (1, 2, 3):
            x = np.maximum(self.norm(self.deconv(x, self.a[f"dec_conv{number}.W"]), f"bnorm_dc{number}"), 0)
        return np.asarray(np.tanh(self.deconv(x, self.a["dec_out.W"])))

    def mdc(self, x: NDArray[Any], name: str, scales: tuple[int, ...]) -> NDArray[Any]:
        weight = self.a[f"{name}W"]
        total = np.zeros((len(weight), *x.shape[1:]))
        for scale, part in ((1, "base"), *((s, s or "1x1") for s in scales)):
            share = self.a[f"{name}_coeff_{part}"][:, None, None]
            if scale == 0:
                total += share * np.einsum("oc,chw->ohw", weight.mean((2, 3)), x)
                continue
            padded = np.pad(x, ((0, 0), (scale, scale), (scale, scale)))
            for i in range(3):
                for j in range(3):
                    part_of = padded[:, i * scale : i * scale + x.shape[1], j * scale : j * scale + x.shape[2]]
                    total += share * np.einsum("oc,chw->ohw", weight[:, :, i, j], part_of)
        return total

    def block(self, x: NDArray[Any], name: str, scales: tuple[int, ...]) -> NDArray[Any]:
        inner = self.mdc(leaky(self.norm(x, f"{name}bnorm0")), name, scales)
        inner = self.mdc(leaky(self.norm(inner, f"{name}bnorm1")), f"{name}2", scales)
        return leaky(self.norm(x + inner, f"{name}bnorm2"))

    def decode_full(self, z: NDArray[Any]) -> NDArray[Any]:
        x = leaky(z @ self.a["l_dec_fc2.W"] + self.a["l_dec_fc2.b"]).reshape(-1, 4, 4)
        for number, scales in ((1, (0, 2)), (2, (0, 2, 3)), (3, (0, 2, 3))):
            x = self.norm(self.deconv(x, self.a[f"dec_conv{number}.W"]), f"bnorm_dc{number}")
            x = self.block(x, f"dec_conv{number + 1}a", scales)
        x = leaky(self.norm(self.deconv(x, self.a["dec_conv4.W"]), "bnorm_dc4"))
        beta = (2, 3, 4)
        red = sigmoid(self.mdc(x, "R", beta))
        green = sigmoid(self.mdc(x, "G_a", beta) + self.mdc(red, "G_b", beta))
        blue = sigmoid(self.mdc(x, "B_a", beta) + self.mdc(np.concatenate([red, green]), "B_b", beta))
        return np.stack([2 * c[0] / (c[0] + c[1] + 1e-8) - 1 for c in (red, green, blue)])


def leaky(x: NDArray[Any]) -> NDArray[Any]:
    return np.where(x > 0, x, 0.2 * x)


def sigmoid(x: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(1 / (1 + np.exp(-x)))


PICTURE = np.random.default_rng(5).uniform(-1, 1, (3, 64, 64))
Z = np.random.default_rng(6).normal(0, 1, LATENTS)


class TestSimple:
    def test_encodes_and_decodes_as_the_reference(self, tmp_path: Path) -> None:
        arrays = made(full=False)
        network, reference = ian_weights.load(written(tmp_path / "IAN_simple.npz", arrays)), Reference(arrays)
        assert isinstance(network, IanSimple)
        with torch.no_grad():
            z = network.encode(torch.from_numpy(PICTURE)[None].float())[0].numpy()
            shown = network.decode(torch.from_numpy(Z)[None].float())[0].numpy()
        assert np.allclose(z, reference.encode(PICTURE, elu=True), atol=1e-4)
        assert np.allclose(shown, reference.decode_simple(Z), atol=1e-4)
        assert np.std(shown) > 0.01


class TestFull:
    def test_encodes_and_decodes_as_the_reference(self, tmp_path: Path) -> None:
        arrays = made(full=True)
        network, reference = ian_weights.load(written(tmp_path / "IANv1.npz", arrays)), Reference(arrays)
        assert isinstance(network, Ian)
        with torch.no_grad():
            pictures = torch.from_numpy(PICTURE)[None].float()
            mean = network.posterior(network.introspect(pictures)[-1])[0]
            shown = network.decode(torch.from_numpy(Z)[None].float())[0].numpy()
        assert np.allclose(mean[0].numpy(), reference.encode(PICTURE, elu=False), atol=1e-4)
        assert np.allclose(shown, reference.decode_full(Z), atol=1e-4)
        assert np.std(shown) > 0.01

    def test_the_flow(self, tmp_path: Path) -> None:
        arrays = made(full=True)
        network = ian_weights.load(written(tmp_path / "IANv1.npz", arrays))
        assert isinstance(network, Ian)
        a = {name: values.astype(np.float64) for name, values in arrays.items()}

        def flow(name: str, network_part: Any) -> NDArray[Any]:
            masks = [m.numpy().T for m in (network_part.input_mask, network_part.output_mask, network_part.direct_mask)]
            hidden = np.maximum(Z @ (a[f"{name}_input.W"] * masks[0]) + a[f"{name}_input.b"], 0)
            out = hidden @ (a[f"{name}_output_W.W"] * masks[1]) + a[f"{name}_output_W.b"]
            return np.asarray(out + Z @ (a[f"{name}_output_D.W"] * masks[2]) + a[f"{name}_output_D.b"])

        expected = (Z - flow("l_IAF_mu", network.flow_mean)) / np.exp(flow("l_IAF_ls", network.flow_log_sigma))
        with torch.no_grad():
            assert np.allclose(network.flow(torch.from_numpy(Z)[None].float())[0], expected, atol=1e-4)

    def test_stored_masks_are_taken(self, tmp_path: Path) -> None:
        arrays = made(full=True)
        mask = np.triu(np.ones((LATENTS, LATENTS), np.float32), 1)
        arrays["l_IAF_mu_output_D.weights_mask"] = mask
        network = ian_weights.load(written(tmp_path / "IANv1.npz", arrays))
        assert isinstance(network, Ian)
        assert np.array_equal(network.flow_mean.direct_mask.numpy(), mask.T)


class Trap:
    """Pickled, it would leave a file where it was loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_no_pickle_is_executed(tmp_path: Path) -> None:
    sprung = tmp_path / "sprung"
    trap = np.array(Trap(sprung), dtype=object)
    path = written(tmp_path / "IAN_simple.npz", made(full=False), metadata=trap)
    assert isinstance(ian_weights.load(path), IanSimple)
    other = {**made(full=False), "enc_conv1.W": trap}
    with pytest.raises(ScumbleError):
        ian_weights.load(written(tmp_path / "trap.npz", other))
    assert not sprung.exists()


def test_files_that_are_something_else(tmp_path: Path) -> None:
    arrays = made(full=False)
    del arrays["dec_conv2.W"]
    wrong = {**made(full=False), "dec_conv2.W": np.zeros((3, 3, 5, 5), np.float32)}
    (tmp_path / "text.npz").write_text("no archive")
    paths = [written(tmp_path / "missing.npz", arrays), written(tmp_path / "wrong.npz", wrong), tmp_path / "text.npz"]
    for path in paths:
        with pytest.raises(ScumbleError) as raised:
            ian_weights.load(path)
        assert raised.value.code == "weights_missing"


@pytest.mark.parametrize("full", [False, True])
def test_converted_files_are_read_again(full: bool, tmp_path: Path) -> None:
    path = written(tmp_path / "IAN.npz", made(full))
    convert(path, None, half=False)
    one, other = ian_weights.load(path), ian_weights.load(tmp_path / "IAN.safetensors")
    z = torch.from_numpy(Z)[None].float()
    with torch.no_grad():
        assert torch.equal(one.decode(z), other.decode(z))
