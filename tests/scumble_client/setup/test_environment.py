"""A private environment, by each means: another pip, the pip that Python has in store, uv."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from scumble_client.setup import environment as module
from scumble_client.setup import places
from scumble_client.setup.environment import Environment, Packages, Tools, child_environment
from scumble_client.setup.problem import SetupError
from scumble_client.setup.pythons import Python, Search, probe

from .conftest import Bench

UV = Path(sys.executable).with_name("uv")


@pytest.fixture
def python() -> Python:
    found = probe([sys.executable])
    assert found is not None
    return found


def made(bench: Bench, python: Python, uv: str) -> tuple[Environment, list[str]]:
    """An environment with a package of the index in it, and what was called for that."""
    said: list[str] = []
    engine = bench.base / "engine"
    environment = Environment(engine / "env", places.python_in(engine), Tools(said.append, lambda: False))
    environment.make(python, uv)
    configuration = environment.configuration()
    assert configuration["index-url"] == bench.index.address
    code = environment.install(Packages(["little"]), configuration, lambda line: None, lambda: None)
    assert code == 0, "\n".join(said)
    subprocess.run([str(environment.python), "-I", "-c", "import little"], check=True, timeout=60)
    assert environment.cache().is_absolute()
    return environment, [line for line in said if line.startswith("$ ")]


def test_a_new_pip_serves_from_outside(bench: Bench, python: Python) -> None:
    environment, calls = made(bench, python, "")
    assert environment.tool == "pip"
    assert len(calls) == 2  # no pip was installed
    assert "--without-pip" in calls[0]
    assert "--resume-retries" in calls[1]


def test_the_pip_in_store(bench: Bench, python: Python) -> None:
    environment, _ = made(bench, replace(python, pip=False), "")
    assert environment.tool == "pip"
    assert list((environment.folder / "lib").rglob("pip/__init__.py"))


def test_uv_is_told_what_pip_was_told(bench: Bench, python: Python) -> None:
    assert UV.exists()
    environment, calls = made(bench, replace(python, pip=False, venv=False), str(UV))
    assert environment.tool == "uv"
    assert any("pip install --python" in call for call in calls)


def test_with_none_of_them_it_is_said(bench: Bench, python: Python) -> None:
    with pytest.raises(SetupError, match="No environment can be made") as none:
        made(bench, replace(python, pip=False, venv=False), "")
    assert none.value.kind == "no_python"
    with pytest.raises(SetupError):
        made(bench, replace(python, program="/nowhere/python3"), "/nowhere/uv")


def test_what_would_lead_pip_astray_is_taken_out(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_DRY_RUN", "VIRTUAL_ENV"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("PIP_INDEX_URL", "https://mine/simple")
    monkeypatch.setenv("PIP_USER", "1")
    environment = child_environment(EXTRA="y")
    assert not {"PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_DRY_RUN", "VIRTUAL_ENV"} & set(environment)
    assert (environment["PIP_INDEX_URL"], environment["PIP_USER"], environment["EXTRA"]) == (
        "https://mine/simple",
        "0",
        "y",
    )


@pytest.mark.parametrize("by", ["own", "base", "another", "uv", "nothing"])
def test_an_environment_that_is_there_gets_more(
    bench: Bench, python: Python, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    pip = [] if by == "own" else ["--without-pip"]
    engine = bench.base / "engine"
    subprocess.run([sys.executable, "-I", "-m", "venv", *pip, str(engine / "env")], check=True, timeout=300)
    found = Search(python if by == "another" else None, [], str(UV) if by == "uv" else "")
    monkeypatch.setattr(module, "search", lambda: found)
    said: list[str] = []
    environment = Environment(engine / "env", places.python_in(engine), Tools(said.append, lambda: False))
    base = sys.executable if by == "base" else ""
    if by == "nothing":
        with pytest.raises(SetupError, match="Nothing on this machine can add packages"):
            environment.attach(base)
        return
    environment.attach(base)
    assert environment.tool == ("uv" if by == "uv" else "pip")
    configuration = environment.configuration()
    code = environment.install(Packages(["little"]), configuration, lambda line: None, lambda: None)
    assert code == 0, "\n".join(said)
    subprocess.run([str(environment.python), "-I", "-c", "import little"], check=True, timeout=60)
