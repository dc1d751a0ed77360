"""The manifest: what it must say, and that the one of this repository says it."""

from __future__ import annotations

from pathlib import Path

import pytest

from scumble.weights.manifest import load_manifest, parse_manifest
from scumble_client.errors import ScumbleError

ENTRY = """
[[weights]]
name = "net"
title = "The network"
architecture = "unet"
file = "net.pth"
licence = "MIT"
url = "https://example.org/net.pth"
"""


def changed(old: str, new: str) -> str:
    assert old in ENTRY
    return ENTRY.replace(old, new)


def test_reads_every_field(tmp_path: Path) -> None:
    more = f'operations = ["inpaint"]\nsize = 12\nsha256 = "{"ab" * 32}"\nmd5 = "{"cd" * 16}"\nnon_commercial = true\n'
    manifest = parse_manifest(ENTRY + more, tmp_path)
    entry = manifest["net"]
    assert "net" in manifest
    assert list(manifest) == [entry]
    assert manifest.directory == tmp_path
    assert (entry.operations, entry.size, entry.sha256, entry.md5) == (("inpaint",), 12, "ab" * 32, "cd" * 16)
    assert entry.terms == "The network: licence MIT. For non-commercial use only."


def own(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / "own.toml"
    path.write_text(text, encoding="utf-8")
    monkeypatch.setenv("SCUMBLE_MANIFEST", str(path))


def test_a_manifest_of_one_s_own_takes_the_place_of_some_entries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packaged = load_manifest()
    lama = ENTRY.replace('"net"', '"big-lama"').replace("net.pth", "big-lama.pt")
    own(tmp_path, ENTRY + lama, monkeypatch)
    manifest = load_manifest()
    assert list(manifest.entries) == [*packaged.entries, "net"]
    assert manifest["big-lama"].url == "https://example.org/big-lama.pt"
    assert manifest["migan"] == packaged["migan"]
    assert manifest.directory == packaged.directory, "what is embedded lies where it did"


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        changed('url = "https://example.org/net.pth"', "embedded = true"),
        changed("net.pth", "big-lama.pt"),
        changed('name = "net"', 'name = "Net"'),
    ],
    ids=["no TOML", "embedded", "another's file", "a bad name"],
)
def test_what_is_wrong_in_it_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    own(tmp_path, text, monkeypatch)
    with pytest.raises(ScumbleError, match="SCUMBLE_MANIFEST names can't be used") as caught:
        load_manifest()
    assert caught.value.code == "invalid_parameter"


def test_one_that_is_not_there_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCUMBLE_MANIFEST", str(tmp_path / "gone.toml"))
    with pytest.raises(ScumbleError, match="can't be used"):
        load_manifest()


@pytest.mark.parametrize(
    "file",
    ["../net.pth", "/etc/passwd", "a/b", "a\\b", "..", ".", "", ".hidden", "c:net", "nul.pth", "COM1", "a.part", "a.lock",
     "digests.json", "net\0.pth", "net.pth\n", "name.", "näme"],
)  # fmt: skip
def test_no_file_name_reaches_out_of_the_store(tmp_path: Path, file: str) -> None:
    with pytest.raises(ValueError, match="not a plain file name"):
        parse_manifest(
            changed('"net.pth"', '"' + file.encode("unicode_escape").decode().replace("\\x", "\\u00") + '"'), tmp_path
        )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (changed('name = "net"', 'name = "The net"'), "a name is"),
        (changed('title = "The network"\n', ""), "title is missing"),
        (changed('licence = "MIT"', "licence = 3"), "licence must be a str"),
        (changed("https://example.org/net.pth", "file:///etc/passwd"), "not an http"),
        (changed("https://example.org/net.pth", "https:///net.pth"), "not an http"),
        (ENTRY + "embedded = true\n", "either a url or embedded"),
        (changed('url = "https://example.org/net.pth"\n', ""), "either a url or embedded"),
        (ENTRY + "manual = true\n", "converted to .safetensors"),
        (ENTRY + "size = 0\n", "a size of 0"),
        (ENTRY + "size = true\n", "size must be a int"),
        (ENTRY + 'sha256 = "ABC"\n', "sha256 is 64"),
        (ENTRY + 'md5 = "xyz"\n', "md5 is 32"),
        (ENTRY + 'sha256_prefix = "a"\n', "sha256_prefix is"),
        (ENTRY + 'license = "MIT"\n', "unknown keys license"),
        (ENTRY + ENTRY, "occurs twice"),
        (ENTRY + changed('"net"', '"other"').replace("net.pth", "NET.pth"), "occurs twice"),
        ("weights = 3", "tables"),
    ],
)
def test_refuses_what_is_not_as_it_must_be(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_manifest(text, tmp_path)


def test_what_is_built_here(tmp_path: Path) -> None:
    assert parse_manifest(ENTRY, tmp_path)["net"].built_from == ()
    built = parse_manifest(ENTRY + 'built_from = ["female/512", "male/512"]\n', tmp_path)["net"]
    assert built.built_from == ("female/512", "male/512")


@pytest.mark.parametrize("folder", ['""', '"/a"', '"a/"', '"../a"', '"a//b"', '"a\\\\b"', "3"])
def test_what_is_built_here_names_plain_folders(tmp_path: Path, folder: str) -> None:
    with pytest.raises(ValueError, match="built_from names folders"):
        parse_manifest(ENTRY + f"built_from = [{folder}]\n", tmp_path)


def test_what_comes_along_or_by_hand_is_not_built(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="built from a download"):
        parse_manifest(changed(".pth", ".safetensors") + 'manual = true\nbuilt_from = ["a"]\n', tmp_path)


def test_the_manifest_of_this_repository_is_in_order() -> None:
    manifest = load_manifest()
    assert len(list(manifest)) > 20
    for entry in manifest:
        assert entry.licence, entry.name
        if entry.embedded:
            assert (manifest.directory / entry.file).is_file(), entry.name
    assert manifest["mat"].non_commercial
