"""One step by hand: what a net computes for a few rows, the loss, the gradients, and one step of the optimizer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.curves import is_curve
from dltrain.config.durations import with_steps
from dltrain.config.found_rate import asks_for_rate, with_rate
from dltrain.config.types import NO_DATA, Component, Config
from dltrain.data.arrays.disk_array import in_memory
from dltrain.data.dataset import Dataset, Part, Schema
from dltrain.data.labels.cells import joined
from dltrain.data.preprocessing import Preprocessing
from dltrain.errors import UsageError
from dltrain.evaluation.load_run import StoredRun, load_run
from dltrain.evaluation.metrics.report import probabilities_of
from dltrain.evaluation.moved_data import find_moved
from dltrain.evaluation.tracing.rows import parse_inputs, rows_of_data
from dltrain.model.encode import encode_part
from dltrain.model.given import given_schema
from dltrain.model.heads.answers import decide, decide_labels
from dltrain.model.heads.head import Head
from dltrain.model.heads.rules import heads_of
from dltrain.model.numbers.passes import NetworkNumbers, Pass
from dltrain.model.own_code.blame import blames_own_code
from dltrain.model.own_code.importing import require_trust
from dltrain.model.symbolic import Network, Row, infer_network
from dltrain.reporting import Reporter, warn_each

# With `training: none` a step is still shown: plain gradient descent.
PLAIN_DESCENT = Component("optimizer", "SGD", {"learning_rate": 0.01})


@dataclass(slots=True)
class Trace:
    """The result of a trace.

    Attributes:
        source: the config's file or the run.
        weights: where the weights come from, in words.
        backend: "numpy" or "tensorflow".
        schema: inputs and targets.
        heads: outputs of the model.
        names: what each row is, in words.
        inputs: one array [rows, ...] for each input, as the net takes it.
        targets: one encoded array for each head, or None.
        predictions: for each row and head a label, or a number (or several) in the target's own units.
        first: forward, and with targets backwards, before the step.
        optimizer: kind "optimizer", with its arguments; None without targets.
        learning_rate: of the step.
        formulas: the step in symbols.
        losses: before the first step and after each one; one loss for a single step; empty without targets.
        notes: sentences for the user.
    """

    source: str
    weights: str
    backend: str
    schema: Schema
    heads: tuple[Head, ...]
    names: list[str]
    inputs: list[NDArray[Any]]
    targets: list[NDArray[Any]] | None
    predictions: list[dict[str, Any]]
    first: Pass
    optimizer: Component | None = None
    learning_rate: float | None = None
    formulas: tuple[str, ...] = ()
    losses: list[float] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Subject:
    """The net whose numbers are wanted."""

    source: str
    config: Config
    schema: Schema
    heads: tuple[Head, ...]
    preprocessing: Preprocessing | None = None
    dataset: Dataset | None = None
    stored: StoredRun | None = None


@blames_own_code
def trace(
    subject: Config | Path,
    *,
    inputs: Sequence[str] = (),
    targets: Sequence[str] = (),
    rows: Sequence[int] = (),
    steps: int | None = None,
    weights: str | None = None,
    reporter: Reporter | None = None,
) -> Trace:
    """Compute the numbers of a net for a few rows.

    Args:
        subject: a checked config, whose `data:` may be `none`, or a run.
        inputs: rows as text, such as "-1, 2": numbers, or the values of the data's columns in their order.
        targets: a target for each of them, in its own units or by its label; empty: forward only.
        rows: rows of the config's or run's data, counted from 0 in the order of its files.
        steps: so many steps of the optimizer on these rows; None: one, where there are targets.
        weights: "best" or "last", of a run.
        reporter: is told what happens.

    Raises:
        UsageError: rows that do not fit the net, or no rows at all.
        DataError: the data cannot be read.
        RunError: the run cannot be used.
    """
    reporter = reporter or Reporter()
    _refuse_words(inputs, targets, rows)
    net = _read_subject(subject, need_data=bool(rows), reporter=reporter)
    require_trust(net.config.code)
    part, names = _part(net, inputs, targets, rows, reporter)
    known = bool(part.targets) and bool(net.heads)
    if steps is not None and not known:
        raise UsageError("steps of gradient descent need a target", hint="give one with --target")
    optimizer = _optimizer(net.config) if known else None
    network = infer_network(net.config.model, net.schema, net.heads)
    numbers, origin, notes = _numbers(net, network, optimizer, weights, reporter)
    x = [in_memory(part.inputs[spec.name]) for spec in net.schema.inputs]
    y = _encoded_targets(net, part) if known else None
    rate = numbers.learning_rate
    first, losses = _descend(numbers, x, y, steps)
    return Trace(
        source=net.source,
        weights=origin,
        backend=numbers.backend,
        schema=net.schema,
        heads=net.heads,
        names=names,
        inputs=x,
        targets=y,
        predictions=_predictions(net.heads, first.outputs),
        first=first,
        optimizer=optimizer,
        learning_rate=rate,
        formulas=numbers.formulas,
        losses=losses,
        notes=[*notes, *_optimizer_notes(net.config, optimizer), *numbers.notes],
    )


def _refuse_words(inputs: Sequence[str], targets: Sequence[str], rows: Sequence[int]) -> None:
    """Refuse what cannot be computed whatever the net is (raises UsageError)."""
    if not inputs and not rows:
        hint = "give numbers with --input '-1, 2', or a row of the data with --row 0"
        raise UsageError("there is nothing to compute with", hint=hint)
    if targets and len(targets) != len(inputs):
        raise UsageError(f"{len(inputs)} --input but {len(targets)} --target", hint="give each input its target, or none of them")
    if inputs and rows:
        raise UsageError("--input and --row exclude each other", hint="--row takes rows of the data, --input other numbers")


def _optimizer(config: Config) -> Component:
    training = with_rate(config, None).training
    return with_steps(training, None).optimizer if training else PLAIN_DESCENT


def _encoded_targets(subject: _Subject, part: Part) -> list[NDArray[Any]]:
    """One array for each head, as its loss takes it."""
    encoded = encode_part(part, subject.schema, subject.heads)
    if subject.preprocessing is None and subject.heads[0].encoding == "value":
        return [np.stack([part.targets[spec.name] for spec in subject.schema.targets], axis=1)]  # not rounded to float32
    return [in_memory(array) for array in encoded.targets]


def _descend(
    numbers: NetworkNumbers, x: list[NDArray[Any]], y: list[NDArray[Any]] | None, steps: int | None
) -> tuple[Pass, list[float]]:
    """The first pass; and the losses before the first step and after each one, of a single step that before it alone."""
    first = numbers.forward_and_back(x, y)
    losses = [] if first.loss is None else [first.loss]
    if y is not None:
        numbers.step(first)
        for number in range(steps or 0):
            done = numbers.forward_and_back(x, y)
            losses.append(float("nan") if done.loss is None else done.loss)
            if number + 1 < (steps or 0):
                numbers.step(done)
    return first, losses


def _optimizer_notes(config: Config, optimizer: Component | None) -> list[str]:
    """What is to be said of the step that is taken, if one is."""
    if optimizer is None:
        return []
    notes = []
    if config.training is None:
        rate = PLAIN_DESCENT.arguments["learning_rate"]
        notes.append(f"`training: none` names no optimizer: the step is that of SGD at {rate}")
    if asks_for_rate(config.training):
        notes.append("the learning rate is found when a fit begins: the step is taken at the optimizer's default")
    curves = [f"{name} ({value.name})" for name, value in optimizer.arguments.items() if is_curve(value)]
    if curves:
        follow = "follow curves" if len(curves) > 1 else "follows a curve"
        notes.append(f"{' and '.join(curves)} {follow} over the whole training: the step is taken at the peak")
    return notes


def _predictions(heads: Sequence[Head], outputs: Sequence[NDArray[Any]]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [{} for _ in (outputs[0] if outputs else ())]
    for head, output in zip(heads, outputs):
        if head.is_multilabel and output.ndim == 2:
            said = joined(decide_labels(head, probabilities_of(head, output)), head.targets[0])
            for row, text in zip(rows, said, strict=True):
                row[head.name] = text or "no label"
        elif head.task == "classification" and output.ndim == 2:
            for row, index in zip(rows, decide(head, probabilities_of(head, output))):
                row[head.name] = head.classes[index]
        elif head.task == "regression":
            own = np.stack([spec.to_prediction(output[:, index]) for index, spec in enumerate(head.targets)], axis=1)
            for row, values in zip(rows, own.tolist()):
                row[head.name] = values[0] if len(values) == 1 else values
    return rows


def _read_subject(given: Config | Path, *, need_data: bool, reporter: Reporter) -> _Subject:
    if isinstance(given, Path):
        run, stored = given, load_run(given)
        if stored.is_average:
            raise UsageError(f"{run} is the average of several models", hint=f"a member by itself: dltrain trace {run}/members/1")
        subject = _Subject(str(run), stored.config, stored.preprocessing.schema, stored.heads, stored.preprocessing, None, stored)
        if need_data:
            reporter.status("reading data")
            data, notes = find_moved(stored.config.data, run)
            warn_each(reporter, notes)
            subject.dataset = _load(replace(stored.config, data=data), stored.preprocessing, reporter)
        return subject
    config = given
    source = str(config.file) if config.file else config.name
    if config.data.source == NO_DATA:
        if need_data:
            raise UsageError(f"{source} has no data to take a row of", hint="give numbers with --input")
        schema = given_schema(config.model, config.training)
        return _Subject(source, config, schema, heads_of(config, schema) if schema.targets else ())
    reporter.status("reading data")
    dataset = _load(config, None, reporter)
    heads = heads_of(config, dataset.schema)
    return _Subject(source, config, dataset.schema, heads, dataset.preprocessing, dataset)


def _load(config: Config, preprocessing: Preprocessing | None, reporter: Reporter) -> Dataset:
    from dltrain.data import load_dataset

    return load_dataset(config.data, seed=config.seed, preprocessing=preprocessing, reporter=reporter)


def _part(
    subject: _Subject, inputs: Sequence[str], targets: Sequence[str], rows: Sequence[int], reporter: Reporter
) -> tuple[Part, list[str]]:
    """The rows asked for as the net takes them, with a name for each."""
    if rows:
        assert subject.dataset is not None
        return rows_of_data(subject.dataset, rows)
    part = parse_inputs(subject.schema, subject.preprocessing, inputs, targets, reporter)
    return part, [text.strip() for text in inputs]


def _numbers(
    subject: _Subject, network: Network, optimizer: Component | None, weights: str | None, reporter: Reporter
) -> tuple[NetworkNumbers, str, list[str]]:
    """The net with its weights; where they come from; sentences for the user."""
    from dltrain.model.numbers.dense_network import DenseNetwork, why_not_numpy

    reason = why_not_numpy(network, subject.heads, optimizer, len(subject.schema.inputs))
    stored = subject.stored
    name, checkpoint = stored.checkpoint(weights) if stored is not None else ("", None)
    given = all(row.config is not None and row.config.weights is not None for row in network.rows if row.found.parameters)
    head = subject.heads[0] if subject.heads else None
    if reason is None and stored is not None and checkpoint is not None and checkpoint.suffix == ".h5":
        from dltrain.model.weights.weights import read_dense_arrays

        arrays = read_dense_arrays(checkpoint, _shapes(network))
        return DenseNetwork(network, arrays, head, optimizer), f"the run's {name} weights", []
    if reason is None and stored is None and given:
        arrays = {row.name: _given(row) for row in network.rows if row.found.parameters}
        return DenseNetwork(network, arrays, head, optimizer), "given in the config", []
    model = _model(subject, checkpoint, optimizer, reporter)
    if stored is not None:
        origin = f"the run's {name} weights"
    else:
        origin = "given in the config" if given else f"as `fit` begins with them (seed {subject.config.seed})"
    if reason is None:
        arrays = {row.name: model.get_layer(row.name).get_weights() for row in network.rows if row.found.weights}
        return DenseNetwork(network, arrays, head, optimizer), origin, []
    from dltrain.model.numbers.keras_network import KerasNetwork

    return (
        KerasNetwork(model, network, subject.heads),
        origin,
        [f"computed by TensorFlow in float32, because of {reason.rstrip(',')}"],
    )


def _shapes(network: Network) -> dict[str, list[tuple[int, ...]]]:
    """Layer -> shapes of its arrays, of those that have some."""
    return {
        row.name: [tuple(extent or 0 for extent in weight.shape) for weight in row.found.weights]
        for row in network.rows
        if row.found.weights
    }


def _given(row: Row) -> list[NDArray[np.float64]]:
    """The weights that the config gives a layer."""
    assert row.config is not None
    return [np.asarray(values, np.float64) for values in row.config.weights]


def _model(subject: _Subject, checkpoint: Path | None, optimizer: Component | None, reporter: Reporter) -> Any:
    """The Keras model; needed for weights that Keras draws, or for layers that it computes."""
    from dltrain.config.types import TrainingConfig
    from dltrain.model.build import build_model
    from dltrain.model.compile import compile_model

    reporter.status("importing Keras")
    if subject.stored is not None and checkpoint is not None:
        return subject.stored.build(checkpoint)
    config = subject.config
    model = build_model(config.model, subject.schema, subject.heads, seed=config.draw_seed)
    if optimizer is not None:
        compile_model(model, subject.heads, config.training or replace(TrainingConfig(), optimizer=optimizer))
    return model
