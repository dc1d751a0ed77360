"""Where PyTorch is looked for: by processor or card, by what pip was told, by what the indexes have."""

from __future__ import annotations

from pathlib import Path

import pytest

from scumble_client.setup.indexes import (
    BASE,
    complaint,
    own_places,
    read_configuration,
    read_files,
    torch_index,
)
from scumble_client.setup.machine import CPU, CUDA
from scumble_client.setup.problem import SetupError
from scumble_client.system.folders import pip_files
from tests.support.package_index import PackageIndex, serving

PAGES = {
    f"{BASE}/cpu/torch/": "torch-2.13.0%2Bcpu-cp312.whl",
    f"{BASE}/cu130/torch/": "torch-2.13.0%2Bcu130-cp312.whl",
    f"{BASE}/cu128/torch/": "torch-2.9.0%2Bcu128-cp312.whl",
    f"{BASE}/cu126/torch/": "torch-2.13.0+cu126-cp312.whl",
}


@pytest.mark.parametrize(
    ("compute", "cuda", "platform", "index"),
    [
        (CPU, "", "linux", f"{BASE}/cpu"),
        (CPU, "", "win32", ""),  # PyPI's build is the one for processors there
        (CPU, "", "darwin", ""),
        (CUDA, "13.1", "linux", f"{BASE}/cu130"),
        (CUDA, "13.0", "win32", f"{BASE}/cu130"),
        (CUDA, "12.9", "linux", f"{BASE}/cu126"),  # 12.8 has only an older PyTorch
        (CUDA, "", "linux", f"{BASE}/cu130"),
    ],
)
def test_each_machine_has_its_index(compute: str, cuda: str, platform: str, index: str) -> None:
    assert torch_index(compute, cuda, "2.13.0", {}, PAGES.get, platform, {}) == index


def test_a_version_is_not_taken_for_another_that_begins_alike() -> None:
    pages = {f"{BASE}/cu130/torch/": "torch-2.13.01%2Bcu130", f"{BASE}/cu126/torch/": "torch-2.13.0%2Bcu126"}
    assert torch_index(CUDA, "13.0", "2.13.0", {}, pages.get, "linux", {}) == f"{BASE}/cu126"


def test_who_has_places_of_their_own_is_asked_for_nothing_else() -> None:
    for name in ("extra-index-url", "find-links", "no-index"):
        assert own_places({name: "x"})
        assert torch_index(CUDA, "13.0", "2.13.0", {name: "x"}, PAGES.get, "linux", {}) == ""
    assert not own_places({"index-url": "https://mirror/simple"})  # a mirror of PyPI has PyPI's builds


def test_a_variable_names_another_or_none() -> None:
    for index in ("https://mirror/whl/cpu", ""):
        assert torch_index(CPU, "", "2.13.0", {}, PAGES.get, "linux", {"SCUMBLE_TORCH_INDEX": index}) == index


def test_without_the_index_for_processors_pips_own_is_asked() -> None:
    assert torch_index(CPU, "", "2.13.0", {}, lambda _: None, "linux", {}) == ""


def test_without_builds_for_the_card_it_is_said_which_way_is_open() -> None:
    with pytest.raises(SetupError, match="can't be reached") as unreachable:
        torch_index(CUDA, "13.0", "2.13.0", {}, lambda _: None, "linux", {})
    assert unreachable.value.kind == "network"
    with pytest.raises(SetupError, match=r"no PyTorch 9\.9\.9 for CUDA 12\.6.*driver up to date") as none:
        torch_index(CUDA, "12.6", "9.9.9", {}, PAGES.get, "linux", {})
    assert none.value.kind == "no_package"


def test_what_pip_was_told_is_read() -> None:
    text = "\n".join(
        [
            ":env:.cert='/c.pem'",
            ":env:.find-links='/wheels'",
            "global.index-url='https://user:pw@host/simple'",
            "global.find-links='/others'",
            "install.timeout='9'",
            "global.timeout='5'",
            "wheel.find-links='/not-asked'",
            "nonsense",
        ]
    )
    assert read_configuration(text) == {
        "cert": "/c.pem",
        "find-links": "/wheels",  # what is nearer to the call
        "index-url": "https://user:pw@host/simple",
        "timeout": "9",
    }


def test_pips_files_are_read_for_uv(tmp_path: Path) -> None:
    files = pip_files({}, tmp_path, "linux")
    assert files[-1] == tmp_path / ".config" / "pip" / "pip.conf"
    assert pip_files({"PIP_CONFIG_FILE": "/x"}, tmp_path) == (Path("/x"),)
    assert any(path.name == "pip.ini" for path in pip_files({"APPDATA": str(tmp_path)}, tmp_path, "win32"))
    first, second, broken = tmp_path / "a", tmp_path / "b", tmp_path / "c"
    first.write_text("[global]\nindex-url = https://a/100%/simple\nproxy = p\n")
    second.write_text("[global]\nindex-url = https://b\n[install]\nfind-links = /w\n")
    broken.write_text("index-url = no section")
    read = read_files([tmp_path / "none", first, second, broken], {"PIP_PROXY": "q", "PIPE": "x"})
    assert read == {"index-url": "https://b", "proxy": "q", "find-links": "/w"}


@pytest.mark.parametrize(("status", "said"), [(200, ""), (404, ""), (403, "403 Error"), (500, "500 Error")])
def test_an_index_is_asked_why_it_has_nothing(status: int, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving(PackageIndex(status=status)) as index:
        assert complaint({"index-url": index.address}).startswith(said)
        assert bool(complaint({"index-url": index.address})) == bool(said)
    assert complaint({"index-url": index.address}).startswith("NewConnectionError")
    assert complaint({"no-index": "1"}) == ""
