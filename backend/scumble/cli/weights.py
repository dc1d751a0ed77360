"""`scumble weights`: what networks there are, getting them, checking them, bringing published files into one form."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rich.markdown import Markdown
from rich.table import Table

from scumble.weights import Progress, WeightsEntry, WeightStore, parts
from scumble.weights.store import TRUSTED_FILE, Status
from scumble_client.errors import ScumbleError

from .console import DONE, FAILED, out, print_json, progress_bar, say_error, say_note, size


def _store() -> WeightStore:
    """The store that can also build what is a folder."""
    return WeightStore(builders={"face_exemplars": _build_faces})


def _build_faces(archive: Path, folder: Path, entry: WeightsEntry, progress: Progress | None) -> None:
    from scumble.faces.detection.weights import LANDMARKS, load
    from scumble.faces.exemplars.pulling import build

    say_note("The faces of the portraits are being found and aligned. That takes some minutes, once.")
    build(archive, folder, entry.built_from, load(WeightStore().path(LANDMARKS)), progress)


def list_weights(as_json: bool) -> None:
    statuses = WeightStore().list()
    if as_json:
        print_json(
            [
                {
                    "name": s.weights.name,
                    "title": s.weights.title,
                    "state": s.state,
                    "size": s.weights.size,
                    "licence": s.weights.licence,
                    "non_commercial": s.weights.non_commercial,
                    "operations": list(s.weights.operations),
                    "path": str(s.path),
                }
                for s in statuses
            ]
        )
        return
    table = Table("name", "state", "size", "licence", "what", box=None)
    for s in statuses:
        known = size(s.weights.shown_size or s.bytes_here) if s.weights.shown_size or s.state == "present" else "?"
        table.add_row(s.weights.name, s.state, known, s.weights.licence, s.weights.title)
    out.print(table)


def show(name: str, as_json: bool) -> None:
    """The card that lies beside an embedded file; of published weights what the manifest says. Raises ScumbleError for an unknown name."""
    status = WeightStore().status(name)
    entry = status.weights
    path = card(status)
    text = path.read_text(encoding="utf-8") if path else _facts(status)
    if as_json:
        print_json({"name": entry.name, "state": status.state, "path": str(status.path), "card": text})
    elif out.is_terminal:
        out.print(Markdown(text))
    else:
        out.print(text.rstrip("\n"))


def card(status: Status) -> Path | None:
    """The page of Markdown beside an embedded file."""
    path = status.path.with_suffix(".md")
    return path if status.weights.embedded and path.is_file() else None


def _facts(status: Status) -> str:
    """A page about weights that have no card here: whoever published them has more to say."""
    entry = status.weights
    known = size(entry.shown_size) if entry.shown_size else "not stated by the source"
    lines = [
        f"# {entry.title}",
        "",
        f"- **Name**: `{entry.name}`. Licence: {entry.licence}{' (not for commercial use)' if entry.non_commercial else ''}.",
        f"- **Architecture**: {entry.architecture}.",
        f"- **For**: {', '.join(f'`{operation}`' for operation in entry.operations) or 'training'}.",
        f"- **Size**: {known}. Here: {status.state}, `{status.path}`.",
    ]
    if entry.url:
        lines.append(f"- **From**: {entry.url}")
    if entry.notes:
        lines.append(f"- **Notes**: {entry.notes}")
    return "\n".join(
        [*lines, "", "Published by others, who may have a card of their own; Scumble has measured nothing of it.", ""]
    )


def pull(names: list[str], accept_non_commercial: bool, dry_run: bool = False) -> None:
    """Download; the licence is shown first. With `dry_run` only say what would be downloaded, and where it would lie."""
    store = _store()
    for name in names:
        store.status(name)  # an unknown name is said before anything is downloaded
    for name in names if dry_run else []:
        status = store.status(name)
        entry = status.weights
        if entry.embedded or status.state == "present":
            out.print(f"{name}: is here already")
        else:
            out.print(
                f"{name}: would download {size(entry.shown_size) if entry.shown_size else 'it'} to {status.path}. {entry.terms}"
            )
    if dry_run:
        return
    for name in names:
        say_note(store.manifest[name].terms)
        with progress_bar() as bar:
            task = bar.add_task(name, total=None)
            path = store.pull(
                name,
                accept_non_commercial,
                lambda here, total: bar.update(task, completed=here, total=total),  # noqa: B023 (used at once)
            )
        out.print(f"{name}: {path}")
        part = parts.missing(store.manifest[name].file)
        if part is not None:
            _bring(part)


def _bring(part: parts.Part) -> None:
    """What the file needs besides: added to an engine that was set up from an editor; elsewhere a sentence says what to do."""
    from scumble.fetching.parts import bring

    if not parts.comes_along(part):
        say_note(parts.sentence(part))
        return
    with progress_bar() as bar:
        task = bar.add_task(part.module, total=None)
        bring(
            part,
            lambda: False,
            lambda here, total, text: bar.update(task, completed=here, total=total, description=text),
        )


def trust(names: list[str]) -> None:
    """Allow the files that are here now to run as programs. Raises ScumbleError for a name that is unknown, or not here."""
    store = WeightStore()
    for name in names:
        digest = store.trust(name)
        out.print(
            f"{store.status(name).path}: may run as a program from now on, as long as it stays this file (SHA-256 {digest}). "
            "A program can do on this computer whatever you can; to take it back, remove the line from "
            f"{store.directory / TRUSTED_FILE}.",
            highlight=False,
        )


def add(folder: Path) -> int:
    """Take over what is known among the files of a folder; whether there was any."""
    from scumble.fetching.folder import add_folder

    with progress_bar() as bar:
        task = bar.add_task("Looking", total=1.0)
        found = add_folder(folder, WeightStore(), lambda done, text: bar.update(task, completed=done, description=text))
    for one in found:
        out.print(one.sentence, highlight=False)
    if not any(one.name for one in found):
        say_error(f"No file in {folder} is one that Scumble knows. See what there is with: scumble weights list")
        return FAILED
    return DONE


def convert(file: Path, target: Path | None, half: bool, dry_run: bool = False) -> None:
    """Bring a published file into Scumble's own form. Raises ScumbleError."""
    target = target or file.with_name(f"{file.name.split('.')[0]}.safetensors")
    if target.suffix != ".safetensors":
        raise ScumbleError(
            "invalid_parameter", f"“{target.name}” is no name for safetensors.", "Let it end in .safetensors."
        )
    if file.exists() and target.resolve() == file.resolve():
        raise ScumbleError("invalid_parameter", "The file would replace itself.", "Choose another name with --out.")
    architecture, numbers, save = _converted(file)
    if dry_run:
        out.print(f"Would write {target}: {architecture}, {numbers:,} numbers")
        return
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        save(target, half)
    except OSError as error:
        raise ScumbleError(
            "internal", f"“{target}” can't be written: {error.strerror or error}.", "Choose another place with --out."
        ) from error
    out.print(f"{target}: {architecture}, {numbers:,} numbers")


def _converted(file: Path) -> tuple[str, int, Callable[[Path, bool], None]]:
    """What a file holds: its architecture, how many numbers, and a function that writes them to a path, halved or not."""
    from scumble.faces.latent import ian_weights
    from scumble.faces.sketch import sc_fegan_weights
    from scumble.inpainting.weights import loading

    if file.suffix == ".npz":
        model = ian_weights.load(file)
        return type(model).__name__, _numbers(model.state_dict()), lambda to, half: ian_weights.save(model, to, half)
    if sc_fegan_weights.is_checkpoint(file):
        network = sc_fegan_weights.load(file)
        numbers = _numbers(network.state_dict())
        return sc_fegan_weights.ARCHITECTURE, numbers, lambda to, half: sc_fegan_weights.save(network, to, half)
    converted = loading.convert(file)
    return converted.architecture, _numbers(converted.state), converted.save


def _numbers(state: Mapping[str, Any]) -> int:
    return sum(tensor.numel() for tensor in state.values())


def verify(names: list[str], repair: bool, as_json: bool) -> int:
    with progress_bar() as bar:
        task = bar.add_task("Checking", total=None)
        checks = _store().verify(
            repair=repair,
            names=names or None,
            progress=lambda here, total: bar.update(task, completed=here, total=total),
        )
    if as_json:
        print_json([{"name": c.weights.name, "ok": c.ok, "repaired": c.repaired, "message": c.message} for c in checks])
    else:
        for check in checks:
            out.print(check.message) if check.ok else say_error(check.message)
        if not checks:
            out.print("There is nothing to check: no weights are here.")
    return DONE if all(c.ok for c in checks) else FAILED
