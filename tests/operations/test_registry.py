"""Add-ons that have a fault: each costs itself alone, with a sentence for its user and its author."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scumble.operations.addons import Fault
from scumble.operations.registry import OWN, faults, find, forget, operations, origin
from scumble.scripting import connect
from scumble_client.errors import ScumbleError
from scumble_training import registry as trainers
from scumble_training.command import faults as doctored
from tests.support.addons import GOOD, write
from tests.support.commands import Call, save, textured
from tests.support.daemon import Daemon, Folders


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where packages are found; with a good one in it."""
    monkeypatch.delenv("SCUMBLE_OPERATIONS", raising=False)
    folder = tmp_path / "site"
    write(folder, "good-addon", "good_addon", GOOD.replace("NAME", "good"))
    monkeypatch.syspath_prepend(folder)
    before = set(sys.modules)
    forget()
    trainers.forget()
    yield folder
    monkeypatch.undo()
    forget()
    trainers.forget()
    for name in set(sys.modules) - before:
        if name.endswith("_addon"):
            del sys.modules[name]


def one_fault() -> Fault:
    """The only one; and all else is there."""
    forget()
    [fault] = faults()
    assert origin("good") == "good-addon 2.1"
    assert len([o for o in operations().values() if type(o).__module__ in OWN]) >= len(OWN)
    assert fault.hint
    assert "Traceback" not in fault.message
    return fault


def edited(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace("NAME", "bad").replace(old.replace("NAME", "bad"), new)


CASES = {
    "an import that fails": ("import nowhere_at_all", "No module named 'nowhere_at_all'"),
    "a syntax error": ("def f(:\n", "SyntaxError"),
    "an exception": ("x = 1 / 0", "ZeroDivisionError: division by zero ("),
    "an exit": ("raise SystemExit(3)", "SystemExit: 3"),
    "nothing in it": ("x = 1", "has no operation"),
    "abstract": (edited("    def run(", "    def walk("), "abstract"),
    "no title": (edited('    title = "One"\n', ""), "`title`"),
    "a name in capitals": (edited('name = "NAME"', 'name = "Bad One"'), "“Bad One”"),
    "a name that is a number": (edited('name = "NAME"', "name = 7"), "`name` must be a text"),
    "no roles": (edited("    roles = (", "    rolls = ("), "`roles`"),
    "roles of another kind": (
        edited("    roles = (", "    roles = ('image', ) or ("),
        "`roles` must be a tuple of Role",
    ),
    "no image": (edited('Role("image"', 'Role("base"'), "“image”"),
    "a role twice": (edited('Role("grain"', 'Role("image"'), "one name"),
    "a role and a parameter": (edited('Role("grain"', 'Role("amount"'), "a role and a parameter"),
    "a role of no kind": (edited('"Choose one.")', '"Choose one.", kind="sound")'), "“sound”"),
    "parameters of another kind": (
        edited("parameters = P", "parameters = dict"),
        "subclass of scumble.operations.Parameters",
    ),
    "no default": (edited("Field(1, ge", "Field(ge"), "default"),
    "a default that is not allowed": (
        edited("Field(1, ge=0", "Field(7, validate_default=True, ge=0"),
        "defaults of its parameters",
    ),
    "a type that no form has": (
        edited("amount: float = Field(1, ge=0, le=1,", "amount: list = Field([],"),
        "description",
    ),
    "a default that can't be sent": (
        edited("amount: float = Field(1, ge=0, le=1,", "amount: int = Field(2**90,"),
        "can't be sent",
    ),
    "a preset that is not allowed": (
        edited("    parameters = P\n", "    parameters = P\n    presets = (Preset('Odd', '', {'amount': 9}),)\n"),
        "preset “Odd”",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_fault_costs_itself_alone(site: Path, case: str) -> None:
    text, words = CASES[case]
    write(site, "bad-addon", "bad_addon", text)
    fault = one_fault()
    assert fault.origin == "bad-addon 2.1"
    assert "bad-addon 2.1" in fault.message
    assert words in fault.message
    assert "pip uninstall bad-addon" in fault.hint


@pytest.mark.parametrize(
    ("point", "words"),
    [
        ("nowhere_addon", "No module"),
        ("bad_addon:Nothing", "Nothing"),
        ("bad_addon:P", "no subclass"),
        ("bad_addon:x", "no subclass"),
    ],
)
def test_an_entry_that_leads_nowhere(site: Path, point: str, words: str) -> None:
    write(
        site, "bad-addon", "bad_addon", GOOD.replace("NAME", "bad") + "\nx = 3\n", {"scumble.operations": {"a": point}}
    )
    assert words in one_fault().message


def test_torch_is_imported_inside_run(site: Path) -> None:
    import subprocess

    write(site, "bad-addon", "bad_addon", "import torch\n" + GOOD.replace("NAME", "bad"))
    code = (
        "import sys; from scumble.operations.registry import faults, operations; "
        "print('good' in operations(), 'torch' in sys.modules, [f.message for f in faults()])"
    )
    import os

    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*filter(None, sys.path)])}
    said = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    ).stdout
    assert said.startswith("True False")
    assert "import torch inside `run`" in said


def test_names_that_are_taken(site: Path) -> None:
    write(site, "a-addon", "a_addon", GOOD.replace("NAME", "inpaint"))
    fault = one_fault()
    assert "Scumble itself has one of that name" in fault.message
    assert type(find("inpaint")).__module__ == "scumble.inpainting.operation"
    write(site, "z-addon", "z_addon", GOOD.replace("NAME", "good"))
    forget()
    assert "good-addon 2.1 has one of that name" in faults()[-1].message
    assert origin("good") == "good-addon 2.1"


def test_the_one_that_is_left_out_says_why_when_it_is_asked_for(site: Path, calling: Call) -> None:
    write(site, "bad-addon", "bad_addon", edited('    title = "One"\n', ""))
    assert "`title`" in calling("operations", "bad").refused()
    ran = calling("operations").done()
    assert any("bad-addon 2.1" in note for note in ran.notes)
    assert "good  Does one thing. (of the add-on good-addon 2.1)" in ran.out
    assert "--input grain=" in ran.out


def test_a_role_without_an_option(site: Path, calling: Call, tmp_path: Path) -> None:
    image = save(tmp_path / "a.png", textured())
    asked = ("run", "good", "--image", image, "--out", tmp_path / "b.png", "--local", "--device", "cpu")
    calling(*asked, "--input", f"grain={image}").done()
    assert "no file" in calling(*asked, "--input", f"grain={tmp_path / 'nope.png'}").refused()
    assert "names no input" in calling(*asked, "--input", "grain").refused()
    assert "does not take an input called “other”" in calling(*asked, "--input", f"other={image}").refused()


class TestTrainers:
    def test_faults(self, site: Path, calling: Call) -> None:
        points = {"features": "t_addon:T", "broken": "t_addon:nothing", "odd": "t_addon:T"}
        write(site, "t-addon", "t_addon", "T = 3", {"scumble.trainers": points})
        ran = calling("train", "list").done()
        assert "inpaint-photo" in ran.out
        assert len([note for note in ran.notes if "t-addon 2.1" in note]) == 3
        assert "it is no Trainer, but a int" in calling("train", "odd", "--data", site, "--out", site).refused()
        with pytest.raises(ScumbleError, match="can't be used"):
            trainers.find("broken")
        assert trainers.find("features").collections
        told = doctored()
        assert len(told) == 3
        assert all("t-addon 2.1" in fault.message and fault.hint for fault in told), "for `scumble doctor`"


class TestInTheDaemon:
    def test_what_goes_wrong_there(self, site: Path, folders: Folders, calling: Call, tmp_path: Path) -> None:
        """Faulty ones beside a good one: the daemon starts, says so, and every job ends in its result or one error."""
        import os

        def failing(name: str, body: str) -> str:
            run = 'return [Output(layers["image"], context.seed)]'
            return GOOD.replace("NAME", name).replace("One(", f"{name.title()}(").replace(run, body)

        write(site, "bad-addon", "bad_addon", "import nowhere_at_all")
        wide = "import numpy as np\n        return [Output(Layer(np.zeros((4, 4, 4), 'uint16')), 0)]"
        bodies = {
            "raising": "raise KeyError('colour')",
            "empty": "return []",
            "odd": "return 3",
            "wide": wide,
            "exiting": "import sys\n        sys.exit(3)",
            "dying": "import os\n        os._exit(3)",
        }
        write(site, "run-addon", "run_addon", "".join(failing(name, body) for name, body in bodies.items()))
        folders.environment["PYTHONPATH"] += os.pathsep + str(site)
        folders.environment.pop("SCUMBLE_OPERATIONS")
        running = Daemon(folders, "--device", "cpu")
        try:
            with connect(launch=False) as made:
                assert made.run("good", textured())
                assert [fault["origin"] for fault in made.faults] == ["bad-addon 2.1"]
                said = {}
                for name in bodies:
                    with pytest.raises(ScumbleError) as raised:
                        made.run(name, textured())
                    said[name] = raised.value
                assert made.run("good", textured())
            for name in ("raising", "empty", "odd", "wide"):
                assert said[name].code == "internal"
                assert f"The add-on run-addon 2.1 made a mistake in “{name}”" in said[name].message
                assert "to its author" in said[name].hint
            assert "KeyError: 'colour' (" in said["raising"].message
            assert "run_addon.py, line " in said["raising"].message
            assert said["exiting"].code in ("internal", "worker_died")
            assert said["dying"].code == "worker_died"
            assert "nowhere_at_all" in folders.log.read_text()
        finally:
            running.stop()
