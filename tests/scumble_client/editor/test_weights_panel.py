"""What both editors show of weights that are not here: offers, questions, progress, errors."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from scumble_client.client import Event
from scumble_client.editor import weights_panel
from scumble_client.editor.settings import EditorSettings
from scumble_client.editor.weights_panel import ACCEPT, CANCEL, CLOSE, GET, HAVE, PAGE, WeightsPanel
from scumble_client.errors import ScumbleError
from scumble_client.fetching import Fetch
from scumble_client.wire import Message

OPERATION: dict[str, Any] = {
    "name": "inpaint",
    "parameters": [
        {
            "name": "method",
            "title": "Method",
            "type": "choice",
            "choices": ["auto", "smooth"],
            "default": "auto",
            "help": "",
        },
        {
            "name": "weights",
            "title": "Weights",
            "type": "choice",
            "choices": ["embedded", "lama", "mat", "hand", "migan"],
            "labels": {
                "embedded": "Scumble's own",
                "lama": "LaMa",
                "mat": "MAT",
                "hand": "DeepFill",
                "migan": "MI-GAN",
            },
            "when": {"method": ["auto"]},
            "default": "embedded",
            "help": "",
        },
    ],
}
COMMON = {"state": "missing", "size": 205_669_692, "here": 0, "licence": "Apache-2.0", "non_commercial": False}
COMMON = {**COMMON, "accepted": True, "page": "", "needs": ""}


def entries() -> list[dict[str, Any]]:
    return [
        {**COMMON, "name": "lama"},
        {**COMMON, "name": "mat", "licence": "CC BY-NC 4.0", "non_commercial": True, "accepted": False},
        {**COMMON, "name": "hand", "size": None, "page": "https://somewhere/page"},
        {**COMMON, "name": "migan", "size": 29_546_882, "needs": "It also needs onnxruntime."},
    ]


class PlayedClient:
    """The daemon is the test."""

    def __init__(self) -> None:
        self.listed = entries()
        self.permissions = {"get": True, "add": True}
        self.asked: list[Any] = []

    def call(self, kind: str, timeout: float) -> Message:
        self.asked.append(kind)
        return Message(kind, {"weights": self.listed, **self.permissions})

    def get_weights(self, name: str, accepted: bool = False) -> Fetch:
        self.asked.append((name, accepted))
        return Fetch(name, f"asked for {name}")

    def add_weights(self, folder: str) -> Fetch:
        self.asked.append(folder)
        return Fetch("", "asked for a folder")

    def cancel_weights(self, fetch: Fetch, keep: bool = False) -> None:
        self.asked.append(("cancel", fetch.name, keep))


class AtOnce:
    """A background whose work is done at once."""

    def start(self, work: Any, done: Any) -> None:
        try:
            value = work()
        except ScumbleError as error:
            done(None, error)
        else:
            done(value, None)


class Played:
    """A panel, the choice in its form, and what its client is told."""

    def __init__(self, folder: Path) -> None:
        self.client = PlayedClient()
        self.settings = EditorSettings(folder)
        self.panel = WeightsPanel(self.client, AtOnce(), self.settings)  # type: ignore[arg-type]
        self.values = {"method": "auto", "weights": "lama"}
        self.panel.refresh()

    @property
    def view(self) -> weights_panel.WeightsView:
        return self.panel.look(OPERATION, self.values)

    @property
    def buttons(self) -> list[str]:
        return [name for name, _ in self.view.buttons]

    def press(self, button: str) -> None:
        assert button in self.buttons
        self.panel.press(button, OPERATION, self.values)

    def tell(self, kind: str, **body: Any) -> None:
        fetch = self.panel._folder or next(iter(self.panel._fetches.values()))
        fetch.take(Message(kind, body))
        assert self.panel.handle(Event("fetch", fetch=fetch))


@pytest.fixture
def played(tmp_path: Path) -> Played:
    return Played(tmp_path)


def test_nothing_is_said_where_nothing_is_lacking(played: Played) -> None:
    for values in ({"method": "auto", "weights": "embedded"}, {"method": "smooth", "weights": "lama"}):
        played.values = values
        assert played.view.sentence == ""
        assert played.panel.needed(OPERATION, values) is None


def test_it_offers_with_size_and_licence(played: Played) -> None:
    assert played.view.sentence == "“LaMa” is not here yet."
    assert played.view.detail == "206 MB; licence: Apache-2.0."
    assert played.buttons == [GET, HAVE]
    played.client.listed[0] |= {"state": "partial", "here": 84_000_000}
    played.panel.refresh()
    assert played.view.detail.endswith("84 MB of it have come already.")


def test_the_list_of_choices_says_what_is_to_be_got(played: Played) -> None:
    weights = OPERATION["parameters"][1]
    said = [played.panel.label(weights, choice) for choice in weights["choices"]]
    assert said == [
        "Scumble's own",
        "LaMa · 206 MB to get",
        "MAT · 206 MB to get",
        "DeepFill · to get by hand",
        "MI-GAN · 30 MB to get",
    ]


def test_it_is_got_with_progress_and_available_then(played: Played) -> None:
    played.press(GET)
    assert played.client.asked[-1] == ("lama", False)
    played.tell("weights_progress", done=20_000_000, total=205_669_692, message="")
    assert played.view.sentence == "Getting “LaMa”: 20 MB of 206 MB."
    assert played.view.fraction == pytest.approx(0.097, abs=0.001)
    assert played.buttons == [CANCEL]
    played.client.listed[0]["state"] = "present"
    played.tell("weights_done", weights=["lama"], files=[])
    assert played.view.sentence == ""
    assert played.panel.label(OPERATION["parameters"][1], "lama") == "LaMa"


def test_it_can_be_cancelled(played: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    played.press(GET)
    played.tell("weights_progress", done=20_000_000, total=205_669_692, message="")
    monkeypatch.setattr(played.panel, "refresh", lambda: None)  # the daemon takes its time
    played.press(CANCEL)
    assert played.client.asked[-1] == ("cancel", "lama", False)
    played.tell("error", code="cancelled", message="It was cancelled.", hint="")
    assert played.buttons == [GET, HAVE], "as before, and no error"
    assert played.view.detail.endswith("20 MB of it have come already.")


def test_an_error_is_shown_until_it_is_tried_again(played: Played) -> None:
    played.press(GET)
    played.tell("error", code="weights_missing", message="The line broke.", hint="Press “Get It” once more.")
    assert (played.view.sentence, played.view.detail) == ("The line broke.", "Press “Get It” once more.")
    played.press(CLOSE)
    assert played.view.sentence == "“LaMa” is not here yet."
    played.press(GET)
    assert played.buttons == [CANCEL]


def test_a_non_commercial_licence_is_asked_about(played: Played) -> None:
    played.values["weights"] = "mat"
    played.press(GET)
    assert (
        played.view.sentence == "“MAT” is for non-commercial use only (licence: CC BY-NC 4.0). Is that your use of it?"
    )
    played.press(CLOSE)
    assert GET in played.buttons
    played.press(GET)
    played.press(ACCEPT)
    assert played.client.asked[-1] == ("mat", True)


def test_it_is_asked_once(played: Played) -> None:
    played.client.listed[1]["accepted"] = True
    played.panel.refresh()
    played.values["weights"] = "mat"
    played.press(GET)
    assert played.client.asked[-1] == ("mat", False)


def test_what_has_a_page_is_not_got(played: Played) -> None:
    played.values["weights"] = "hand"
    assert played.buttons == [PAGE, HAVE]
    assert played.view.page == "https://somewhere/page"


def test_what_has_to_be_installed_besides_is_said(played: Played) -> None:
    played.values["weights"] = "migan"
    assert played.view.detail.endswith("It also needs onnxruntime.")
    played.client.listed[3]["state"] = "present"
    played.panel.refresh()
    assert played.view.sentence == "“MI-GAN” is here."
    assert played.view.detail == "It also needs onnxruntime."
    assert played.panel.needed(OPERATION, played.values) is not None


def test_what_comes_along_is_got_by_the_same_button(played: Played) -> None:
    played.client.listed[3].update(state="present", needs="With it comes onnxruntime.", brings=True)
    played.panel.refresh()
    played.values["weights"] = "migan"
    assert played.view.sentence == "“MI-GAN” is here, but not what runs it."
    assert played.view.detail == "With it comes onnxruntime."
    assert played.buttons == [GET]
    assert played.panel.label(OPERATION["parameters"][1], "migan") == "MI-GAN · to get"
    played.press(GET)
    assert played.client.asked[-1] == ("migan", False)
    played.tell("weights_progress", done=1.0, total=4.0, message="Fetching onnxruntime, 20 MB")
    assert (played.view.sentence, played.view.fraction) == ("“MI-GAN”: fetching onnxruntime, 20 MB.", 0.25)
    played.client.listed[3].update(needs="", brings=False)
    played.tell("weights_done", weights=["migan"], files=[])
    assert played.view.sentence == ""
    played.client.listed[3].update(needs="With it comes onnxruntime.", brings=True)
    played.client.permissions = {"get": False, "add": True}
    played.panel.refresh()
    assert played.buttons == []
    assert weights_panel.FORBIDDEN in played.view.detail


def test_where_it_is_forbidden_there_is_no_button(played: Played) -> None:
    played.client.permissions = {"get": False, "add": False}
    played.panel.refresh()
    assert played.buttons == []
    assert weights_panel.FORBIDDEN in played.view.detail


def test_a_folder_is_looked_through(played: Played) -> None:
    played.panel.add("/mine")
    played.tell("weights_progress", done=0.5, total=1.0, message="Looking at a.pth")
    assert (played.view.sentence, played.view.fraction) == ("Looking at a.pth.", 0.5)
    files = [{"file": "a.pth", "weights": "lama", "message": "“a.pth” is LaMa."}, {"file": "b", "message": "B is odd."}]
    played.tell("weights_done", weights=["lama"], files=files)
    assert (played.view.sentence, played.view.detail) == ("“a.pth” is LaMa.", "B is odd.")
    played.press(CLOSE)
    played.panel.add("/mine")
    played.tell("weights_done", weights=[], files=[])
    assert "No file in that folder" in played.view.sentence
    played.panel.add("/nowhere")
    played.tell("error", code="invalid_parameter", message="There is no folder /nowhere.", hint="Choose another.")
    assert (played.view.sentence, played.view.detail) == ("There is no folder /nowhere.", "Choose another.")


def test_what_another_window_has_begun_is_shown(played: Played) -> None:
    played.client.listed[0]["fetching"] = {"done": 1, "total": 2, "message": ""}
    played.panel.refresh()
    assert played.client.asked[-1] == ("lama", False)
    assert played.buttons == [CANCEL]
    played.panel.close()
    assert played.client.asked[-1] == ("cancel", "lama", True), "it goes on"


def test_it_looks_again_for_a_while_only(played: Played, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    played.panel.refresh()
    assert played.view.sentence
    before = len(played.client.asked)
    played.panel.keep_fresh()
    assert len(played.client.asked) == before
    now[0] += weights_panel.LOOK_AGAIN + 1
    played.panel.keep_fresh()
    assert len(played.client.asked) == before + 1
    now[0] += weights_panel.LOOKED_ENOUGH
    played.panel.keep_fresh()
    assert len(played.client.asked) == before + 1


def test_where_nothing_is_known_it_tries_again_soon(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    now = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    played = Played(tmp_path)
    played.panel.entries = {}
    before = len(played.client.asked)
    now[0] += weights_panel.TRY_AGAIN + 0.1
    played.panel.keep_fresh()
    assert len(played.client.asked) == before + 1
    assert played.panel.entries


@pytest.mark.parametrize("listed", [None, [], [3, {"name": 4}, {}]])
def test_an_odd_list_is_no_list(played: Played, listed: Any) -> None:
    played.client.listed = listed
    played.panel.refresh()
    assert played.view.sentence == ""


FACES: dict[str, Any] = {
    "name": "face-brush",
    "parameters": [
        {"name": "finish", "title": "Finish", "type": "boolean", "default": True, "help": ""},
        {
            "name": "exemplars",
            "title": "Copy from faces",
            "type": "boolean",
            "when": {"finish": [True]},
            "default": True,
            "help": "",
        },
    ],
}
COPYING: dict[str, Any] = {"finish": True, "exemplars": True}


class TestFacesToCopyFrom:
    @staticmethod
    def with_library(played: Played, **more: Any) -> None:
        played.client.listed.append({**COMMON, "name": "face-library", "size": None, "licence": "CC0-1.0", **more})
        played.panel.refresh()

    def test_they_are_offered_where_they_would_help_and_nothing_is_held_back(self, played: Played) -> None:
        self.with_library(played)
        view = played.panel.look(FACES, COPYING)
        assert view.sentence == weights_panel.LIBRARY_HELPS
        assert "CC0-1.0" in view.detail
        assert [name for name, _ in view.buttons] == [GET, CLOSE]
        assert played.panel.needed(FACES, COPYING) is None

    @pytest.mark.parametrize("values", [{"exemplars": False}, {"finish": False}])
    def test_not_where_nothing_is_copied(self, played: Played, values: dict[str, Any]) -> None:
        self.with_library(played)
        assert played.panel.look(FACES, {**COPYING, **values}).sentence == ""
        assert played.panel.look(OPERATION, {"method": "auto", "weights": "embedded"}).sentence == ""

    def test_not_where_they_are_or_cannot_be_had(self, played: Played) -> None:
        self.with_library(played, state="present")
        assert played.panel.look(FACES, COPYING).sentence == ""
        played.client.listed.pop()
        played.client.permissions["get"] = False
        self.with_library(played)
        assert played.panel.look(FACES, COPYING).sentence == ""

    def test_who_does_not_want_them_is_not_asked_again_in_any_window(self, played: Played, tmp_path: Path) -> None:
        self.with_library(played)
        played.panel.press(CLOSE, FACES, COPYING)
        assert played.panel.look(FACES, COPYING).sentence == ""
        another = Played(tmp_path)
        self.with_library(another)
        assert another.panel.look(FACES, COPYING).sentence == ""

    def test_they_are_fetched_with_progress_and_then_nothing_is_said(self, played: Played) -> None:
        self.with_library(played)
        played.panel.press(GET, FACES, COPYING)
        assert ("face-library", False) in played.client.asked
        view = played.panel.look(FACES, COPYING)
        assert "Faces to copy from" in view.sentence
        assert [name for name, _ in view.buttons] == [CANCEL]
        played.client.listed[-1]["state"] = "present"
        played.tell("weights_done")
        assert played.panel.look(FACES, COPYING).sentence == ""

    def test_a_failure_is_told_and_closing_it_refuses_nothing(self, played: Played) -> None:
        self.with_library(played)
        played.panel.press(GET, FACES, COPYING)
        played.tell("error", code="unreachable", message="The line broke.", hint="Try again.")
        assert played.panel.look(FACES, COPYING).sentence == "The line broke."
        played.panel.press(CLOSE, FACES, COPYING)
        assert played.panel.look(FACES, COPYING).sentence == weights_panel.LIBRARY_HELPS
