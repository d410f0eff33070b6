"""Every key of the config language, once: its type, its default and one line that says what it does.

Arguments of components stand in the catalog, arguments of data sources in `sources.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Key:
    """One key.

    Attributes:
        path: dotted, such as `data.split.test`.
        type: in the notation of `kinds.py`; "block" for a mapping of further keys of this table; a key that a
            reader of its own takes apart has the nearest type.
        default: what holds where the key is absent; None: nothing, or inferred.
        description: one line.
        required: it has no default.
    """

    path: str
    type: str
    default: Any
    description: str
    required: bool = False


# Where components stand; what follows are their arguments, which may be components again.
COMPONENT_PLACES = re.compile(
    r"training\.optimizer|training\.loss|model\.output|(?:model\.layers|data\.augment|training\.metrics)\.[^.]+"
)

SCALES = "'standard'|'minmax'|'robust'|'quantile'|'unit'|'none'"
IMPUTES = "'mean'|'median'|'most_frequent'|'none'|number"
ENCODES = "'one_hot'|'embedding'"
FEATURE_KINDS = "'number'|'category'|'boolean'|'date'|'text'|none"

_TABLE = (
    Key("name", "text", None, "First word of the run directory; by default the config's file name."),
    Key("seed", "int>=0", 0, "Every random draw is a function of it."),
    Key("parameters", "map(any)", {}, "Named values; `$name` stands for one anywhere in the file."),
    Key("data", "block", None, "Where the data is and how it is read, split and prepared.", required=True),
    Key("data.source", "text", None, "csv, parquet, npz or the name of a data set.", required=True),
    Key("data.path", "text|list(text)", None, "File, files or pattern: what is split, or the training data."),
    Key("data.validation", "text|list(text)", None, "Files of a validation part of its own."),
    Key("data.test", "text|list(text)", None, "Files of a test part of its own."),
    Key("data.target", "name|list(name)", None, "Column, or columns, to predict."),
    Key(
        "data.task",
        "'classification'|'regression'|'reconstruction'",
        None,
        "What is to be learnt; by default by the target's values.",
    ),
    Key("data.features", f"list(name)|map({FEATURE_KINDS})", None, "Columns to learn from; a mapping also says what they hold."),
    Key("data.drop", "list(name)", [], "Columns to leave out."),
    Key("data.weight", "name", None, "Column with a weight for each row."),
    Key("data.identifiers", "name|list(name)", [], "Columns that name rows: no features, but repeated beside predictions."),
    Key("data.columns", "list(name)", None, "Names of the columns, where the file has no header."),
    Key("data.header", "bool", None, "Whether the first line holds the column names."),
    Key("data.separator", "text", None, "What stands between fields; by default found out."),
    Key("data.quote", "text", None, "What surrounds fields that hold separators."),
    Key("data.decimal", "'.'|','", None, "The decimal sign of numbers."),
    Key("data.thousands", "text", None, "The sign between thousands of numbers."),
    Key("data.encoding", "text", None, "The text encoding of the file, such as latin-1; by default UTF-8."),
    Key("data.missing", "list(name)", None, "Words that mean `no value`, beside the empty field."),
    Key("data.replace", "map(map(name))", {}, "Column -> old text -> new text."),
    Key("data.scale", f"{SCALES}|map({SCALES})", None, "How numbers or pixels are scaled, by what the training part shows."),
    Key("data.impute", f"{IMPUTES}|map({IMPUTES})", None, "What stands in for a missing number; by default the median."),
    Key("data.encode", f"{ENCODES}|map({ENCODES})", None, "How categories become numbers."),
    Key("data.scale_target", "bool", True, "Whether a regression target is standardized inside."),
    Key("data.split", "block", {}, "How rows go to the parts."),
    Key("data.split.test", "number(0,1)", None, "Share of all rows that is kept for the test."),
    Key("data.split.validation", "number(0,1)", None, "Share of what remains that is kept for validation."),
    Key("data.split.column", "name", None, "Column that says train, validation or test."),
    Key("data.split.group", "name", None, "Column whose equal values stay in one part."),
    Key("data.split.time", "name", None, "Column by which the last rows become the test part."),
    Key("data.split.folds", "int>=2", None, "Cross-validation over so many folds."),
    Key("data.split.stratify", "bool", None, "Keep the shares of the classes in each part; by default for classification."),
    Key("data.split.seed", "int>=0", None, "Seed of the split alone; by default the config's."),
    Key("data.augment", "list(layer)", [], "Keras's random layers, on in training only."),
    Key("data.limit", "int>=1", None, "Use the first so many rows only."),
    Key("model", "block", {}, "The network."),
    Key("model.inputs", "map(any)", {}, "Names of inputs, with options; by default from the data."),
    Key("model.layers", "list(layer)", [], "Layers in order; each takes the one before unless `from` says otherwise."),
    Key("model.output", "'auto'|'none'|layer", "auto", "The output layer; auto: what the task needs."),
    Key("model.logits", "bool", False, "Leave the output's activation out and tell the loss so."),
    Key("training", "block", {}, "How the network is trained; `none`: not at all."),
    Key("training.optimizer", "optimizer", "Adam", "What changes the weights."),
    Key("training.loss", "loss|map(loss)", None, "What is made small; by default what the task needs."),
    Key("training.metrics", "list(metric)", [], "What else is computed."),
    Key("training.epochs", "int>=1", 10, "Passes over the training part."),
    Key("training.batch_size", "int>=1", 32, "Rows a step."),
    Key("training.shuffle", "bool", True, "A new order of the rows each epoch."),
    Key("training.class_weight", "'balanced'|map(number>=0)", None, "Weight of each label, or `balanced`."),
    Key(
        "training.early_stopping",
        "bool|mapping",
        None,
        "Stop when a metric no longer improves: arguments of Keras's EarlyStopping.",
    ),
    Key("training.checkpoint", "bool|block", None, "Which weights are kept, and under which names."),
    Key("training.checkpoint.filepath", "text", None, "Template of file names, such as lfw_{epoch:02d}_{val_accuracy:.3f}.h5."),
    Key("training.checkpoint.monitor", "text", None, "The metric that makes a model the best."),
    Key("training.checkpoint.mode", "'auto'|'min'|'max'", "auto", "Whether less or more of it is better."),
    Key("training.checkpoint.save_best_only", "bool", False, "Write the file only when the metric improved."),
    Key("training.checkpoint.save_weights_only", "bool", False, "The files hold weights alone."),
    Key("training.checkpoint.initial_value_threshold", "number", None, "The best must beat this."),
    Key("training.checkpoint.format", "'h5'|'keras'", "h5", "File format."),
    Key(
        "training.reduce_lr_on_plateau",
        "bool|mapping",
        None,
        "Lower the learning rate when a metric stalls: Keras's ReduceLROnPlateau.",
    ),
    Key("training.tensorboard", "bool|mapping", None, "Write for TensorBoard: Keras's TensorBoard."),
    Key("training.jit_compile", "'auto'|bool", None, "Whether XLA compiles the step; auto: decided from the work ahead."),
    Key("training.save_interval", "number>0", 60.0, "Seconds between saves of the state inside a long epoch."),
    Key("evaluation", "block", {}, "What the run is held to."),
    Key("evaluation.require", "text|list(text)", [], "Gates, such as accuracy>=0.9."),
    Key("sweep", "block", None, "What `dltrain sweep` varies."),
    Key("sweep.parameters", "mapping", {}, "Key or parameter -> list of values, or a range."),
    Key("sweep.strategy", "'grid'|'random'|'tpe'|'capacity'", "grid", "How trials are chosen."),
    Key("sweep.trials", "int>=1", None, "How many trials at the most."),
    Key("sweep.seeds", "int>=1|list(int>=0)", None, "Repeat each trial with these seeds, or so many."),
    Key("sweep.metric", "text", None, "What is compared."),
    Key("sweep.mode", "'auto'|'min'|'max'", "auto", "Whether less or more of it is better."),
    Key("sweep.on_failure", "'continue'|'stop'", "continue", "What a crashed trial does to the others."),
    Key("sweep.jobs", "int>=1", None, "Trials at a time."),
    Key("sweep.engine", "text", None, "What runs the trials."),
    Key("sweep.pruning", "bool", None, "Stop trials early that fall behind."),
    Key("sweep.timeout", "number>0", None, "Seconds for the whole sweep."),
)

KEYS: dict[str, Key] = {key.path: key for key in _TABLE}


def keys_of(block: str) -> dict[str, Key]:
    """The keys directly under a block (`""`: the top level): last word -> key."""
    prefix = f"{block}." if block else ""
    return {path[len(prefix) :]: key for path, key in KEYS.items() if path.startswith(prefix) and "." not in path[len(prefix) :]}


def blocks_with(name: str) -> list[str]:
    """The blocks that have a key of this name, outermost first."""
    return [path.rpartition(".")[0] for path in KEYS if path.rpartition(".")[2] == name]
