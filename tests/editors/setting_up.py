"""What tests of setting up from an editor need: a release's archives, an index on this machine, and empty folders."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import platformdirs
import pytest

from scumble.installers.release import write_release
from scumble_client.setup.indexes import BASE
from scumble_client.version import __version__
from tests.support.daemon import ROOT, Folders
from tests.support.package_index import PackageIndex, wheel_name
from tests.support.small_engine import TORCH, scumble_wheel

PINS = ROOT / "constraints.txt"


def archive(editor: str, folder: Path) -> Path:
    """The editor's archive in a folder of a release."""
    return folder / f"scumble-{editor}-{__version__}.zip"


def small_release(folder: Path, version: str = __version__) -> Path:
    """Archives whose engine is the small one, which sets up in seconds and is no daemon."""
    folder.mkdir(parents=True)
    wheel = folder / wheel_name("scumble", version)
    wheel.write_bytes(scumble_wheel(version))
    pins = folder / "pins"
    pins.write_text(f"torch=={TORCH}\n")
    write_release(folder, wheel, pins, int(time.time()))
    return folder


def real_release(folder: Path) -> Path:
    """Archives as `make release` makes them, but out of the working tree."""
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, timeout=600)
    write_release(folder, folder / wheel_name("scumble", __version__), PINS, int(time.time()))
    return folder


def real_packages(release: Path) -> PackageIndex:
    """An index with all that the engine needs, for the Python that runs this; fetched once, and kept.

    PyTorch's build for processors comes from where pip finds it, else from PyTorch's own index.
    """
    kept = Path(platformdirs.user_cache_dir("scumble-tests")) / f"wheels-{sys.version_info[0]}.{sys.version_info[1]}"
    kept.mkdir(parents=True, exist_ok=True)
    wheel = release / wheel_name("scumble", __version__)
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--only-binary",
        ":all:",
        "-d",
        str(kept),
        "-c",
        str(PINS),
    ]
    command += ["--find-links", str(kept), *_index()]
    done = subprocess.run([*command, str(wheel), "pip"], capture_output=True, text=True, timeout=900, check=False)
    if done.returncode:
        reason = f"The packages can't be fetched: {done.stderr.strip().splitlines()[-1]}"
        if os.environ.get("SCUMBLE_CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return PackageIndex({path.name: path for path in kept.glob("*.whl") if not path.name.startswith("scumble-")})


def _index() -> list[str]:
    said = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False)
    own = any(name in said.stdout for name in ("find-links", "extra-index-url"))
    return [] if own or not sys.platform.startswith("linux") else ["--extra-index-url", f"{BASE}/cpu"]


def surroundings(folders: Folders, index: PackageIndex, **more: str) -> dict[str, str]:
    """The environment of an editor on a machine where nothing of Scumble is, with this index for pip."""
    ours = {name: value for name, value in folders.environment.items() if name.startswith("SCUMBLE_")}
    small = folders.base / "small"
    small.mkdir(exist_ok=True)
    return {
        **ours,
        "SCUMBLE_DATA_DIR": str(folders.base / "data"),
        "SCUMBLE_PYTHON": sys.executable,  # the editors' own folders have a Python without pip
        "SCUMBLE_TORCH_INDEX": "",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": index.address,
        "PIP_FIND_LINKS": "",
        "PIP_CACHE_DIR": str(folders.base / "pip"),
        "PIP_CERT": "",
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
        "SMALL_ENGINE": str(small),
        **more,
    }


def unpacked(zip_file: Path, folder: Path) -> Path:
    """As a file manager does, which keeps what may be run."""
    subprocess.run([shutil.which("unzip") or "unzip", "-q", str(zip_file), "-d", str(folder)], check=True, timeout=120)
    return folder
