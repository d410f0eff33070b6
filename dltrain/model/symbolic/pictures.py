"""Layers for pictures: resizing, cropping, random changes."""

from __future__ import annotations

from dltrain.model.symbolic.convolution import WHAT, join_channels, split_channels
from dltrain.model.symbolic.rule import Arguments, Inferred, Rules, Shape, ShapeError, of_rank, only, show_shape

RULES = Rules()
_OF_COLORS = ("RandomHue", "RandomSaturation", "RandomColorDegeneration")


@RULES.add("Resizing", "CenterCrop", "RandomCrop")
def infer_resizing(arguments: Arguments, inputs: tuple[Shape, ...]) -> Inferred:
    """[height, width, channels] of a given height and width."""
    shape = of_rank(only(inputs, arguments), 3, arguments, WHAT[2])
    _, channels = split_channels(shape, arguments)
    return Inferred(join_channels((arguments["height"], arguments["width"]), channels, arguments))


@RULES.add(
    "RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation", "RandomContrast", "RandomBrightness", "RandomHue",
    "RandomSaturation", "RandomShear", "RandomErasing", "RandomInvert", "RandomPosterization", "RandomSharpness",
    "RandomPerspective", "RandomElasticTransform", "RandomGaussianBlur", "RandomColorJitter", "RandomColorDegeneration",
    "RandomGrayscale", "Solarization", "AutoContrast", "Equalization", "AugMix", "RandAugment", "MixUp", "CutMix",
    "ContrastLimitedAdaptiveHistogramEqualization",
)  # fmt: skip
def infer_random_change(arguments: Arguments, inputs: tuple[Shape, ...]) -> Inferred:
    """Pictures of the same shape."""
    shape = of_rank(only(inputs, arguments), 3, arguments, WHAT[2])
    _, channels = split_channels(shape, arguments)
    name = arguments.component.name
    if name in _OF_COLORS and channels not in (3, None):
        raise ShapeError(f"{name} changes colors: it takes pictures of 3 channels, found {show_shape(shape)}", "leave it out")
    return Inferred(shape)
