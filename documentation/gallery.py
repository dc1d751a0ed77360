"""The page of pictures: each strip of the documentation with the scene of the demo that made it."""

from __future__ import annotations

from benchmarks.strips import STRIPS

from scumble.cli.demo_scenes import Scene, scenes
from scumble.operations import find

PAGES = {
    "inpaint": "inpaint.md",
    "restore-mosaic": "mosaic.md",
    "face-sketch": "face-sketch.md",
    "face-brush": "faces.md",
    "face-latent": "faces.md",
    "face-sample": "faces.md",
    "photo-style": "style.md",
    "paint-style": "style.md",
}
"""By operation: the page that tells about it."""

HEAD = """# Gallery

Every strip is one scene of `scumble demo`, on pictures that come with Scumble: on the left the picture, in the middle what was given, on
the right the picture under the new layer. Nothing was retouched. [Whose pictures these are](pictures/SOURCES.md).
"""


def page() -> str:
    """Markdown: a heading for each operation, its strips, what was given, and how to make them."""
    by_name = {scene.name: scene for scene in scenes()}
    parts, told = [HEAD], set()
    for picture, names in STRIPS.items():
        shown = [by_name[name] for name in names]
        operation = find(shown[0].operation)
        if operation.name not in told:
            told.add(operation.name)
            parts.append(f"\n## {operation.title}\n\n{operation.help} [More about it]({PAGES[operation.name]}).\n")
        subjects = " and ".join(f"the {scene.subject}" for scene in shown)
        parts.append(f"\n![{operation.title}: {subjects}](pictures/{picture}.jpg)\n\n")
        parts += [f"- {_said(scene)}\n" for scene in shown]
    return "".join(parts)


def _said(scene: Scene) -> str:
    values = {name: value for name, value in scene.parameters.items() if not isinstance(value, list)}
    settings = "".join(f", `--set {name}={value}`" for name, value in values.items())
    return f"{scene.subject.capitalize()}. Given: {scene.given}{settings}."
