"""That only `scumble_client.system` asks which system this is, that the oldest Pythons can read what runs in them, and what CI runs."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import needs

ROOT = Path(__file__).parents[1]
SYSTEM = ROOT / "backend" / "scumble_client" / "system"
SHIPPED = ("backend/scumble", "backend/scumble_client", "backend/scumble_training", "krita_plugin", "gimp_plugin")

ASKING = {
    ("sys", "platform"),
    ("os", "name"),
    ("os", "getuid"),
    ("os", "geteuid"),
    ("os", "killpg"),
    ("os", "fork"),
    ("os", "uname"),
    ("platform", "system"),
    ("platform", "uname"),
    ("sys", "getwindowsversion"),
}
MODULES = {"fcntl", "msvcrt", "resource", "winreg", "ctypes", "pwd", "grp"}
OPTIONS = {"start_new_session", "creationflags", "startupinfo", "preexec_fn", "process_group"}


def asked(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Lines where a program asks which system this is, or uses what only one has."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if (node.value.id, node.attr) in ASKING:
                yield node.lineno, f"{node.value.id}.{node.attr}"
        elif isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names if name.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module in MODULES:
            yield node.lineno, str(node.module)
        elif isinstance(node, ast.keyword) and node.arg in OPTIONS:
            yield node.value.lineno, node.arg
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "hasattr":
            if isinstance(node.args[0], ast.Name) and node.args[0].id in ("os", "signal", "sys"):
                yield node.lineno, f"hasattr({node.args[0].id}, …)"
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and node.value.startswith(("/proc/", "/dev/"))
        ):
            yield node.lineno, node.value


def sources(*folders: str) -> list[Path]:
    return [path for folder in folders for path in (ROOT / folder).rglob("*.py") if "_vendor" not in path.parts]


def test_nobody_else_asks_which_system_this_is() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {what}"
        for path in sources(*SHIPPED)
        if SYSTEM not in path.parents
        for line, what in asked(ast.parse(path.read_text("utf-8")))
    ]
    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        "import sys\nif sys.platform == 'win32': pass",
        "import os\nos.name",
        "import fcntl",
        "from msvcrt import locking",
        "Popen([], creationflags=1)",
        "hasattr(signal, 'SIGHUP')",
        "open('/proc/self/stat')",
    ],
)
def test_it_would_be_found(text: str) -> None:
    assert list(asked(ast.parse(text)))


@pytest.mark.parametrize(
    ("folders", "version"),
    [
        (("backend/scumble_client", "krita_plugin", "gimp_plugin"), (3, 8)),
        (("backend/scumble", "backend/scumble_training", "benchmarks", "releasing", "tests"), (3, 10)),
    ],
)
def test_the_oldest_python_reads_it(folders: tuple[str, ...], version: tuple[int, int]) -> None:
    """Its grammar; the names that it lacks in its library are for `vermin` in `make lint`."""
    files = sources(*folders)
    assert len(files) > 40
    for path in files:
        ast.parse(path.read_text("utf-8"), str(path), feature_version=version)


def test_the_workflow_lints_as_make_does() -> None:
    """Windows has no `make`, so the commands stand in both."""
    rule = re.search(r"^lint:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert rule
    commands = [line.strip().replace("../../$(BIN)/", "").replace("$(BIN)/", "") for line in rule[1].splitlines()]
    workflow = (ROOT / ".github" / "workflows" / "tests.yml").read_text("utf-8")
    step = workflow.partition("- name: Lint")[2].partition("- name:")[0]
    assert [line.strip() for line in step.splitlines() if line.strip()][1:] == commands


def test_what_a_system_leaves_out_is_there_to_be_left_out() -> None:
    assert [name for name in needs.FILES if not (ROOT / "tests" / name).exists()] == []


def test_leaving_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needs, "FILES", {"soak": (False, "why"), "a/test_b.py": (False, "b"), "c": (True, "no")})
    assert needs.missing("soak") == needs.missing("soak/test_x.py") == "why"
    assert needs.missing("a/test_b.py") == "b"
    assert [needs.missing(path) for path in ("soaked", "a", "c/test_x.py", "")] == [""] * 4
