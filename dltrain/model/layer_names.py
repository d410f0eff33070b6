"""Names of layers that the config leaves without one."""

from __future__ import annotations

from collections.abc import Container, Sequence

from dltrain.config.types import LayerConfig, ModelConfig
from dltrain.model.heads.head import Head
from dltrain.wording import snake_case


class LayerNames:
    """Gives each layer of a model its name: the same in every process, unlike Keras's counters.

    Args:
        taken: the names of what the model has so far.
    """

    def __init__(self, taken: Container[str]) -> None:
        self.taken = taken
        self.counts: dict[str, int] = {}

    def keep_free(self, model: ModelConfig, heads: Sequence[Head]) -> None:
        """Give no layer a name that the config gives to one that comes later."""
        layers = [*model.layers, *(layer for head in heads for layer in head.layers)]
        self.counts = {layer.name: 1 for layer in layers if layer.name}

    def name(self, layer: LayerConfig) -> str:
        """The layer's own name, or its class's with a number."""
        if layer.name:
            return layer.name
        base = snake_case(layer.component.name)
        while True:
            count = self.counts.get(base, 0)
            self.counts[base] = count + 1
            name = f"{base}_{count}" if count else base
            if name not in self.taken:
                return name
