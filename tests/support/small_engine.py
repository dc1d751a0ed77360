"""An engine as small as can be: packages of the names that the real one has, which answer as those do."""

from __future__ import annotations

from pathlib import Path

from .package_index import PackageIndex, make_wheel, wheel_name

TORCH = "2.13.0"

_CLI = """
import os, pathlib, sys, time

def main(words):
    home = pathlib.Path(os.environ["SMALL_ENGINE"])
    with open(home / "calls", "a") as file:
        file.write(VERSION + " " + words[0] + "\\n")
    if words[0] == "run":
        if (home / "broken").exists():
            print("The daemon ended at once, with code 7.", file=sys.stderr)
            return 3
        values = dict(zip(words[2::2], words[3::2]))
        for name in ("--out", "--composite"):
            pathlib.Path(values[name]).write_bytes(pathlib.Path(values["--image"]).read_bytes())
    return 0

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
"""


def scumble_wheel(version: str) -> bytes:
    """The engine itself."""
    pictures = (
        "from pathlib import Path\n"
        "def picture(name): return Path(__file__).with_name(name + '.jpg')\n"
        "def selection(name): return Path(__file__).with_name(name + '.jpg')\n"
    )
    files: dict[str, bytes | str] = {
        "scumble/__init__.py": "",
        "scumble/pictures/__init__.py": pictures,
        "scumble/pictures/osprey.jpg": b"a picture",
        "scumble/cli/__init__.py": "",
        "scumble/cli/__main__.py": f"VERSION = {version!r}\n{_CLI}",
        "scumble/daemon/__init__.py": "",
        "scumble/daemon/__main__.py": "",
    }
    return make_wheel("scumble", version, files, ("torch>=2.4", "little"))


def small_index(torch_bytes: int = 1_500_000) -> PackageIndex:
    """An index with what the small engine needs."""
    torch = make_wheel(
        "torch", TORCH, {"torch/__init__.py": f"__version__ = {TORCH!r}\n", "torch/blob": bytes(torch_bytes)}
    )
    little = make_wheel("little", "1.0", {"little.py": ""})
    return PackageIndex({wheel_name("torch", TORCH): torch, wheel_name("little", "1.0"): little})


def small_plugin(folder: Path, version: str) -> Path:
    """A plugin's folder with the wheel in it, and with the client as it is."""
    import scumble_client

    engine = folder / "engine"
    engine.mkdir(parents=True)
    (engine / wheel_name("scumble", version)).write_bytes(scumble_wheel(version))
    (engine / "constraints.txt").write_text(f"torch=={TORCH}\n")
    (folder / "scumble_client").symlink_to(Path(scumble_client.__file__).parent)
    return folder
