"""Add-ons for tests: the template of `examples/addon`, installed; and faulty ones, written as an installer would leave them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from .daemon import ROOT

TEMPLATE = ROOT / "examples" / "addon"

GOOD = """
from collections.abc import Mapping, Sequence
from pydantic import Field
from scumble.imaging.layer import Layer
from scumble.operations import Context, Operation, Output, Parameters, Preset, Role

class P(Parameters):
    amount: float = Field(1, ge=0, le=1, title="Amount", description="How much.")

class One(Operation[P]):
    name = "NAME"
    title = "One"
    help = "Does one thing."
    roles = (Role("image", "A picture", "Choose it.", required=True), Role("grain", "A grain", "Choose one."))
    parameters = P
    def run(self, layers, parameters, context):
        return [Output(layers["image"], context.seed)]
"""
"""A module with an operation called NAME."""


def install(folder: Path) -> Path:
    """The template in `folder`, by pip, as a user would install it; nothing is fetched."""
    source = folder / "source"
    shutil.copytree(TEMPLATE, source, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    target = folder / "site"
    quiet = ("--quiet", "--disable-pip-version-check", "--no-index", "--no-deps", "--no-build-isolation")
    command = [sys.executable, "-m", "pip", "install", *quiet, "--target", str(target), str(source)]
    subprocess.run(command, check=True, capture_output=True, timeout=240)
    return target


def write(
    site: Path, package: str, module: str, text: str, points: Mapping[str, Mapping[str, str]] | None = None
) -> None:
    """A package of one module. `points`: by group, entry points by name; by default the module is one of operations."""
    site.mkdir(exist_ok=True)
    (site / f"{module}.py").write_text(text)
    information = site / f"{package.replace('-', '_')}-2.1.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 2.1\n")
    groups = points if points is not None else {"scumble.operations": {module: module}}
    lines = [f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in named.items()) for group, named in groups.items()]
    (information / "entry_points.txt").write_text("\n".join(lines))
