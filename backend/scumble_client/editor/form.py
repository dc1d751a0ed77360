"""From an operation's parameter descriptions to a form: which widget, which values are allowed, what the default is."""

import math
import re
from decimal import Decimal
from typing import Any, Dict, List, Mapping, Tuple

from ..errors import ScumbleError

Description = Mapping[str, Any]

WIDGETS = ("check", "slider", "spin", "choice", "colour", "line", "grid")
SLIDER_STEPS = 1000
"""A range of more steps than this is typed, not slid."""

DIGITS = 9
"""Significant digits of a number."""

_NAMED = re.compile(r"#[0-9a-fA-F]{6}")


def widget(parameter: Description) -> str:
    """The kind of widget for a parameter, out of `WIDGETS`. A type that this version does not know is typed as text."""
    kind = parameter["type"]
    if kind in ("integer", "number"):
        low, high = parameter.get("minimum"), parameter.get("maximum")
        if low is None or high is None:
            return "spin"
        return "slider" if (high - low) / step(parameter) <= SLIDER_STEPS else "spin"
    return {"boolean": "check", "choice": "choice", "colour": "colour", "grid": "grid"}.get(kind, "line")


def step(parameter: Description) -> float:
    """How far one click moves a number."""
    if "step" in parameter:
        return float(parameter["step"])
    if parameter["type"] == "integer":
        return 1.0
    low, high = parameter.get("minimum"), parameter.get("maximum")
    if low is None or high is None or high <= low:
        return 0.1
    return 10.0 ** math.floor(math.log10((high - low) / 50))


def decimals(parameter: Description) -> int:
    """How many digits after the point a number is shown with: as many as its step and its default have."""
    if parameter["type"] == "integer":
        return 0
    return max(_digits(step(parameter)), _digits(float(parameter.get("default") or 0)), 1)


def significant(value: float) -> float:
    """A number with as many digits as an editor keeps: what was typed with few may come as a binary fraction near it."""
    return float(f"{value:.{DIGITS}g}")


def _digits(value: float) -> int:
    text = f"{Decimal(f'{value:.{DIGITS}g}'):f}"
    return len(text.partition(".")[2].rstrip("0"))


def check(parameter: Description, value: Any) -> Any:
    """The value in the parameter's own type.

    Raises
    ------
    ScumbleError
        `invalid_parameter`, with what would be allowed as the hint.
    """
    kind = parameter["type"]
    if kind == "boolean":
        if isinstance(value, bool):
            return value
    elif kind == "integer":
        if _is_number(value) and float(value).is_integer():
            return int(_within(parameter, value))
    elif kind == "number":
        if _is_number(value):
            return float(_within(parameter, value))
    elif kind == "choice":
        if value in parameter["choices"]:
            return value
    elif kind == "colour":
        if isinstance(value, str) and _NAMED.fullmatch(value.strip()):
            return value.strip().lower()
    elif kind == "grid":
        return _grid(parameter, value)
    elif isinstance(value, str):
        return value
    raise _wrong(parameter, value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _within(parameter: Description, value: float) -> float:
    if value < parameter.get("minimum", -math.inf) or value > parameter.get("maximum", math.inf):
        raise _wrong(parameter, value)
    return value


def _grid(parameter: Description, value: Any) -> List[float]:
    """Rows × columns numbers, row by row; empty means untouched."""
    numbers = isinstance(value, (list, tuple)) and all(_is_number(v) for v in value)
    if numbers and len(value) in (0, parameter["rows"] * parameter["columns"]):
        return [float(_within(parameter, v)) for v in value]
    raise _wrong(parameter, value)


def _wrong(parameter: Description, value: Any) -> ScumbleError:
    shown = repr(value)
    shown = shown if len(shown) <= 40 else shown[:37] + "..."
    return ScumbleError("invalid_parameter", f"“{parameter['title']}” can't be {shown}.", f"{allowed(parameter)}.")


def allowed(parameter: Description) -> str:
    """What a parameter may be, in words."""
    kind = parameter["type"]
    low, high = parameter.get("minimum"), parameter.get("maximum")
    if kind == "choice":
        return "One of: " + ", ".join(map(str, parameter["choices"]))
    if kind == "grid":
        return f"{parameter['rows']} × {parameter['columns']} numbers from {low} to {high}, or none"
    if kind in ("integer", "number"):
        what = "A whole number" if kind == "integer" else "A number"
        if low is not None and high is not None:
            return f"{what} from {low} to {high}"
        if low is not None:
            return f"{what} of at least {low}"
        return what if high is None else f"{what} of at most {high}"
    return {"boolean": "Yes or no", "colour": "A colour such as #00ff00"}.get(kind, "A text")


def label(parameter: Description, value: Any) -> str:
    """What an artist reads for one value of a choice."""
    return str(parameter.get("labels", {}).get(str(value), value))


def has_effect(parameter: Description, values: Mapping[str, Any]) -> bool:
    """Whether a parameter does anything with the other `values`."""
    when = parameter.get("when") or {}
    return all(name not in values or values[name] in allowed for name, allowed in when.items())


def shown(operation: Description, values: Mapping[str, Any]) -> Tuple[List[Description], List[Description]]:
    """The parameters that have an effect with these values: those that are always in view, and those folded away."""
    found = [p for p in operation["parameters"] if has_effect(p, values)]
    return [p for p in found if not p.get("advanced")], [p for p in found if p.get("advanced")]


def is_slow(operation: Description, values: Mapping[str, Any]) -> bool:
    """Whether a run with these values takes minutes, so that no preview should follow each change."""
    slow = operation.get("slow") or {}
    return any(values.get(name) in choices for name, choices in slow.items())


def defaults(operation: Description) -> Dict[str, Any]:
    """Every parameter at its default."""
    return {p["name"]: _default(p) for p in operation["parameters"]}


def _default(parameter: Description) -> Any:
    value = parameter["default"]
    return list(value) if isinstance(value, (list, tuple)) else value


def clean(operation: Description, values: Any) -> Dict[str, Any]:
    """`values` (from a file, perhaps of another version) with every parameter: what is wrong or missing is at its default."""
    out = defaults(operation)
    for parameter in operation["parameters"]:
        if isinstance(values, dict) and parameter["name"] in values:
            try:
                out[parameter["name"]] = check(parameter, values[parameter["name"]])
            except ScumbleError:
                pass  # an older version allowed it
    return out
