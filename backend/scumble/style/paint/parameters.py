"""The parameters of painted style."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field, field_validator

from scumble.operations.base import Parameters, hints
from scumble.style.feature_network import Features, LayerList, features_field
from scumble.style.inputs import PAINTINGS, Painting

GATYS = hints(advanced=True, when={"method": ["gatys"]})


class PaintStyleParameters(Parameters):
    method: Literal["fast", "network", "gatys"] = Field(
        "fast",
        title="Method",
        description="Lay strokes of the style, in seconds; let a network paint smoothly, at once; or compare features of a network "
        "over and over, for minutes.",
        json_schema_extra=hints(labels={"fast": "Fast", "network": "Smooth (at once)", "gatys": "Deep (minutes)"}),
    )
    painting: Painting = Field(
        "impasto",
        title="Painting",
        description="A bundled style, where no other is given.",
        json_schema_extra=hints(labels=PAINTINGS),
    )
    second_painting: Painting = Field(
        "none",
        title="Second painting",
        description="A bundled style to be mixed in.",
        json_schema_extra=hints(advanced=True, labels=PAINTINGS),
    )
    blend: str = Field(
        "",
        title="Blend weights",
        description="How much each style counts, like 2, 1: first the style layers, then the paintings. Empty: all alike.",
        json_schema_extra=hints(advanced=True),
    )
    strength: float = Field(
        1.0, ge=0, le=1, title="Strength", description="How far to go.", json_schema_extra=hints(step=0.05)
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
        json_schema_extra=hints(step=0.25),
    )
    size: int = Field(
        768,
        ge=64,
        le=4096,
        title="Working size",
        description="Longest side at which the painting is made; it is then brought to the size of the document.",
        json_schema_extra=hints(advanced=True),
    )
    detail: float = Field(
        0.5,
        ge=0,
        le=1,
        title="Detail",
        description="How much of the picture is painted with finer strokes.",
        json_schema_extra=hints(step=0.05, when={"method": ["fast"]}),
    )
    turn: bool = Field(
        True,
        title="Turn strokes",
        description="Strokes may be mirrored and turned.",
        json_schema_extra=hints(advanced=True, when={"method": ["fast"]}),
    )
    follow_forms: bool = Field(
        False,
        title="Follow forms",
        description="Strokes follow what the smooth method paints: calmer skies, and forms that bend.",
        json_schema_extra=hints(advanced=True, when={"method": ["fast"]}),
    )
    features: Features = features_field()
    iterations: int = Field(
        300,
        ge=1,
        le=20000,
        title="Iterations",
        description="Of the smallest scale; each larger one takes half.",
        json_schema_extra=GATYS,
    )
    scales: int = Field(
        2,
        ge=1,
        le=6,
        title="Scales",
        description="Sizes, each twice the one before, up to the working size.",
        json_schema_extra=GATYS,
    )
    optimizer: Literal["lbfgs", "adam"] = Field(
        "lbfgs",
        title="Optimizer",
        description="How the difference is lowered.",
        json_schema_extra=GATYS | hints(labels={"lbfgs": "L-BFGS", "adam": "Adam"}),
    )
    learning_rate: float = Field(
        10.0,
        gt=0,
        le=100,
        title="Learning rate",
        description="In steps of 8-bit colour.",
        json_schema_extra=hints(advanced=True, when={"method": ["gatys"], "optimizer": ["adam"]}),
    )
    corrections: int = Field(
        100,
        ge=1,
        le=1000,
        title="Corrections",
        description="How many past steps are kept in memory.",
        json_schema_extra=hints(advanced=True, when={"method": ["gatys"], "optimizer": ["lbfgs"]}),
    )
    content_weight: float = Field(
        5.0, ge=0, le=1e9, title="Content weight", description="Likeness in content.", json_schema_extra=GATYS
    )
    style_weight: float = Field(
        100.0, ge=0, le=1e9, title="Style weight", description="Likeness in style.", json_schema_extra=GATYS
    )
    tv_weight: float = Field(
        0.0, ge=0, le=1e9, title="Smoothness weight", description="Total variation.", json_schema_extra=GATYS
    )
    content_layers: LayerList = Field(
        "relu3_2", title="Content layers", description="Separated by commas.", json_schema_extra=GATYS
    )
    style_layers: LayerList = Field(
        "relu1_1,relu2_1,relu3_1,relu4_1,relu5_1",
        title="Style layers",
        description="Separated by commas.",
        json_schema_extra=GATYS,
    )
    pooling: Literal["max", "average"] = Field(
        "average",
        title="Pooling",
        description="How the network halves; max as published, average is smoother.",
        json_schema_extra=GATYS,
    )
    normalize_gradients: bool = Field(
        False,
        title="Normalize gradients",
        description="Let every layer pull with the same force.",
        json_schema_extra=GATYS,
    )
    start: Literal["image", "noise"] = Field(
        "image",
        title="Begin with",
        description="The picture (or the one given for it), or noise as published.",
        json_schema_extra=GATYS | hints(labels={"image": "The picture", "noise": "Noise"}),
    )
    preview_every: int = Field(
        25,
        ge=0,
        le=20000,
        title="Preview every",
        description="Iterations between previews; 0 for none.",
        json_schema_extra=GATYS,
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
