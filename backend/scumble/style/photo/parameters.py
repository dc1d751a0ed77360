"""The parameters of photographic style."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from scumble.operations.base import Parameters, hints
from scumble.style.feature_network import Features, LayerList, features_field
from scumble.style.inputs import PAINTINGS, Painting

DEEP = hints(advanced=True, when={"method": ["deep"]})
SMOOTH = hints(advanced=True, when={"method": ["deep"], "smooth": [True]})


class PhotoStyleParameters(Parameters):
    method: Literal["fast", "deep"] = Field(
        "fast",
        title="Method",
        description="Move the colours, in seconds at any size, or compare features of a network over and over, for minutes.",
        json_schema_extra=hints(labels={"fast": "Fast", "deep": "Deep (minutes)"}),
    )
    painting: Painting = Field(
        "none",
        title="Painting",
        description="A bundled style picture, where no other is given.",
        json_schema_extra=hints(labels=PAINTINGS),
    )
    segments: Literal["given", "automatic", "none"] = Field(
        "given",
        title="Segments",
        description="Which parts take their look from each other: those of the two segmentations (found where none are "
        "given), those found in the pictures, or the whole pictures.",
        json_schema_extra=hints(labels={"given": "As given", "automatic": "Found", "none": "None"}),
    )
    segment_count: int = Field(
        4,
        ge=2,
        le=12,
        title="Automatic segments",
        description="How many to look for at most.",
        json_schema_extra=hints(advanced=True, when={"segments": ["given", "automatic"]}),
    )
    strength: float = Field(
        1.0, ge=0, le=1, title="Strength", description="How far to go.", json_schema_extra=hints(step=0.05)
    )
    contrast: float = Field(
        0.45,
        ge=0,
        le=1,
        title="Least contrast",
        description="Share of the picture's own contrast of lightness that is kept at least.",
        json_schema_extra=hints(step=0.05, when={"method": ["fast"]}),
    )
    smoothness: float = Field(
        1.0,
        ge=0.25,
        le=4,
        title="Smoothness",
        description="How slowly the change of colours may vary over the picture; less is nearer to the style.",
        json_schema_extra=hints(step=0.25, when={"method": ["fast"]}),
    )
    size: int = Field(
        700,
        ge=64,
        le=4096,
        title="Working size",
        description="Longest side, in pixels, at which it is made.",
        json_schema_extra=DEEP,
    )
    features: Features = features_field({"method": ["deep"]})
    style_option: Literal[0, 1, 2] = Field(
        2,
        title="Stages",
        description="Style without photorealism, with it, or one after the other.",
        json_schema_extra=DEEP | hints(labels={0: "Style alone", 1: "Photorealistic", 2: "Both in turn"}),
    )
    iterations: int = Field(
        1000, ge=1, le=20000, title="Iterations", description="Of each stage.", json_schema_extra=DEEP
    )
    optimizer: Literal["lbfgs", "adam"] = Field(
        "lbfgs",
        title="Optimizer",
        description="How the difference is lowered.",
        json_schema_extra=DEEP | hints(labels={"lbfgs": "L-BFGS", "adam": "Adam"}),
    )
    learning_rate: float = Field(
        1.0,
        gt=0,
        le=100,
        title="Learning rate",
        description="In steps of 8-bit colour.",
        json_schema_extra=hints(advanced=True, when={"method": ["deep"], "optimizer": ["adam"]}),
    )
    content_weight: float = Field(
        5.0, ge=0, le=1e9, title="Content weight", description="Likeness in content.", json_schema_extra=DEEP
    )
    style_weight: float = Field(
        100.0, ge=0, le=1e9, title="Style weight", description="Likeness in style.", json_schema_extra=DEEP
    )
    tv_weight: float = Field(
        1e-3, ge=0, le=1e9, title="Smoothness weight", description="Total variation.", json_schema_extra=DEEP
    )
    affine_weight: float = Field(
        1e4,
        ge=0,
        le=1e12,
        title="Photorealism weight",
        description="Of the photorealistic stage.",
        json_schema_extra=DEEP,
    )
    laplacian_epsilon: float = Field(
        1e-7,
        gt=0,
        le=1,
        title="Matting regularization",
        description="How much the matting Laplacian is smoothed.",
        json_schema_extra=DEEP,
    )
    content_layers: LayerList = Field(
        "relu4_2", title="Content layers", description="Separated by commas.", json_schema_extra=DEEP
    )
    style_layers: LayerList = Field(
        "relu1_1,relu2_1,relu3_1,relu4_1,relu5_1",
        title="Style layers",
        description="Separated by commas.",
        json_schema_extra=DEEP,
    )
    pooling: Literal["max", "average"] = Field(
        "max", title="Pooling", description="How the network halves.", json_schema_extra=DEEP
    )
    start: Literal["image", "noise"] = Field(
        "image",
        title="Begin with",
        description="The picture, or noise as published.",
        json_schema_extra=DEEP | hints(labels={"image": "The picture", "noise": "Noise"}),
    )
    smooth: bool = Field(
        True, title="Smooth local affine", description="Take the detail from the picture again.", json_schema_extra=DEEP
    )
    filter_radius: int = Field(
        15, ge=1, le=64, title="Filter radius", description="Of that filter, in pixels.", json_schema_extra=SMOOTH
    )
    filter_edge: float = Field(
        0.01,
        gt=0,
        le=1,
        title="Filter edge",
        description="Colour difference at which that filter stops.",
        json_schema_extra=SMOOTH,
    )
    refine: bool = Field(
        False, title="Refine", description="Put fine detail back, against posterization.", json_schema_extra=DEEP
    )
    preview_every: int = Field(
        100,
        ge=0,
        le=20000,
        title="Preview every",
        description="Iterations between previews; 0 for none.",
        json_schema_extra=DEEP,
    )
