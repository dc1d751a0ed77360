"""An engine as one that was set up from an editor, made in a second: its packages are links to those of the tests' own Python.

All but onnxruntime, which an index of a test's own may have: a small one that gives back what it is given.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

from scumble_client.setup import places

from .package_index import PackageIndex, make_wheel, wheel_name

VERSION = "1.99"

_RUNTIME = """
import little

class SessionOptions:
    pass

class Tensor:
    def __init__(self, name):
        self.name, self.type = name, "tensor(uint8)"

class InferenceSession:
    def __init__(self, program, options, providers):
        pass
    def get_inputs(self):
        return [Tensor("image"), Tensor("mask")]
    def get_outputs(self):
        return [Tensor("result")]
    def run(self, names, given):
        return [given["image"]]
"""


def linked_engine(folder: Path, pip: bool = True) -> Path:
    """Make it in a folder of engines; the engine's own. `pip`: whether it has one."""
    engine = places.new_engine(folder)
    environment = engine / "env"
    command = [sys.executable, "-I", "-m", "venv", "--without-pip", str(environment)]
    subprocess.run(command, check=True, timeout=120)
    linked = engine / "linked"
    linked.mkdir()
    for one in Path(sysconfig.get_path("purelib")).iterdir():
        if not one.name.startswith("onnxruntime") and (pip or one.name.partition("-")[0] != "pip"):
            (linked / one.name).symlink_to(one)
    [packages] = environment.glob("lib/python3*/site-packages")
    (packages / "linked.pth").write_text(f"{linked}\n")
    places.mark(engine, True)
    return engine


def parts_index(large: int = 400_000, broken: bool = False) -> PackageIndex:
    """An index with onnxruntime, and with another package that it needs. `broken`: it can't be loaded."""
    code = "raise ImportError('a library of the system is too old')" if broken else _RUNTIME
    files: dict[str, bytes | str] = {"onnxruntime/__init__.py": code, "onnxruntime/blob": bytes(large)}
    runtime = make_wheel("onnxruntime", VERSION, files, ("numpy", "little"))
    little = make_wheel("little", "1.0", {"little.py": ""})
    return PackageIndex({wheel_name("onnxruntime", VERSION): runtime, wheel_name("little", "1.0"): little})


def environment_for(index: PackageIndex, base: Path) -> dict[str, str]:
    """What a daemon is told so that its pip asks that index alone, and keeps its files below `base`."""
    return {
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_INDEX_URL": index.address,
        "PIP_EXTRA_INDEX_URL": "",
        "PIP_FIND_LINKS": "",
        "PIP_CACHE_DIR": str(base / "pip"),
        "PIP_RETRIES": "1",
        "SCUMBLE_DATA_DIR": str(base / "data"),
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }
