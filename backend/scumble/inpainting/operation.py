"""Fill what is selected with what the rest of the picture suggests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from scumble.imaging.geometry import Bounds
from scumble.imaging.layer import Layer
from scumble.imaging.regions import ContextPolicy, plan_regions
from scumble.operations.base import Operation, Output, Parameters, Preset, Role, hints
from scumble.operations.context import Context
from scumble.operations.key_colour import KEY_COLOUR, TOLERANCE, KeyColour
from scumble.operations.new_layer import NewLayer

from .drawn_structure import drawn_in
from .fill_networks import Domain, PublishedWeights
from .fill_regions import FillRegion, prepare
from .holes import Holes
from .holes_in_faces import MOST_REGIONS, completed_face
from .methods import FillOptions, Method, Progress, fill
from .reference import Reference, without

Floats = NDArray[np.float32]

GUESSING = ("auto", "network")
"""The methods that ask a network."""

METHODS = {"auto": "Automatic", "network": "Guess alone", "patchmatch": "Copies alone", "smooth": "Smooth colours"}
WEIGHTS = {
    "embedded": "Scumble's own",
    "big-lama": "LaMa (photographs)",
    "anime-manga-lama": "LaMa (drawn art)",
    "migan": "MI-GAN (places)",
    "deepfill-places2": "DeepFill (places)",
    "deepfill-celebahq": "DeepFill (faces)",
    "pconv-keras": "Partial convolutions (photographs)",
    "pconv-pytorch": "Partial convolutions (places)",
    "deepcreampy-bar": "DeepCreamPy (drawn art)",
}


class InpaintParameters(Parameters):
    method: Method = Field(
        "auto",
        title="Method",
        description="How the selection is filled: by copies of the picture's own pixels, led by a guess of what belongs "
        "there (Automatic), by one of both alone, or by colours that flow in from around it.",
        json_schema_extra=hints(labels=METHODS),
    )
    domain: Domain = Field(
        "photo",
        title="Kind of picture",
        description="A photograph, or drawn art.",
        json_schema_extra=hints(when={"method": GUESSING}, labels={"photo": "Photograph", "art": "Drawn art"}),
    )
    weights: PublishedWeights = Field(
        "embedded",
        title="Weights",
        description="The network that guesses: Scumble's own, or a published one that was downloaded.",
        json_schema_extra=hints(advanced=True, when={"method": GUESSING}, labels=WEIGHTS),
    )
    detail: float = Field(
        1.0,
        ge=0,
        le=2,
        title="Detail",
        description="How much of the fine contrast is given back that copies lose where they overlap.",
        json_schema_extra=hints(step=0.1, advanced=True, when={"method": ["auto"]}),
    )
    mask_from: Literal["mask", "alpha", "color"] = Field(
        "mask",
        title="Fill",
        description="What to fill: the selection, the transparent part, or what has the key colour.",
        json_schema_extra=hints(
            advanced=True, labels={"mask": "The selection", "alpha": "What is transparent", "color": "The key colour"}
        ),
    )
    key_color: KeyColour = KEY_COLOUR
    tolerance: float = TOLERANCE
    grow: int = Field(
        0,
        ge=0,
        le=256,
        title="Grow",
        description="Widen what is filled by so many pixels, beyond the selection.",
        json_schema_extra=hints(unit="pixels"),
    )
    feather: int = Field(
        0,
        ge=0,
        le=256,
        title="Feather",
        description="Fade the new layer out over so many pixels beyond what is filled.",
        json_schema_extra=hints(unit="pixels"),
    )
    blend: Literal["membrane", "multiband", "none"] = Field(
        "membrane",
        title="Seam",
        description="How the fill meets its surroundings: with their colours, in bands from coarse to fine, or as it is.",
        json_schema_extra=hints(
            advanced=True, labels={"membrane": "Matched colours", "multiband": "In bands", "none": "As it is"}
        ),
    )
    context: float = Field(
        1.0,
        ge=0.1,
        le=4,
        title="Context",
        description="How far around a hole to look for something to copy, as a share of the hole's size.",
        json_schema_extra=hints(step=0.1, advanced=True),
    )
    patch: int = Field(
        7,
        ge=3,
        le=15,
        title="Patch size",
        description="Side of the patches that are compared; odd.",
        json_schema_extra=hints(step=2, advanced=True, when={"method": ["auto", "patchmatch"]}),
    )
    faces: bool = Field(
        True,
        title="Complete faces",
        description="Where the selection hides eyes, nose or mouth of a face, complete it as a face.",
        json_schema_extra=hints(advanced=True, when={"method": ["auto"], "domain": ["photo"]}),
    )
    variations: int = Field(1, ge=1, le=8, title="Variations", description="How many different layers to make.")

    def wants_faces(self, regions: int) -> bool:
        """Whether faces are looked for, where there are so many places to fill."""
        automatic = self.method == "auto" and self.domain == "photo" and self.weights == "embedded"
        return self.faces and automatic and regions <= MOST_REGIONS

    @field_validator("patch")
    @classmethod
    def _odd(cls, patch: int) -> int:
        if patch % 2 == 0:
            raise ValueError("the patch size is an odd number, so that a patch has a middle")
        return patch


class Inpaint(Operation[InpaintParameters]):
    name = "inpaint"
    title = "Inpaint"
    help = "Fills the selection with what the rest of the picture suggests."
    roles = (
        Role("image", "A picture", "Choose the layer to work on.", required=True),
        Role("mask", "A selection", "Select what should be filled.", kind="mask"),
        Role(
            "sketch",
            "A sketch",
            "Lines drawn over the selection, on a layer of their own: where things end, and in drawn art the ink.",
            advanced=True,
        ),
        Role("source", "A source mask", "Copy only from where this is white.", kind="mask", advanced=True),
        Role(
            "reference",
            "A reference",
            "Another picture to take from: of the same place, it is aligned; of another, its texture is copied.",
            placed=False,
            advanced=True,
        ),
    )
    parameters = InpaintParameters
    presets = (
        Preset("Remove an object", "A thing in a photograph goes, with its rim.", {"grow": 4, "feather": 2}),
        Preset(
            "Dust and scratches",
            "Small marks: copied from close by.",
            {"method": "patchmatch", "grow": 1, "context": 0.5},
        ),
        Preset("Sky or gradient", "Where nothing but colour is.", {"method": "smooth", "grow": 2, "feather": 2}),
        Preset("Drawn art", "Lines and flat colours.", {"domain": "art", "grow": 2}),
    )

    def run(self, layers: Mapping[str, Layer], parameters: InpaintParameters, context: Context) -> Sequence[Output]:
        image = layers["image"]
        context.report(0.0, "Looking at the selection")
        holes = Holes(image, layers.get("mask"), parameters)
        frame = Bounds.union([image.bounds, *holes.bounds])
        spread = parameters.grow + parameters.feather
        policy = ContextPolicy(factor=parameters.context, minimum=64 + spread)
        regions = plan_regions(frame, [b.padded(spread) for b in holes.bounds], policy)
        outputs = []
        with_faces = parameters.wants_faces(len(regions)) and not {"source", "reference"} & layers.keys()
        reference = Reference(layers["reference"], image, holes) if "reference" in layers else None
        steps = parameters.variations * sum(region.hole.extent.area for region in regions)
        done = 0.0
        for variation in range(parameters.variations):
            seed = (context.seed + variation) % 2**32
            made = NewLayer(image, Bounds.union(region.hole for region in regions))
            for region in regions:
                piece = prepare(region, image, holes, layers.get("source"), parameters, context)
                if "sketch" in layers and parameters.method in GUESSING:
                    piece = replace(piece, lines=drawn_in(layers["sketch"], region.crop, piece.hole))
                share = region.hole.extent.area / steps
                drawn = piece.lines is not None and bool(piece.lines.any())  # a sketch may be of something else
                face = completed_face(piece, image, seed, context) if with_faces and not drawn else None
                rgb = piece.rgb
                if face is None or (face.alpha <= 0)[piece.alpha > 0].any():
                    progress = context.part(done, done + share, "Filling")
                    wish = _wish(parameters, seed)
                    if reference is None:
                        rgb = fill(piece, wish, context, progress)
                    else:
                        rgb = _from_reference(piece, reference, wish, context, progress, aligned=variation == 0)
                if face is not None:
                    rgb = np.where(face.alpha[..., None] > 0, face.rgb, rgb)
                done += share
                part = region.to_crop(region.hole).slices
                made.put(rgb[part], piece.alpha[part], region.hole)
            outputs.append(Output(made.layer(), seed))
        context.report(1.0, "Done")
        return outputs


def _from_reference(
    piece: FillRegion,
    reference: Reference,
    wish: FillOptions,
    context: Context,
    progress: Progress,
    aligned: bool,
) -> Floats:
    """(H, W, 3): the piece with what the reference shows of it, or else with its texture. Only the first of several variations
    takes what it shows, as that is one and the same."""
    taken = reference.shown_in(piece) if aligned else None
    if taken is not None and taken.covered.any():
        context.note(
            "The reference shows the same place, so it was aligned with the picture and brought into its light."
        )
        left = without(piece, taken)
        return fill(left, wish, context, progress) if left.hole.any() else taken.rgb
    if wish.method not in ("auto", "patchmatch"):
        context.note("The reference shows another place, and this method copies no texture: it was left out.")
        return fill(piece, wish, context, progress)
    if aligned:
        context.note("The reference shows another place, so its texture was copied.")
    height, width = piece.hole.shape
    return fill(reference.beside(piece), wish, context, progress)[:height, :width]


def _wish(parameters: InpaintParameters, seed: int) -> FillOptions:
    return FillOptions(
        parameters.method,
        parameters.domain,
        parameters.weights,
        parameters.patch,
        parameters.blend,
        parameters.detail,
        seed,
    )
