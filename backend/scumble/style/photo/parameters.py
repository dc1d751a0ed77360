"""The parameters of photographic style."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from scumble.operations.base import Parameters
from scumble.style.feature_network import FEATURES, Features, LayerList
from scumble.style.inputs import Painting


class PhotoStyleParameters(Parameters):
    method: Literal["fast", "deep"] = Field(
        "fast",
        title="Method",
        description="fast moves colours, in seconds at any size; deep optimizes the features of a network, for minutes.",
    )
    painting: Painting = Field(
        "none", title="Painting", description="A bundled style picture, where no other is given."
    )
    segments: Literal["given", "automatic", "none"] = Field(
        "given",
        title="Segments",
        description="Which parts go together: by the colours of the two segmentations (given; automatic where there "
        "are none), found in the pictures (automatic), or the whole pictures (none).",
    )
    segment_count: int = Field(4, ge=2, le=12, title="Automatic segments", description="How many to look for at most.")
    strength: float = Field(
        1.0, ge=0, le=1, title="Strength", description="How far to go.", json_schema_extra={"step": 0.05}
    )
    contrast: float = Field(
        0.45,
        ge=0,
        le=1,
        title="Least contrast",
        description="Share of the picture's own contrast of lightness that is kept at least.",
        json_schema_extra={"step": 0.05},
    )
    smoothness: float = Field(
        1.0,
        ge=0.25,
        le=4,
        title="Smoothness",
        description="How slowly the change of colours may vary over the picture; less is nearer to the style.",
        json_schema_extra={"step": 0.25},
    )
    size: int = Field(700, ge=64, le=4096, title="Working size", description="deep: longest side that is optimized.")
    features: Features = FEATURES  # type: ignore[assignment]
    style_option: Literal[0, 1, 2] = Field(
        2, title="Stages", description="deep: style without photorealism (0), with it (1), or one after the other (2)."
    )
    iterations: int = Field(1000, ge=1, le=20000, title="Iterations", description="deep: of each stage.")
    optimizer: Literal["lbfgs", "adam"] = Field(
        "lbfgs", title="Optimizer", description="deep: how the loss is lowered."
    )
    learning_rate: float = Field(
        1.0, gt=0, le=100, title="Learning rate", description="deep: of adam, in steps of 8-bit colour."
    )
    content_weight: float = Field(5.0, ge=0, le=1e9, title="Content weight", description="deep: likeness in content.")
    style_weight: float = Field(100.0, ge=0, le=1e9, title="Style weight", description="deep: likeness in style.")
    tv_weight: float = Field(1e-3, ge=0, le=1e9, title="Smoothness weight", description="deep: total variation.")
    affine_weight: float = Field(1e4, ge=0, le=1e12, title="Photorealism weight", description="deep: of stage 2.")
    laplacian_epsilon: float = Field(
        1e-7, gt=0, le=1, title="Laplacian's epsilon", description="deep: regularization of the matting Laplacian."
    )
    content_layers: LayerList = Field("relu4_2", title="Content layers", description="deep: separated by commas.")
    style_layers: LayerList = Field(
        "relu1_1,relu2_1,relu3_1,relu4_1,relu5_1", title="Style layers", description="deep: separated by commas."
    )
    pooling: Literal["max", "average"] = Field("max", title="Pooling", description="deep: how the network halves.")
    start: Literal["image", "noise"] = Field(
        "image", title="Begin with", description="deep: the picture, or noise as published."
    )
    smooth: bool = Field(True, title="Smooth local affine", description="deep: take the detail from the picture again.")
    filter_radius: int = Field(15, ge=1, le=64, title="Filter radius", description="deep: of that filter, in pixels.")
    filter_edge: float = Field(
        0.01, gt=0, le=1, title="Filter edge", description="deep: colour difference at which that filter stops."
    )
    refine: bool = Field(False, title="Refine", description="deep: put fine detail back, against posterization.")
    preview_every: int = Field(
        100, ge=0, le=20000, title="Preview every", description="deep: iterations between previews; 0 for none."
    )
