"""`python -m stubs`: mypy, strict, over both plugins as an editor has them: each with `scumble_client` beside its modules.

They are laid out in a folder of their own for that; what mypy says names the files that they came from.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LAID = ROOT / ".mypy_cache" / "plugins"
CLIENT = ROOT / "backend" / "scumble_client"

PLUGINS = {"krita": (ROOT / "krita_plugin" / "scumble", "scumble"), "gimp": (ROOT / "gimp_plugin" / "scumble", "")}
"""Where a plugin's modules are, and the package that they are in its editor: in Krita one, in GIMP none."""


def lay_out(name: str) -> Path:
    """The folder in which a plugin lies as in its editor. Files keep their dates, so that mypy knows those that did not change."""
    source, package = PLUGINS[name]
    folder = LAID / name / package
    if (LAID / name).exists():
        shutil.rmtree(LAID / name)
    shutil.copytree(source, folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(CLIENT, folder / "scumble_client", ignore=shutil.ignore_patterns("__pycache__", "py.typed"))
    return folder


def check(name: str) -> int:
    """mypy's exit code for one plugin; what it says is printed."""
    source, package = PLUGINS[name]
    folder = lay_out(name)
    targets = ["-p", package] if package else [str(path) for path in sorted(folder.glob("*.py"))]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy",
            "--config-file",
            "stubs/mypy.ini",
            "--cache-dir",
            f".mypy_cache/{name}",
            *targets,
        ],
        cwd=ROOT,
        env={
            **os.environ,
            "MYPYPATH": os.pathsep.join((str(LAID / name), str(ROOT / "stubs"), os.environ.get("MYPYPATH", ""))),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    laid = folder.relative_to(ROOT).as_posix()
    said = done.stdout.replace("\\", "/").replace(f"{laid}/scumble_client", CLIENT.relative_to(ROOT).as_posix())
    print(f"{name}: {said.replace(laid, source.relative_to(ROOT).as_posix())}{done.stderr}", end="")
    return done.returncode


def main() -> int:
    """0 where mypy finds nothing in any plugin."""
    return max([check(name) for name in sys.argv[1:] or PLUGINS])


if __name__ == "__main__":
    sys.exit(main())
