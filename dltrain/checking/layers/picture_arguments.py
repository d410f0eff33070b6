"""How much layers may change pictures: what Keras refuses when the layer is made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dltrain.config.types import Component

# Between which numbers a factor lies; and two of them: both "inside", a range that "meets" these, always two, or one alone.
_SHARES = (0, 1, "meets")
_BOUNDS: dict[str, dict[str, tuple[float, float, str]]] = {
    **{name: {"factor": (0, 1, "inside")} for name in ("AugMix", "RandAugment")},
    **{name: {"factor": _SHARES} for name in ("CutMix", "RandomContrast", "RandomHue", "RandomInvert", "RandomSharpness")},
    **{name: {"factor": (-1, 1, "meets")} for name in ("RandomBrightness", "RandomColorDegeneration", "RandomSaturation")},
    "RandomColorJitter": {
        "brightness_factor": (-1, 1, "meets"),
        "contrast_factor": _SHARES,
        "saturation_factor": (-1, 1, "meets"),
        "hue_factor": _SHARES,
    },
    "RandomElasticTransform": {"factor": _SHARES, "scale": _SHARES},
    "RandomErasing": {"factor": _SHARES, "scale": (0, 1, "pair")},
    "RandomGaussianBlur": {"factor": _SHARES, "sigma": _SHARES},
    "RandomGrayscale": {"factor": (0, 1, "number")},
    "RandomPerspective": {"factor": _SHARES, "scale": (0, 1, "number")},
    "RandomPosterization": {"factor": (1, 8, "meets")},
    "RandomRotation": {"factor": (-1, 1, "meets")},
    "RandomShear": {"x_factor": (0, 1, "inside"), "y_factor": (0, 1, "inside")},
    "RandomTranslation": {"height_factor": (-1, 1, "inside"), "width_factor": (-1, 1, "inside")},
    "RandomZoom": {"height_factor": (-1, 1, "inside"), "width_factor": (-1, 1, "inside")},
    "Solarization": {"addition_factor": (0, 1, "number"), "threshold_factor": (0, 1, "number")},
}


def of_pictures(component: Component) -> Iterator[tuple[str, str, str | None]]:
    """What is wrong with the arguments of a layer that changes pictures: the argument, in words, the next step."""
    given = component.arguments
    for name, (low, high, pair) in _BOUNDS.get(component.name, {}).items():
        if given.get(name) is not None and not _lies(given[name], low, high, pair, open_below=component.name == "RandomZoom"):
            what = {"number": "a number", "pair": "two numbers"}.get(pair, "a number, or two,")
            above = "above" if component.name == "RandomZoom" else "from"
            message = f"{component.name} takes {what} {above} {low} to {high} for {name}, found {_plain(given[name])}"
            degrees = component.name == "RandomRotation" and isinstance(given[name], int | float)
            yield name, message, f"{given[name]:g} degrees are `factor: {abs(given[name]) / 360:.3g}`" if degrees else None
    size = given.get("kernel_size")
    if component.name == "RandomGaussianBlur" and any(one % 2 == 0 for one in ([size] if isinstance(size, int) else size or [])):
        yield "kernel_size", f"RandomGaussianBlur takes odd sizes, which have a middle, found {_plain(size)}", "such as 3"
    tiles = given.get("tile_grid_size")
    if tiles is not None and len(tiles) != 2:
        yield "tile_grid_size", f"tile_grid_size takes rows and columns of tiles, found {_plain(tiles)}", "such as [8, 8]"
    pixels = given.get("value_range")
    if pixels is not None and (len(pixels) != 2 or pixels[0] >= pixels[1]):
        message = f"value_range takes the least and the largest value of a pixel, found {_plain(pixels)}"
        yield "value_range", message, "such as [0, 1]"


def _lies(value: Any, low: float, high: float, pair: str, *, open_below: bool) -> bool:
    """Whether a factor is one that Keras takes."""
    if isinstance(value, int | float):
        return pair != "pair" and low <= value <= high and not (open_below and value == low)
    if len(value) != 2 or pair == "number":
        return False
    if pair == "inside":
        return all(low <= one <= high and not (open_below and one == low) for one in value)
    return bool(value[0] <= high and value[1] >= low)


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) else f"[{', '.join(f'{one:g}' for one in value)}]"
