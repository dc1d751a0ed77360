"""The parameters of painted style."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field, field_validator

from scumble.operations.base import Parameters
from scumble.style.feature_network import FEATURES, Features, LayerList
from scumble.style.inputs import Painting


class PaintStyleParameters(Parameters):
    method: Literal["fast", "gatys"] = Field(
        "fast",
        title="Method",
        description="fast lays strokes of the style, in seconds; gatys optimizes the features of a network, for minutes.",
    )
    painting: Painting = Field("impasto", title="Painting", description="A bundled style, where no other is given.")
    second_painting: Painting = Field("none", title="Second painting", description="A bundled style to be mixed in.")
    blend: str = Field(
        "",
        title="Blend weights",
        description="How much each style counts, like 2, 1: first the style layers, then the paintings. Empty: all alike.",
    )
    strength: float = Field(
        1.0, ge=0, le=1, title="Strength", description="How far to go.", json_schema_extra={"step": 0.05}
    )
    original_colors: bool = Field(
        False,
        title="Original colours",
        description="Keep the picture's colours; take strokes and light from the style.",
    )
    style_scale: float = Field(
        1.0,
        ge=0.25,
        le=4,
        title="Style scale",
        description="Size of the style's strokes and forms in the result.",
        json_schema_extra={"step": 0.25},
    )
    size: int = Field(
        768,
        ge=64,
        le=4096,
        title="Working size",
        description="Longest side at which the painting is made; it is then brought to the size of the document.",
    )
    detail: float = Field(
        0.5,
        ge=0,
        le=1,
        title="Detail",
        description="fast: how much of the picture is painted with finer strokes.",
        json_schema_extra={"step": 0.05},
    )
    turn: bool = Field(True, title="Turn strokes", description="fast: strokes may be mirrored and turned.")
    features: Features = FEATURES  # type: ignore[assignment]
    iterations: int = Field(
        300, ge=1, le=20000, title="Iterations", description="gatys: of the smallest scale; each larger one takes half."
    )
    scales: int = Field(
        2, ge=1, le=6, title="Scales", description="gatys: sizes, each twice the one before, up to the working size."
    )
    optimizer: Literal["lbfgs", "adam"] = Field(
        "lbfgs", title="Optimizer", description="gatys: how the loss is lowered."
    )
    learning_rate: float = Field(
        10.0, gt=0, le=100, title="Learning rate", description="gatys: of adam, in steps of 8-bit colour."
    )
    corrections: int = Field(
        100, ge=1, le=1000, title="Corrections", description="gatys: how many past steps lbfgs keeps in memory."
    )
    content_weight: float = Field(5.0, ge=0, le=1e9, title="Content weight", description="gatys: likeness in content.")
    style_weight: float = Field(100.0, ge=0, le=1e9, title="Style weight", description="gatys: likeness in style.")
    tv_weight: float = Field(0.0, ge=0, le=1e9, title="Smoothness weight", description="gatys: total variation.")
    content_layers: LayerList = Field("relu3_2", title="Content layers", description="gatys: separated by commas.")
    style_layers: LayerList = Field(
        "relu1_1,relu2_1,relu3_1,relu4_1,relu5_1", title="Style layers", description="gatys: separated by commas."
    )
    pooling: Literal["max", "average"] = Field(
        "average", title="Pooling", description="gatys: how the network halves; max as published, average is smoother."
    )
    normalize_gradients: bool = Field(
        False, title="Normalize gradients", description="gatys: let every layer pull with the same force."
    )
    start: Literal["image", "noise"] = Field(
        "image", title="Begin with", description="gatys: the picture (or the one given for it), or noise as published."
    )
    preview_every: int = Field(
        25, ge=0, le=20000, title="Preview every", description="gatys: iterations between previews; 0 for none."
    )

    @field_validator("blend")
    @classmethod
    def _blend(cls, text: str) -> str:
        blend_weights(text)
        return text


def blend_weights(text: str) -> list[float]:
    """Numbers out of “2, 1”; none out of an empty text. Raises ValueError."""
    try:
        weights = [float(part) for part in text.split(",")] if text.strip() else []
    except ValueError:
        raise ValueError("blend weights are numbers, separated by commas") from None
    if any(not math.isfinite(w) or w < 0 for w in weights) or (weights and not sum(weights) > 0):
        raise ValueError("blend weights are not negative, and one of them is above 0")
    return weights
