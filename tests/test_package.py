"""What `pip install scumble` brings: a wheel built from the sdist, unpacked elsewhere, has all that it needs inside."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from scumble.pictures import NAMES, painting, picture, portrait, selection
from scumble_client.version import __version__
from tests.support.commands import load

ROOT = Path(__file__).parents[1]
LARGEST = 100_000_000


@dataclass(frozen=True)
class Package:
    wheel: Path
    sdist: Path
    site: Path
    """A folder with the wheel unpacked, and with nothing of the checkout."""
    environment: dict[str, str]

    def run(self, *arguments: object, code: int = 0) -> str:
        """Call the installed `scumble`; what it printed."""
        command = [sys.executable, "-c", "from scumble.cli.app import main; main()", *map(str, arguments)]
        done = subprocess.run(
            command, cwd=self.site, env=self.environment, capture_output=True, text=True, timeout=240, check=False
        )
        assert done.returncode == code, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Package:
    folder = tmp_path_factory.mktemp("package")
    build = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True, timeout=240)
    [wheel], [sdist] = folder.glob("*.whl"), folder.glob("*.tar.gz")
    site = folder / "site"
    shutil.unpack_archive(wheel, site, "zip")
    own = {f"SCUMBLE_{kind}_DIR": str(folder / kind.lower()) for kind in ("CACHE", "LOG", "CONFIG", "RUNTIME")}
    own["SCUMBLE_WEIGHTS"] = str(folder / "weights")
    environment = {**os.environ, **own, "PYTHONPATH": str(site), "HOME": str(folder)}
    return Package(wheel, sdist, site, environment)


def test_names_and_size(package: Package) -> None:
    assert package.wheel.name == f"scumble-{__version__}-py3-none-any.whl"
    assert package.sdist.name == f"scumble-{__version__}.tar.gz"
    assert max(package.wheel.stat().st_size, package.sdist.stat().st_size) < LARGEST
    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text()


def test_it_runs_without_the_checkout(package: Package) -> None:
    program = "import scumble, scumble_client; print(scumble.__file__, scumble_client.__file__)"
    command = [sys.executable, "-c", program]
    said = subprocess.run(
        command, cwd=package.site, env=package.environment, capture_output=True, text=True, check=True
    )
    assert all(path.startswith(str(package.site)) for path in said.stdout.split())
    assert package.run("--version").split() == ["scumble", __version__]


@pytest.mark.parametrize("name", ["scumble", "scumble_client", "scumble_training"])
def test_its_types_are_told(package: Package, name: str) -> None:
    assert (package.site / name / "py.typed").is_file()


def test_pictures_and_weights_are_inside(package: Package) -> None:
    for path in (*map(picture, NAMES), *map(selection, NAMES), painting("sunset"), portrait()):
        inside = package.site / "scumble" / path.relative_to(ROOT / "backend" / "scumble")
        assert inside.read_bytes() == path.read_bytes()
    package.run("weights", "verify")
    for path in (ROOT / "weights").iterdir():
        assert (package.site / "scumble" / "_weights" / path.name).read_bytes() == path.read_bytes()


def test_an_operation_with_embedded_weights(package: Package, tmp_path: Path) -> None:
    out = tmp_path / "face.png"
    package.run("run", "face-sample", "--local", "--device", "cpu", "--image", portrait(), "--composite", out)
    assert (load(out) != load(portrait())).any(axis=2).mean() > 0.1


@pytest.mark.parametrize(
    ("editor", "source", "there"), [("krita", "krita_plugin", "pykrita"), ("gimp", "gimp_plugin", "")]
)
def test_both_plugins_are_inside(package: Package, tmp_path: Path, editor: str, source: str, there: str) -> None:
    package.run("install", editor, "--resources", tmp_path)
    wanted = {p.name for p in (ROOT / source / "scumble").glob("*.py")}
    assert wanted <= {p.name for p in (tmp_path / there / "scumble").glob("*.py")}
    assert list((tmp_path / there).rglob("scumble_client/client.py"))


def test_the_citation_names_this_version() -> None:
    assert f"\nversion: {__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
