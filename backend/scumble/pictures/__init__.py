"""The pictures of the demo and of the tests; SOURCES.md says whose they are."""

from pathlib import Path

FOLDER = Path(__file__).parent
NAMES = ("osprey", "wren", "otters")


def picture(name: str) -> Path:
    return FOLDER / f"{name}.jpg"


def selection(name: str) -> Path:
    """White where `make demo` fills the picture."""
    return FOLDER / f"{name}-selection.png"


def paintings() -> list[Path]:
    """The bundled style pictures."""
    return sorted((FOLDER / "paintings").glob("*.webp"))


def painting(name: str) -> Path:
    """A bundled style picture; the names are those of `scumble.style.inputs.Painting`."""
    return FOLDER / "paintings" / f"{name}.webp"


def portrait() -> Path:
    """A face of 256 × 256 pixels, aligned as the collections of faces are."""
    return FOLDER / "portrait.webp"
