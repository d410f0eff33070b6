"""Each body of `keras.applications`: channels of its output, and its layers with weights in order, with their parameters.

`application_layers.json` is written by `python -m tests.catalog.application_layers` from the installed Keras.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).with_name("application_layers.json")
# Filters of the blocks of MobileNet and MobileNetV2, whose width `alpha` scales.
_MOBILE_NET = (64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)
_MOBILE_NET_V2 = (16, 24, 24, 32, 32, 32, 64, 64, 64, 64, 96, 96, 96, 160, 160, 160, 320)
_EXPANSION = 6


@dataclass(frozen=True, slots=True)
class BodyLayer:
    """One layer with weights.

    Attributes:
        name: as Keras names it.
        trained: parameters that training can change.
        fixed: those that it never does: moving statistics.
    """

    name: str
    trained: int
    fixed: int = 0

    @property
    def is_normalization(self) -> bool:
        """Whether it is a batch normalization, which `trainable: N` passes over."""
        return self.trained > 0 and self.fixed > 0


def body_layers(application: str, arguments: Mapping[str, Any]) -> tuple[BodyLayer, ...] | None:
    """The layers of a body without its top; None where the arguments make it another network than is known.

    Args:
        application: name of the network.
        arguments: those of the config.
    """
    alpha = arguments.get("alpha", 1.0)
    if arguments.get("minimalistic") or arguments.get("depth_multiplier", 1) != 1:
        return None
    if arguments.get("include_preprocessing") is False and application.startswith("EfficientNetV2"):
        return None
    if alpha == 1 and is_known(application):
        return _bodies()[application][1]
    if application == "MobileNet":
        return _scaled_mobile_net(alpha)
    return _scaled_mobile_net_v2(alpha) if application == "MobileNetV2" else None


def thawed(layers: Sequence[BodyLayer], wanted: bool | int | Sequence[str]) -> list[BodyLayer]:
    """The layers that training changes: all, so many of the last ones (batch normalization excepted), or those named."""
    if isinstance(wanted, bool):
        return list(layers) if wanted else []
    if isinstance(wanted, int):
        return [layer for layer in layers if not layer.is_normalization][-wanted:]
    return [layer for layer in layers if layer.name in wanted]


def is_known(application: str) -> bool:
    """Whether the table has the network."""
    return application in _bodies()


def body_channels(application: str) -> int:
    """Channels of a known network's output, for Keras's own arguments."""
    return _bodies()[application][0]


@lru_cache
def _bodies() -> dict[str, tuple[int, tuple[BodyLayer, ...]]]:
    """Name -> channels, layers."""
    found: dict[str, Any] = json.loads(_FILE.read_text())
    return {name: (body["channels"], tuple(BodyLayer(*row) for row in body["layers"])) for name, body in found.items()}


def _scaled_mobile_net(alpha: float) -> tuple[BodyLayer, ...]:
    """Howard et al. 2017, "MobileNets": every number of filters times alpha."""
    channels = int(32 * alpha)
    layers = [BodyLayer("conv1", 27 * channels), _norm("conv1_bn", channels)]
    for index, filters in enumerate(_MOBILE_NET, start=1):
        filters = int(filters * alpha)
        layers += [BodyLayer(f"conv_dw_{index}", 9 * channels), _norm(f"conv_dw_{index}_bn", channels)]
        layers += [BodyLayer(f"conv_pw_{index}", channels * filters), _norm(f"conv_pw_{index}_bn", filters)]
        channels = filters
    return tuple(layers)


def _scaled_mobile_net_v2(alpha: float) -> tuple[BodyLayer, ...]:
    """Sandler et al. 2018, "MobileNetV2": filters times alpha in steps of 8; the last layer only ever becomes wider."""
    channels = _in_steps(32 * alpha)
    layers = [BodyLayer("Conv1", 27 * channels), _norm("bn_Conv1", channels)]
    for index, filters in enumerate(_MOBILE_NET_V2):
        prefix = f"block_{index}_" if index else "expanded_conv_"
        filters, wide = _in_steps(int(filters * alpha)), channels
        if index:
            wide = _EXPANSION * channels
            layers += [BodyLayer(f"{prefix}expand", channels * wide), _norm(f"{prefix}expand_BN", wide)]
        layers += [BodyLayer(f"{prefix}depthwise", 9 * wide), _norm(f"{prefix}depthwise_BN", wide)]
        layers += [BodyLayer(f"{prefix}project", wide * filters), _norm(f"{prefix}project_BN", filters)]
        channels = filters
    last = _in_steps(1280 * alpha) if alpha > 1 else 1280
    return (*layers, BodyLayer("Conv_1", channels * last), _norm("Conv_1_bn", last))


def _norm(name: str, channels: int) -> BodyLayer:
    return BodyLayer(name, 2 * channels, 2 * channels)


def _in_steps(filters: float) -> int:
    """The nearest multiple of 8, but not more than a tenth below."""
    rounded = max(8, int(filters + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * filters else rounded
