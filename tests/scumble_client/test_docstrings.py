"""Everything public in the client says what it is: others build plugins on it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import scumble_client

FILES = sorted(Path(scumble_client.__file__).parent.glob("*.py"))


def public(node: ast.Module | ast.ClassDef, prefix: str = "") -> Iterator[tuple[str, ast.FunctionDef | ast.ClassDef]]:
    """Functions and classes without an underscore, those in classes too, by their dotted names."""
    for child in node.body:
        if isinstance(child, (ast.FunctionDef, ast.ClassDef)) and not child.name.startswith("_"):
            yield prefix + child.name, child
            if isinstance(child, ast.ClassDef):
                yield from public(child, f"{prefix}{child.name}.")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_everything_public_has_one(path: Path) -> None:
    module = ast.parse(path.read_text("utf-8"))
    assert ast.get_docstring(module)
    assert [name for name, node in public(module) if not ast.get_docstring(node)] == []
