"""Makes the bundled pictures again out of packages: `python -m benchmarks.pictures` (or `make pictures`).

Packages are fetched by name and version with their ordinary clients, `apt-get download` and `pip download`, into a cache outside
the repository. Debian's are looked up in lists of the newer suites that are kept beside the cache; this machine's own sources stay
as they are. backend/scumble/pictures/SOURCES.md says whose the pictures are. With the versions of constraints.txt the same bytes
come out.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from benchmarks import brushwork, paper_media
from scumble import pictures

Rgb = NDArray[np.uint8]
Point = tuple[float, float]

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "scumble-pictures"

SUITES = ("trixie", "forky", "sid")
"""Where the Debian packages are looked for."""

BUDGIE = "budgie-backgrounds=4.2-1"
CLIPART = "openclipart-png=1:0.18+dfsg-21"
SKIMAGE = "scikit-image==0.26.0"
WAND = "Wand==0.7.2"

BACKGROUNDS = "usr/share/backgrounds/budgie"
SIZE = (576, 384)


@dataclass(frozen=True)
class Photograph:
    """A part of a photograph of 3240 × 2160 pixels, and the lassos in it, in pixels of the small picture."""

    file: str
    left: int
    lassos: tuple[tuple[Point, ...], ...]


PHOTOGRAPHS = {
    "osprey": Photograph(
        "perched-osprey.jxl",
        600,
        (
            (
                (140, 84), (150, 77), (168, 78), (184, 86), (194, 98), (193, 113), (188, 121), (199, 129), (206, 145),
                (204, 170), (196, 202), (184, 230), (173, 250), (168, 266), (155, 284), (140, 308), (131, 326), (112, 325),
                (97, 330), (95, 300), (94, 250), (91, 212), (94, 182), (103, 158), (120, 138), (138, 122), (140, 103),
            ),
        ),
    ),
    "wren": Photograph(
        "canyon-wren.jxl",
        300,
        (
            (
                (207, 95), (220, 89), (242, 90), (262, 86), (274, 87), (273, 96), (252, 103), (241, 115), (239, 140), (240, 174),
                (228, 171), (212, 166), (198, 164), (184, 163), (187, 149), (195, 138), (198, 121), (201, 106),
            ),
        ),
    ),
    "otters": Photograph(
        "oakland-zoo-otters.jxl",
        500,
        (
            (
                (0, 172), (20, 167), (45, 167), (70, 169), (81, 178), (80, 190), (112, 193), (124, 205), (104, 222), (80, 227),
                (50, 234), (20, 241), (0, 247),
            ),
            (
                (0, 36), (12, 35), (28, 40), (45, 31), (75, 29), (100, 35), (109, 50), (101, 65), (72, 68), (42, 78), (14, 74),
                (0, 64),
            ),
        ),
    ),
}  # fmt: skip

EYES = ((204.12, 100.64), (247.92, 103.65))
"""Of the astronaut."""

ALIGNED = (0.361, 0.639, 0.472)
"""The eyes' places in an aligned portrait, as shares of its side: left, right, height."""

PORTRAIT = 256


class Packages:
    """Files out of packages, fetched once into a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def debian(self, package: str, path: str) -> Path:
        """A file of a Debian package, named `name=version`."""
        unpacked = self._folder / package.replace(":", "-")
        if not unpacked.exists():
            downloads = self._fresh("deb")
            _run(["apt-get", "-q", "download", package], downloads, APT_CONFIG=str(self._apt()))
            part = self._fresh("part")
            _run(["dpkg", "-x", str(next(downloads.glob("*.deb"))), str(part)], downloads)
            part.rename(unpacked)
        return unpacked / path

    def python(self, requirement: str, path: str, kind: str = "wheel") -> Path:
        """A file of a Python package, as a wheel or as its sources (`kind` is `sdist`)."""
        unpacked = self._folder / requirement
        if not unpacked.exists():
            downloads = self._fresh("pip")
            form = ["--only-binary", ":all:"] if kind == "wheel" else ["--no-binary", ":all:"]
            _run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", *form, requirement], downloads)
            part, archive = self._fresh("part"), next(downloads.iterdir())
            if kind == "wheel":
                with zipfile.ZipFile(archive) as wheel:
                    wheel.extractall(part)
            else:
                with tarfile.open(archive) as sources:
                    sources.extractall(part, filter="data")
            part.rename(unpacked)
        return unpacked / path

    def _fresh(self, name: str) -> Path:
        folder = self._folder / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def _apt(self) -> Path:
        """A configuration of apt with lists and state of its own, and the mirror that this machine's sources name."""
        home = self._folder / "apt"
        settings = home / "apt.conf"
        if settings.exists():
            return settings
        form = "$(REPO_URI) $(ORIGIN) $(LABEL) $(COMPONENT)"
        asked = ["apt-get", "indextargets", "--format", form, "Created-By: Packages"]
        rows = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.splitlines()
        mirrors = [row.split()[0] for row in rows if row.split()[1:] == ["Debian", "Debian", "main"]]
        if not mirrors:
            raise SystemExit("No Debian mirror is among this machine's apt sources; run `apt-get update` first.")
        for folder in ("lists/partial", "cache/archives/partial"):
            (home / folder).mkdir(parents=True, exist_ok=True)
        signed = "[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]"
        (home / "sources.list").write_text("".join(f"deb {signed} {mirrors[0]} {suite} main\n" for suite in SUITES))
        (home / "status").touch()
        part = home / "apt.conf.part"
        part.write_text(
            f'Dir::Etc::sourcelist "{home}/sources.list";\nDir::Etc::sourceparts "-";\nDir::State::lists "{home}/lists";\n'
            f'Dir::Cache "{home}/cache";\nDir::State::status "{home}/status";\nAPT::Sandbox::User "root";\n'
        )
        _run(["apt-get", "-q", "update"], home, APT_CONFIG=str(part))
        return part.rename(settings)


def _run(command: Sequence[str], folder: Path, **environment: str) -> None:
    subprocess.run(command, cwd=folder, check=True, env={**os.environ, **environment}, stdout=sys.stderr)


def background(packages: Packages, file: str) -> Image.Image:
    pixels = imagecodecs.jpegxl_decode(packages.debian(BUDGIE, f"{BACKGROUNDS}/{file}").read_bytes())
    return Image.fromarray(np.asarray(pixels[..., :3], np.uint8))


def photograph(packages: Packages, one: Photograph) -> Image.Image:
    whole = background(packages, one.file)
    width = whole.height * SIZE[0] // SIZE[1]
    return whole.crop((one.left, 0, one.left + width, whole.height)).resize(SIZE, Image.Resampling.LANCZOS)


def selected(one: Photograph) -> Image.Image:
    """The lassos, white on black, their corners rounded and their edges smooth."""
    large = Image.new("L", (SIZE[0] * 4, SIZE[1] * 4))
    for lasso in one.lassos:
        ImageDraw.Draw(large).polygon([(x * 4, y * 4) for x, y in lasso], fill=255)
    rounded = large.filter(ImageFilter.GaussianBlur(10)).point(lambda value: 255 if value > 127 else 0)
    return rounded.resize(SIZE, Image.Resampling.BOX)


def aligned_portrait(packages: Packages) -> Image.Image:
    """The astronaut's head, turned and enlarged so that the eyes are where the face networks expect them."""
    whole = Image.open(packages.python(SKIMAGE, "skimage/data/astronaut.png")).convert("RGB")
    (x0, y0), (x1, y1) = EYES
    across = PORTRAIT * (ALIGNED[1] - ALIGNED[0])
    a, b = (x1 - x0) / across, (y1 - y0) / across  # from the portrait to the photograph: turn and scale
    left, top = PORTRAIT * ALIGNED[0], PORTRAIT * ALIGNED[2]
    affine = (a, -b, x0 - a * left + b * top, b, a, y0 - b * left - a * top)
    return whole.transform((PORTRAIT, PORTRAIT), Image.Transform.AFFINE, affine, Image.Resampling.BICUBIC)


def paintings(packages: Packages) -> dict[str, Image.Image]:
    """The style pictures by name, the long side at most 640 pixels."""
    mona = Image.open(packages.python(WAND, "wand-0.7.2/tests/assets/mona-lisa.jpg", "sdist")).convert("RGB")
    room = Image.open(packages.debian(CLIPART, "usr/share/openclipart/png/people/van_gogh_s_room_enrique__01.png"))
    paper = Image.new("RGBA", room.size, "white")
    paper.alpha_composite(room.convert("RGBA"))
    return {
        "ocean-waves": _small(background(packages, "ocean-waves.jxl").crop((0, 0, 3240, 2160))),
        "mona-lisa": mona,
        "bedroom": _small(paper.convert("RGB").crop((24, 126, 722, 756))),
        "sunset": _small(background(packages, "beacon-street-sunset.jxl").crop((600, 0, 3840, 2160))),
        "impasto": _painted(background(packages, "singaporean-cityscape.jxl").crop((300, 0, 3540, 2160)), "impasto"),
        "pointillism": _painted(background(packages, "lake-sherburne.jxl").crop((0, 0, 3240, 2160)), "pointillism"),
        "mosaic": _painted(background(packages, "blue-periwinkle.jxl"), "mosaic"),
        "watercolour": _painted(background(packages, "pondering-heron.jxl").crop((300, 0, 3540, 2160)), "watercolour"),
        "ink": _painted(background(packages, "perched-shrike.jxl").crop((300, 0, 3540, 2160)), "ink"),
        "pastel": _painted(background(packages, "extreme-desert-hike.jxl"), "pastel"),
        "charcoal": _painted(background(packages, "oakland-zoo-otters.jxl").crop((300, 0, 3540, 2160)), "charcoal"),
        "woodcut": _painted(background(packages, "roman-colosseum.jxl").crop((0, 0, 3240, 2160)), "woodcut"),
    }


def _small(picture: Image.Image, longest: int = 600) -> Image.Image:
    scale = longest / max(picture.size)
    size = round(picture.width * scale), round(picture.height * scale)
    return picture.resize(size, Image.Resampling.LANCZOS)


MANNERS = {
    "impasto": brushwork.impasto,
    "pointillism": brushwork.pointillism,
    "mosaic": brushwork.mosaic,
    "watercolour": paper_media.watercolour,
    "ink": paper_media.ink,
    "pastel": paper_media.pastel,
    "charcoal": paper_media.charcoal,
    "woodcut": paper_media.woodcut,
}


def _painted(picture: Image.Image, manner: str) -> Image.Image:
    given = np.asarray(_small(picture), np.float64) / 255
    if manner in ("pointillism", "mosaic"):
        given = given**0.7  # stones and dots of paint reflect light, where these photographs are dark
    return Image.fromarray(np.asarray(np.round(MANNERS[manner](given) * 255), np.uint8))


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pictures", description="The bundled pictures.")
    parser.add_argument("--out", type=Path, default=pictures.FOLDER, help="where to write them")
    parser.add_argument("--cache", type=Path, default=CACHE, help="where packages are kept")
    options = parser.parse_args(argv)
    options.cache.mkdir(parents=True, exist_ok=True)
    packages, out = Packages(options.cache.resolve()), options.out
    (out / "paintings").mkdir(parents=True, exist_ok=True)
    for name, one in PHOTOGRAPHS.items():
        photograph(packages, one).save(out / f"{name}.jpg", quality=88, subsampling=1, optimize=True)
        selected(one).save(out / f"{name}-selection.png", optimize=True)
    aligned_portrait(packages).save(out / "portrait.webp", quality=90, method=6)
    for name, picture in paintings(packages).items():
        picture.save(out / "paintings" / f"{name}.webp", quality=82, method=6)
    return 0


if __name__ == "__main__":
    sys.exit(main())
