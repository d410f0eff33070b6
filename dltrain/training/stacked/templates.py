"""The Keras models of fits that are trained together: those that are the same once, a frozen body once for all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from dltrain.config.types import Config, TrainingConfig
from dltrain.data.dataset import Dataset
from dltrain.errors import ConfigError
from dltrain.model.build import build_model
from dltrain.model.compile import compile_model
from dltrain.model.encode import EncodedPart
from dltrain.model.frozen import FrozenPrefix, find_frozen_prefix
from dltrain.model.heads.head import Head
from dltrain.model.heads.rules import heads_of
from dltrain.processes.signals import StopSignals
from dltrain.reporting import Reporter
from dltrain.training.frozen_features import weights_digest, with_features
from dltrain.training.saving.model_file import ModelFile
from dltrain.training.stacked.layers import is_stackable
from dltrain.training.stacked.structure import num_frozen, shares_frozen


@dataclass(slots=True)
class Body:
    """Frozen first layers, as the first fit that has them built them.

    Attributes:
        config: of that fit.
        dataset: its data.
        whole: its model.
        frozen: that model cut in two.
        digest: of the frozen weights.
        features: what these layers put out for the parts of data sets.
    """

    config: Config
    dataset: Dataset
    whole: Any
    frozen: FrozenPrefix
    digest: str
    features: list[tuple[Dataset, dict[str, Any]]] = field(default_factory=list)


@dataclass(slots=True)
class Template:
    """What trials of one model block, seed and data share: the Keras model that their files are written with.

    Attributes:
        model: what is trained.
        heads: of the model.
        whole: what the files hold: the model, behind the frozen first layers if there are any.
        file: the file of the whole.
        body: the frozen first layers.
    """

    model: Any
    heads: tuple[Head, ...]
    whole: Any
    file: ModelFile
    body: Body | None = None


class Templates:
    """Builds models, and remembers the bodies of earlier ones."""

    def __init__(self) -> None:
        self._bodies: list[Body] = []

    def build(self, configs: Sequence[Config], datasets: Sequence[Dataset]) -> list[Template]:
        """A template for each fit of one structure; fits whose model, seed, loss and data are the same share one."""
        known: list[tuple[tuple[Any, ...], Template]] = []
        templates: list[Template] = []
        for config, dataset in zip(configs, datasets):
            training = config.needed_training
            key = (config.model, config.draw_seed, training.loss, dataset.schema)
            template = next((found for other, found in known if other == key), None)
            if template is None:
                template = self._build(config, training, dataset, templates)
                known.append((key, template))
            templates.append(template)
        return templates

    def _build(self, config: Config, training: TrainingConfig, dataset: Dataset, earlier: Sequence[Template]) -> Template:
        heads = heads_of(config, dataset.schema)
        number = num_frozen(config)
        body = self._known(config, dataset) if number else None
        # A file is written like one that differs in what is trained alone: another body is other values.
        like = next((template.file for template in earlier if template.body is body), None)
        shared = (None, 0) if body is None else (body.whole, number)
        whole = build_model(config.model, dataset.schema, heads, seed=config.draw_seed, shared=shared)
        compile_model(whole, heads, training)
        if not number:
            return Template(whole, heads, whole, ModelFile(whole, whole, training.checkpoint.format, like))
        frozen = find_frozen_prefix(whole)
        _refuse_unstackable(frozen)
        assert frozen is not None
        if body is None:
            body = Body(config, dataset, whole, frozen, weights_digest(frozen))
            self._bodies.append(body)
        compile_model(frozen.rest, heads, training, optimizer=whole.optimizer)
        file = ModelFile(whole, frozen.rest, training.checkpoint.format, like)
        return Template(frozen.rest, heads, whole, file, body)

    def _known(self, config: Config, dataset: Dataset) -> Body | None:
        for body in self._bodies:
            if shares_frozen(body.config, config) and body.dataset.schema.inputs == dataset.schema.inputs:
                return body
        return None


def parts_of(
    template: Template,
    dataset: Dataset,
    parts: Mapping[str, EncodedPart],
    *,
    threads: int,
    reporter: Reporter,
    signals: StopSignals,
) -> dict[str, EncodedPart]:
    """The parts of a data set as the template's model takes them: with features where its first layers are frozen.

    Args:
        template: the model.
        dataset: the data.
        parts: its encoded parts.
        threads, reporter, signals: as for `with_features`.

    Raises:
        InterruptedRun: a signal came; what was computed till then is stored.
    """
    body = template.body
    if body is None:
        return dict(parts)
    found = next((inputs for other, inputs in body.features if other is dataset), None)
    if found is None:
        computed = with_features(body.frozen, parts, threads=threads, reporter=reporter, weights=body.digest, signals=signals)
        found = {name: part.inputs for name, part in computed.items()}
        body.features.append((dataset, found))
    return {name: replace(part, inputs=found[name]) for name, part in parts.items()}


def _refuse_unstackable(frozen: FrozenPrefix | None) -> None:
    """The choice of the engine was made by the config alone; what was built has the last word."""
    layers = [] if frozen is None else [layer for layer in frozen.rest.layers if layer.weights]
    bad = [layer.name for layer in layers if not is_stackable(type(layer).__name__)]
    if frozen is None or bad:
        message = "the frozen first layers of the model do not come out as its config says"
        message += f": {bad[0]} is left" if bad else ""
        raise ConfigError(message, path="model.layers", hint="set `sweep.engine: processes`")
