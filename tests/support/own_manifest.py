"""A manifest of a test's own (SCUMBLE_MANIFEST), whose files lie on the test's server."""

from __future__ import annotations

from pathlib import Path

from .file_server import CONTENT, SHA256, FileServer


def entry(name: str, url: str, **more: object) -> str:
    """One table of TOML; the file has the name of the entry."""
    values: dict[str, object] = {
        "name": name,
        "title": f"The one called {name}",
        "architecture": "lama",
        "operations": ["inpaint"],
        "file": f"{name}.bin",
        "url": url,
        "licence": "MIT",
        **more,
    }
    return "[[weights]]\n" + "".join(f"{key} = {_toml(value)}\n" for key, value in values.items() if value is not None)


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + ", ".join(_toml(one) for one in value) + "]"
    return str(value) if isinstance(value, int) else f'"{value}"'


def write(path: Path, server: FileServer) -> Path:
    """Entries for what can happen: `free`, `research` (not for money), `changed` (another digest), `huge`, `nowhere`, `by-hand`.

    LaMa and MI-GAN, which choices of an operation name, are of the server's, too.
    """
    url, known = server.url, {"size": len(CONTENT), "sha256": SHA256}
    tables = [
        entry("free", url, **known),
        entry("big-lama", url, title="Big-LaMa", file="big-lama.pt", licence="Apache-2.0", **known),
        entry("migan", url, title="MI-GAN", file="migan.onnx", **known),
        entry("research", url, licence="CC BY-NC 4.0", non_commercial=True, **known),
        entry(
            "anime-manga-lama",
            url,
            title="LaMa for anime",
            file="anime.pt",
            licence="CC BY-NC 4.0",
            non_commercial=True,
            **known,
        ),
        entry("changed", url, size=len(CONTENT), sha256="0" * 64),
        entry("huge", url),
        entry("nowhere", "http://nowhere.invalid/weights.bin", **known),
        entry("by-hand", "http://nowhere.invalid/page", manual=True, file="by-hand.safetensors"),
    ]
    path.write_text("\n".join(tables), encoding="utf-8")
    return path
