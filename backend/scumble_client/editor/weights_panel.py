"""What an editor shows where a choice needs weights that are not here: size and licence, how far they are, what can be pressed. And where
none is needed, but faces to copy from would help: what these are, until they are here or the artist does not want them.

The same in every editor. An editor calls `look` a few times a second, `handle` with what its client tells, and `press`.
"""

import time
from dataclasses import dataclass
from typing import Any, Dict, List, Mapping, Optional, Set, Tuple

from ..client import Client, Event
from ..errors import ScumbleError
from ..fetching import Fetch
from ..setup.machine import in_words
from . import form
from .background import Background
from .settings import EditorSettings

GET, ACCEPT, CANCEL, HAVE, PAGE, CLOSE = "get", "accept", "cancel", "have", "page", "close"
"""Names of buttons. `have` and `page` are for the editor itself: a folder is to be chosen (`add`), `page` to be opened."""

USABLE = ("embedded", "present")

LIBRARY, COPIES = "face-library", "exemplars"
"""The entry of faces to copy from, and the parameter of operations that copy from them."""

LIBRARY_HELPS = "Faces to copy from would make skin, hair and eyes look real."
LIBRARY_IS = "Portraits of 200 people who do not exist, at most 40 MB when they are ready"
GO_ON = "You can go on working; it goes on when this is closed, too."
FORBIDDEN = "Whoever runs the machine that computes does not let editors get weights: ask them."
LIST_SECONDS = 15.0

LOOK_AGAIN, TRY_AGAIN, LOOKED_ENOUGH = 10.0, 3.0, 600.0
"""Seconds between two looks at what is there while something is offered, which may come by other ways, too; between two tries where nothing
is known yet; and for how long either: a daemon that is asked all the time never ends by itself."""


@dataclass(frozen=True)
class WeightsView:
    """What is shown; with an empty sentence, nothing. `fraction` is None where nothing is under way."""

    sentence: str = ""
    detail: str = ""
    fraction: Optional[float] = None
    buttons: Tuple[Tuple[str, str], ...] = ()
    """Name and label, the one to press first."""
    page: str = ""
    """Where a file that has to be fetched by hand lies."""


@dataclass(frozen=True)
class Needed:
    """A choice whose weights can't be used yet: how the artist knows it, and the daemon's entry."""

    label: str
    entry: Mapping[str, Any]

    @property
    def name(self) -> str:
        return str(self.entry["name"])

    @property
    def terms(self) -> str:
        """Size and licence."""
        size = self.entry.get("size")
        known = in_words(size) if isinstance(size, int) else "Its source states no size"
        return f"{known}; licence: {self.entry.get('licence', 'not known')}."


class WeightsPanel:
    """One for each connection. `background` asks the daemon; its owner polls it. `settings` keep what the artist does not want."""

    def __init__(self, client: Client, background: Background, settings: EditorSettings) -> None:
        self._client, self._background, self._settings = client, background, settings
        self.entries: Dict[str, Dict[str, Any]] = {}
        """By name, as the daemon has told; empty until then."""
        self.may_get = self.may_add = False
        self._asking = False
        self._asked_at = 0.0
        self._offered = ""
        self._offered_at = time.monotonic()
        self._fetches: Dict[str, Fetch] = {}
        self._folder: Optional[Fetch] = None
        self._told: List[str] = []
        self._problems: Dict[str, ScumbleError] = {}
        self._questions: Set[str] = set()

    # -- what is known

    def refresh(self) -> None:
        """Ask for the list, in the background. It starts a daemon where there is none."""
        if self._asking:
            return
        self._asking, self._asked_at = True, time.monotonic()
        self._background.start(lambda: self._client.call("weights", timeout=LIST_SECONDS), self._listed)

    def keep_fresh(self) -> None:
        """Ask again from time to time while something is offered, or nothing known. For an editor whose daemon runs."""
        now = time.monotonic()
        wait = (LOOK_AGAIN if self._offered else LOOKED_ENOUGH) if self.entries else TRY_AGAIN
        if now - self._asked_at > wait and now - self._offered_at < LOOKED_ENOUGH:
            self.refresh()

    def _listed(self, answer: Any, error: Optional[BaseException]) -> None:
        self._asking = False
        if error is not None:
            return  # what was known before still is; a run says what it lacks
        body = answer.body
        listed = body.get("weights")
        found = [one for one in listed if isinstance(one, dict) and isinstance(one.get("name"), str)] if listed else []
        self.entries = {one["name"]: one for one in found}
        self.may_get, self.may_add = bool(body.get("get")), bool(body.get("add"))
        for name, entry in self.entries.items():
            if "fetching" in entry and name not in self._fetches:
                self._get(name)  # begun by another window: this one shows it, too, and may cancel it

    def handle(self, event: Event) -> bool:
        """Take what the client tells; whether it was for this."""
        if event.kind != "fetch" or event.fetch is None:
            return False
        fetch = event.fetch
        if fetch.ended:
            self._over(fetch)
        return True

    def _over(self, fetch: Fetch) -> None:
        error = fetch.error if fetch.error and fetch.error.code != "cancelled" else None
        if fetch is self._folder:
            self._folder = None
            if error:
                self._told = [error.message, error.hint]
            elif not fetch.error:
                none = "No file in that folder is one that Scumble knows."
                self._told = [one["message"] for one in fetch.files] or [none]
        elif self._fetches.get(fetch.name) is fetch:
            del self._fetches[fetch.name]
            if error:
                self._problems[fetch.name] = error
            elif fetch.error and fetch.done and fetch.name in self.entries:
                # What has come is kept; the list that says so is a moment away.
                self.entries[fetch.name].update(state="partial", here=int(fetch.done))
        self.refresh()

    def needed(self, operation: Mapping[str, Any], values: Mapping[str, Any]) -> Optional[Needed]:
        """The first choice that has an effect and whose weights can't be used yet."""
        for parameter in operation["parameters"]:
            value = values.get(parameter["name"])
            entry = self.entries.get(str(value)) if parameter["type"] == "choice" else None
            if entry is None or not form.has_effect(parameter, values):
                continue
            if entry.get("state") not in USABLE or entry.get("needs"):
                return Needed(form.label(parameter, value), entry)
        return None

    def helpful(self, operation: Mapping[str, Any], values: Mapping[str, Any]) -> Optional[Needed]:
        """The library of faces, where this would copy from it, it can be had, and the artist has not refused it."""
        entry = self.entries.get(LIBRARY)
        copies = any(one["name"] == COPIES and form.has_effect(one, values) for one in operation["parameters"])
        if entry is None or not copies or not values.get(COPIES) or entry.get("state") in USABLE:
            return None
        if LIBRARY in self._fetches:
            return Needed("Faces to copy from", entry)
        if not self.may_get or not self._settings.option("faces_offered"):
            return None
        return Needed("Faces to copy from", entry)

    def labels(self, parameter: Mapping[str, Any], chosen: Any) -> List[str]:
        """A parameter's choices for a list, with what is to be got for them; of the chosen one, `look` says it, and a box is narrow."""
        choices = parameter["choices"]
        return [form.label(parameter, one) if one == chosen else self.label(parameter, one) for one in choices]

    def label(self, parameter: Mapping[str, Any], choice: Any) -> str:
        """A choice for a list, and what is to be got for it."""
        text = form.label(parameter, choice)
        entry = self.entries.get(str(choice))
        if entry is None:
            return text
        if entry.get("state") in USABLE:
            return f"{text} · to get" if entry.get("needs") else text
        if entry.get("page"):
            return f"{text} · to get by hand"
        size = entry.get("size")
        return f"{text} · {in_words(size)} to get" if isinstance(size, int) else f"{text} · to get"

    @property
    def usable(self) -> Dict[str, bool]:
        """By entry: whether it can be used; with what is known of none, empty."""
        return {name: one.get("state") in USABLE and not one.get("needs") for name, one in self.entries.items()}

    @property
    def busy(self) -> bool:
        """Whether something is on its way."""
        return bool(self._fetches) or self._folder is not None

    # -- what is shown

    def look(self, operation: Optional[Mapping[str, Any]], values: Mapping[str, Any]) -> WeightsView:
        """What to show for an operation with these values."""
        if self._folder is not None:
            message = self._folder.message or "Looking through the folder"
            return WeightsView(f"{message}.", GO_ON, self._folder.fraction, ((CANCEL, "Stop Looking"),))
        if self._told:
            return WeightsView(self._told[0], "\n".join(self._told[1:]), buttons=((CLOSE, "Close"),))
        needed = self._wanted(operation, values) if operation is not None else None
        name = needed.name if needed is not None else ""
        if name != self._offered:
            self._offered, self._offered_at = name, time.monotonic()
        if needed is None:
            return WeightsView()
        fetch = self._fetches.get(needed.name)
        if fetch is not None:
            return self._fetching(needed, fetch)
        if needed.entry.get("state") in USABLE and not needed.entry.get("brings"):
            return WeightsView(f"“{needed.label}” is here.", str(needed.entry["needs"]))
        if needed.name in self._problems:
            error = self._problems[needed.name]
            return WeightsView(error.message, error.hint, buttons=((GET, "Get It"), (CLOSE, "Not Now")))
        if needed.name in self._questions:
            licence = needed.entry.get("licence", "not known")
            sentence = f"“{needed.label}” is for non-commercial use only (licence: {licence}). Is that your use of it?"
            return WeightsView(sentence, "", buttons=((ACCEPT, "Yes, Get It"), (CLOSE, "Not Now")))
        return self._offer(needed)

    def _wanted(self, operation: Mapping[str, Any], values: Mapping[str, Any]) -> Optional[Needed]:
        return self.needed(operation, values) or self.helpful(operation, values)

    def _offer(self, needed: Needed) -> WeightsView:
        if needed.name == LIBRARY:
            detail = f"{LIBRARY_IS}; licence: {needed.entry.get('licence', 'not known')}."
            return WeightsView(LIBRARY_HELPS, detail, buttons=((GET, "Get Them"), (CLOSE, "No, Thanks")))
        if needed.entry.get("state") in USABLE:
            return self._offer_part(needed)
        have = ((HAVE, "I Have It…"),) if self.may_add else ()
        sentence = f"“{needed.label}” is not here yet."
        page = str(needed.entry.get("page") or "")
        if page:
            then = "then press “I Have It…” and choose its folder" if have else "and run: scumble weights add FOLDER"
            detail = f"Fetch it from its page, {then}. Licence: {needed.entry.get('licence', 'not known')}."
            return WeightsView(sentence, detail, buttons=((PAGE, "Open Its Page"), *have), page=page)
        if not self.may_get:
            return WeightsView(sentence, f"{needed.terms} {FORBIDDEN}", buttons=have)
        detail = needed.terms
        here = needed.entry.get("here")
        if needed.entry.get("state") == "partial" and isinstance(here, int):
            detail += f" {in_words(here)} of it have come already."
        if needed.entry.get("state") == "damaged":
            sentence = f"The file of “{needed.label}” is damaged."
        if needed.entry.get("needs"):
            detail += f" {needed.entry['needs']}"
        return WeightsView(sentence, detail, buttons=((GET, "Get It"), *have))

    def _offer_part(self, needed: Needed) -> WeightsView:
        """The file is here; what runs it would come along with it."""
        sentence, detail = f"“{needed.label}” is here, but not what runs it.", str(needed.entry["needs"])
        if not self.may_get:
            return WeightsView(sentence, f"{detail} {FORBIDDEN}")
        return WeightsView(sentence, detail, buttons=((GET, "Get It"),))

    def _fetching(self, needed: Needed, fetch: Fetch) -> WeightsView:
        if fetch.message:
            sentence = f"“{needed.label}”: {fetch.message[:1].lower()}{fetch.message[1:]}."
        elif fetch.total:
            sentence = f"Getting “{needed.label}”: {in_words(fetch.done)} of {in_words(fetch.total)}."
        else:
            sentence = f"Getting “{needed.label}”."
        return WeightsView(sentence, GO_ON, fetch.fraction, ((CANCEL, "Cancel Download"),))

    # -- what is pressed

    def press(self, button: str, operation: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        """A button of the view that was shown for these. Raises ScumbleError after the client was closed."""
        if button == CANCEL and self._folder is not None:
            self._client.cancel_weights(self._folder)
            return
        if button == CLOSE and self._told:
            self._told = []
            return
        needed = self._wanted(operation, values)
        if needed is None:
            return
        name = needed.name
        if button == CANCEL and name in self._fetches:
            self._client.cancel_weights(self._fetches[name])
        elif button == CLOSE:
            if name == LIBRARY and name not in self._problems:
                self._settings.set_option("faces_offered", False)
            self._questions.discard(name)
            self._problems.pop(name, None)
        elif button == ACCEPT:
            self._get(name, accepted=True)
        elif button == GET:
            if needed.entry.get("non_commercial") and not needed.entry.get("accepted"):
                self._problems.pop(name, None)
                self._questions.add(name)
            else:
                self._get(name)

    def _get(self, name: str, accepted: bool = False) -> None:
        self._problems.pop(name, None)
        self._questions.discard(name)
        self._fetches[name] = self._client.get_weights(name, accepted)

    def add(self, folder: str) -> None:
        """Look through a folder that was chosen."""
        self._told = []
        self._folder = self._client.add_weights(folder)

    def close(self) -> None:
        """The window goes: what is on its way goes on."""
        for fetch in [*self._fetches.values(), *([self._folder] if self._folder else [])]:
            try:
                self._client.cancel_weights(fetch, keep=True)
            except ScumbleError:
                pass  # the connection is closed already
        self._fetches, self._folder = {}, None
