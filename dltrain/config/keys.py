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
        example: a value that might stand there.
    """

    path: str
    type: str
    default: Any
    description: str
    required: bool = False
    example: Any = None


# Where components stand; what follows are their arguments, which may be components again.
COMPONENT_PLACES = re.compile(
    r"training\.(?:phases\.[^.]+\.)?optimizer|training\.loss|model\.output"
    r"|(?:model\.layers|data\.augment|data\.transform|training\.metrics)\.[^.]+"
)

SCALES = "'standard'|'minmax'|'robust'|'smooth_clip'|'quantile'|'unit'|'none'"
IMPUTES = "'mean'|'median'|'most_frequent'|'none'|number"
ENCODES = "'one_hot'|'embedding'"
STANDARDIZE = "'lower_and_strip_punctuation'|'lower'|'strip_punctuation'|'lower_all_and_strip_punctuation'|'lower_all'|'none'"
IMAGE = "image"  # the kind of a column that names picture files
FEATURE_KINDS = "'number'|'category'|'boolean'|'date'|'text'|'image'|none"

_TABLE = (
    Key("name", "text", None, "First word of the run directory; by default the config's file name.", example="lfw"),
    Key("seed", "int>=0", 0, "Every random draw is a function of it.", example=3),
    Key("parameters", "map(any)", {}, "Named values; `$name` stands for one anywhere in the file.", example={"size_inner": 16}),
    Key(
        "data", "block", None, "Where the data is and how it is read, split and prepared; `none`: a net by itself.", required=True
    ),
    Key("data.source", "text", None, "csv, parquet, npz or the name of a data set.", required=True, example="digits"),
    Key(
        "data.path",
        "text|list(text)",
        None,
        "File, files or pattern: what is split, or the training data.",
        example="data/houses.csv",
    ),
    Key(
        "data.validation", "text|list(text)", None, "Files of a validation part of its own.", example="data/houses-validation.csv"
    ),
    Key("data.test", "text|list(text)", None, "Files of a test part of its own.", example="data/houses-test.csv"),
    Key("data.target", "name|list(name)", None, "Column, or columns, to predict.", example="price"),
    Key(
        "data.task",
        "'classification'|'regression'|'reconstruction'",
        None,
        "What is to be learnt; by default by the target's values.",
        example="regression",
    ),
    Key(
        "data.features",
        f"list(name)|map({FEATURE_KINDS})",
        None,
        "Columns to learn from; a mapping also says what they hold.",
        example={"area": "number", "zip": "category"},
    ),
    Key("data.drop", "list(name)|name", [], "Columns to leave out.", example=["notes"]),
    Key("data.weight", "name", None, "Column with a weight for each row.", example="weight"),
    Key(
        "data.identifiers",
        "name|list(name)",
        [],
        "Columns that name rows: no features, but repeated beside predictions.",
        example="id",
    ),
    Key(
        "data.columns",
        "list(name)",
        None,
        "Names of the columns, where the file has no header; with `header: true` instead of those of its header.",
        example=["area", "zip", "price"],
    ),
    Key("data.header", "bool", None, "Whether the first line holds the column names.", example=False),
    Key("data.separator", "text", None, "What stands between fields; by default found out.", example=";"),
    Key("data.skip", "int>=0", 0, "Lines before the table that are none of it.", example=3),
    Key("data.comment", "text", None, "Lines that begin so are no rows, such as # or Total.", example="#"),
    Key("data.quote", "text", None, "What surrounds fields that hold separators.", example="'"),
    Key("data.decimal", "'.'|','", None, "The decimal sign of numbers.", example=","),
    Key("data.thousands", "text", None, "The sign between thousands of numbers.", example="."),
    Key("data.encoding", "text", None, "The text encoding of the file, such as latin-1; by default UTF-8.", example="latin-1"),
    Key("data.missing", "list(name)|name", None, "Words that mean `no value`, beside the empty field.", example=["?", "NA"]),
    Key(
        "data.dates",
        "text|map(text)",
        None,
        "How dates are written: `day_first`, `month_first`, a format of strptime (` @` and a zone: its clock counts), `epoch` or "
        "`epoch_ms` for numbers since 1970; `number`: digits that are none. For all columns or for each; by default found out.",
        example={"sold": "%d.%m.%Y"},
    ),
    Key("data.replace", "map(map(name))", {}, "Column -> old text -> new text.", example={"zip": {"unknown": "other"}}),
    Key(
        "data.missing_target",
        "'fail'|'drop'",
        "fail",
        "Whether rows without a value for the target are a fault, or left out.",
        example="drop",
    ),
    Key(
        "data.allow_one_class",
        "bool",
        False,
        "Train where the target has one class, or one value, as a single row has; --allow-one-class says the same.",
        example=True,
    ),
    Key(
        "data.scale",
        f"{SCALES}|map({SCALES})",
        None,
        "How numbers or pixels are scaled, by what the training part shows.",
        example="minmax",
    ),
    Key(
        "data.impute",
        f"{IMPUTES}|map({IMPUTES})",
        None,
        "What stands in for a missing number; by default the median.",
        example={"area": "mean"},
    ),
    Key("data.encode", f"{ENCODES}|map({ENCODES})", None, "How categories become numbers.", example={"zip": "embedding"}),
    Key(
        "data.min_count",
        "int>=1|map(int>=1)",
        None,
        "Categories with fewer rows in the training part are one, others; what training has not seen belongs there as well.",
        example={"zip": 10},
    ),
    Key(
        "data.images",
        "block",
        {},
        "Where the pictures are that a table names.",
        example={"folder": "train", "suffix": ".jpg"},
    ),
    Key(
        "data.images.folder",
        "text|list(text)",
        None,
        "Folder, or folders, of the pictures that a table names; by default that of the table.",
        example="train",
    ),
    Key("data.images.suffix", "text", None, "What the names of a table lack.", example=".jpg"),
    Key(
        "data.text",
        "block",
        {},
        "How free text becomes tokens: the arguments of Keras's TextVectorization.",
        example={"ngrams": 2},
    ),
    Key("data.text.max_tokens", "int>=3|none", 20_000, "Most different tokens, padding and [UNK] included.", example=10_000),
    Key(
        "data.text.standardize",
        STANDARDIZE,
        "lower_and_strip_punctuation",
        "What is done to the text before it is split.",
        example="lower",
    ),
    Key("data.text.split", "'whitespace'|'character'|'none'", "whitespace", "Where the text is split.", example="character"),
    Key(
        "data.text.ngrams",
        "int[1,32]|list(int[1,32])",
        None,
        "Neighbouring words as tokens too: up to so many, or of these numbers.",
        example=2,
    ),
    Key(
        "data.text.output_sequence_length",
        "int>=1",
        None,
        "Tokens a row: more are cut off; by default what 95 % of the training texts have.",
        example=50,
    ),
    Key(
        "data.text.vectors",
        "text",
        None,
        "File of word vectors (GloVe's text format) that the embedding begins with.",
        example="glove/glove.6B.50d.txt",
    ),
    Key("data.text.trainable", "bool", True, "Whether training changes the embedding.", example=False),
    Key(
        "data.series",
        "block",
        None,
        "The rows follow each other in time: windows of the past tell what comes next.",
        example={"time": "month", "history": 12},
    ),
    Key(
        "data.series.time",
        "name|list(name)",
        None,
        "Column of the time, or columns year, month, day, hour; by default the rows are in order.",
        example="date",
    ),
    Key("data.series.history", "int>=1", None, "Rows that the model sees.", required=True, example=24),
    Key("data.series.horizon", "int>=1", 1, "Rows after them that it foretells, each of them.", example=3),
    Key("data.series.stride", "int>=1", 1, "Rows from one window's beginning to the next's.", example=2),
    Key(
        "data.series.season",
        "int>=1",
        None,
        "Rows after which things repeat, for the baseline; by default by the time between rows.",
        example=12,
    ),
    Key(
        "data.series.gaps",
        "'split'|'ignore'",
        None,
        "Whether windows stop at a gap in time; by default where the rows are evenly apart.",
        example="ignore",
    ),
    Key(
        "data.scale_target",
        "bool|'standard'|'log'",
        True,
        "How a regression target is scaled inside: to mean 0 and deviation 1 (true, standard), its logarithm (log), or not.",
        example="log",
    ),
    Key("data.split", "block", {}, "How rows go to the parts.", example={"test": 0.25, "validation": 0.2}),
    Key("data.split.test", "number(0,1)", None, "Share of all rows that is kept for the test.", example=0.25),
    Key("data.split.validation", "number(0,1)", None, "Share of what remains that is kept for validation.", example=0.2),
    Key("data.split.column", "name", None, "Column that says train, validation or test.", example="part"),
    Key("data.split.group", "name", None, "Column whose equal values stay in one part.", example="owner"),
    Key("data.split.time", "name", None, "Column by which the last rows become the test part.", example="date"),
    Key("data.split.folds", "int>=2", None, "Cross-validation over so many folds: `dltrain sweep` fits each.", example=5),
    Key("data.split.fold", "int>=1", None, "The one fold that is held out as validation part; a sweep sets it.", example=1),
    Key(
        "data.split.stratify",
        "bool",
        None,
        "Keep the shares of the classes in each part; by default for classification.",
        example=False,
    ),
    Key("data.split.seed", "int>=0", None, "Seed of the split alone; by default the config's.", example=3),
    Key(
        "data.split.shuffle",
        "bool",
        None,
        "`false`: the last rows are the test part, those before them validation, as Keras's validation_split takes them.",
        example=False,
    ),
    Key(
        "data.split.like",
        "'scikit-learn'|'scikit-learn and keras'",
        None,
        "Draw the rows of train_test_split(random_state=seed), stratified where `stratify: true` says so; with `and keras`,"
        " validation is the end of the shuffled rest, as validation_split takes it.",
        example="scikit-learn",
    ),
    Key(
        "data.augment",
        "list(layer)",
        [],
        "Keras's random layers, on in training only.",
        example=[{"RandomFlip": {"mode": "horizontal"}}],
    ),
    Key(
        "data.transform",
        "list(transformer)",
        [],
        "scikit-learn transformers for the scaled numbers of a row, in order, fitted on the training part.",
        example=[{"PCA": {"n_components": 20}}],
    ),
    Key("data.corrupt", "block", None, "What is done to the input while a reconstruction is trained; the target stays clean."),
    Key("data.corrupt.noise", "number>=0", 0.0, "Standard deviation of normal noise, in the scaled input's units.", example=0.2),
    Key("data.corrupt.mask", "number[0,1)", 0.0, "Share of the scaled input's numbers that are set to 0.", example=0.3),
    Key("data.limit", "int>=1", None, "Use the first so many rows only.", example=1000),
    Key("model", "block", {}, "The network."),
    Key(
        "model.inputs",
        "map(any)",
        {},
        "Named inputs for layers to take by `from:`: columns of a table, as `{numbers: [age, hours]}`; a shape without data.",
        example={"features": {"shape": [2]}},
    ),
    Key(
        "model.preset",
        "'realmlp'",
        None,
        "Layers and training by name, each key of which the config may give itself; realmlp: RealMLP's for tables.",
        example="realmlp",
    ),
    Key(
        "model.layers",
        "list(layer)",
        [],
        "Layers in order; each takes the one before unless `from` says otherwise.",
        example=["Flatten", {"Dense": {"units": 64, "activation": "relu"}}],
    ),
    Key(
        "model.output",
        "'auto'|'none'|layer",
        "auto",
        "The output layer; auto: what the task needs.",
        example={"Dense": {"units": 10, "activation": "softmax"}},
    ),
    Key("model.logits", "bool", False, "Leave the output's activation out and tell the loss so.", example=True),
    Key("training", "block", {}, "How the network is trained; `none`: not at all."),
    Key("training.optimizer", "optimizer", "Adam", "What changes the weights.", example={"Adam": {"learning_rate": 0.003}}),
    Key("training.loss", "loss|map(loss)", None, "What is made small; by default what the task needs.", example="mse"),
    Key("training.metrics", "list(metric)", [], "What else is computed.", example=["accuracy", "AUC"]),
    Key("training.epochs", "int>=1", 10, "Passes over the training part.", example=30),
    Key("training.batch_size", "int>=1", 32, "Rows a step.", example=64),
    Key("training.shuffle", "bool", True, "A new order of the rows each epoch.", example=False),
    Key(
        "training.class_weight",
        "'balanced'|map(number>=0|'balanced'|map(number>=0))",
        None,
        "Weight of each label, or `balanced`; with several targets also one of these for each.",
        example="balanced",
    ),
    Key(
        "training.early_stopping",
        "bool|mapping",
        None,
        "Stop when a metric no longer improves: arguments of Keras's EarlyStopping.",
        example={"monitor": "val_loss", "patience": 3},
    ),
    Key(
        "training.checkpoint",
        "bool|block",
        None,
        "Which weights are kept, and under which names.",
        example={"monitor": "val_accuracy", "save_best_only": True},
    ),
    Key(
        "training.checkpoint.filepath",
        "text",
        None,
        "Template of file names, such as lfw_{epoch:02d}_{val_accuracy:.3f}.h5.",
        example="lfw_{epoch:02d}_{val_accuracy:.3f}.h5",
    ),
    Key("training.checkpoint.monitor", "text", None, "The metric that makes a model the best.", example="val_accuracy"),
    Key("training.checkpoint.mode", "'auto'|'min'|'max'", "auto", "Whether less or more of it is better.", example="max"),
    Key("training.checkpoint.save_best_only", "bool", False, "Write the file only when the metric improved.", example=True),
    Key("training.checkpoint.save_weights_only", "bool", False, "The files hold weights alone.", example=True),
    Key("training.checkpoint.initial_value_threshold", "number", None, "The best must beat this.", example=0.9),
    Key("training.checkpoint.format", "'h5'|'keras'", "h5", "File format.", example="keras"),
    Key(
        "training.reduce_lr_on_plateau",
        "bool|mapping",
        None,
        "Lower the learning rate when a metric stalls: Keras's ReduceLROnPlateau.",
        example={"factor": 0.5, "patience": 5},
    ),
    Key("training.tensorboard", "bool|mapping", None, "Write for TensorBoard: Keras's TensorBoard.", example=True),
    Key(
        "training.average",
        "bool",
        False,
        "Validate and choose the best model by the averaged weights (`use_ema: true` in the optimizer): Keras's SwapEMAWeights.",
        example=True,
    ),
    Key(
        "training.jit_compile",
        "'auto'|bool",
        None,
        "Whether XLA compiles the step; auto: decided from the work ahead.",
        example=False,
    ),
    Key(
        "training.phases",
        "list(mapping)",
        [],
        "Phases one after the other, each with what it does otherwise than this block; their epochs count on.",
        example=[{"epochs": 5}, {"epochs": 5, "unfreeze": 20, "optimizer": {"Adam": {"learning_rate": 0.00001}}}],
    ),
    Key(
        "training.phases.unfreeze",
        "bool|int>=1|text|list(text)",
        None,
        "Trained from this phase on besides: true (all layers), the N last layers of a body, or layers by name.",
        example=20,
    ),
    Key(
        "training.cache_features",
        "'auto'|bool",
        None,
        "Compute the output of frozen first layers once and keep it; auto: where it takes at most 1 GiB.",
        example=False,
    ),
    Key("training.save_interval", "number>0", 60.0, "Seconds between saves of the state inside a long epoch.", example=300),
    Key(
        "training.allow_large",
        "bool",
        False,
        "Try what takes more memory than this machine has; --allow-large says the same.",
        example=True,
    ),
    Key("evaluation", "block", {}, "What the run is held to."),
    Key("evaluation.require", "text|list(text)", [], "Gates, such as accuracy>=0.9.", example="accuracy >= 0.9"),
    Key("sweep", "block", None, "What `dltrain sweep` varies."),
    Key(
        "sweep.parameters",
        "mapping",
        {},
        "Key or parameter -> list of values, or a range.",
        example={"training.optimizer.learning_rate": [0.0001, 0.001, 0.01, 0.1]},
    ),
    Key(
        "sweep.strategy",
        "'grid'|'random'|'tpe'|'capacity'",
        None,
        "How trials are chosen; by default grid, or random where there is a range without a step.",
        example="random",
    ),
    Key("sweep.trials", "int>=1", None, "How many trials at the most; of random and tpe by default 20.", example=20),
    Key("sweep.seeds", "int>=1|list(int>=0)", None, "Repeat each trial with these seeds, or so many.", example=3),
    Key("sweep.metric", "text", None, "What is compared; by default what makes a model the best.", example="val_accuracy"),
    Key("sweep.mode", "'auto'|'min'|'max'", "auto", "Whether less or more of it is better.", example="max"),
    Key("sweep.on_failure", "'continue'|'stop'", "continue", "What a crashed trial does to the others.", example="stop"),
    Key("sweep.jobs", "int>=1", None, "Fits at a time; by default one per core.", example=2),
    Key("sweep.engine", "'auto'|'stacked'|'processes'|'ray'", "auto", "What runs the fits.", example="processes"),
    Key(
        "sweep.pruning",
        "bool|'median'|'successive_halving'",
        None,
        "Stop trials early that fall behind: behind the median of the others, or by successive halving.",
        example="median",
    ),
    Key("sweep.timeout", "number>0", None, "Seconds after which no further trial begins.", example=3600),
)

# Keys of ours among the arguments of a layer of the model, of an optimizer (and of its groups of weights), and among those of
# the loss of one target of several.
LAYER_KEYS = {
    "from": Key("from", "name|list(name)", None, "Layers or inputs that it takes; by default the layer before."),
    "weights": Key("weights", "list(any)", None, "Given weights: the arrays of Keras's layer.get_weights(), as lists."),
}
OPTIMIZER_KEYS = {
    "groups": Key(
        "groups",
        "list(mapping)",
        [],
        "Weights that take other steps than the rest: each belongs to the first group that matches it.",
        example=[{"match": "bias", "learning_rate": 0.1, "weight_decay": 0}],
    )
}
GROUP_KEYS = {
    "match": Key(
        "match",
        "name|list(name)",
        None,
        "Names of weights (bias), of layers, of classes of layers, or LAYER/WEIGHT; * stands for anything.",
        required=True,
        example="bias",
    ),
    "learning_rate": Key("learning_rate", "number>=0", 1.0, "Multiplier of the learning rate.", example=0.1),
    "weight_decay": Key("weight_decay", "number>=0", 1.0, "Multiplier of the weight decay.", example=0),
    "ntk": Key(
        "ntk",
        "bool",
        False,
        "Divide the learning rate by the root of the inputs of a unit: the steps of the NTK parametrization.",
        example=True,
    ),
}
LOSS_KEYS = {"weight": Key("weight", "number>=0", 1.0, "Weight of this target's loss in the sum.")}

KEYS: dict[str, Key] = {key.path: key for key in _TABLE}


def keys_of(block: str) -> dict[str, Key]:
    """The keys directly under a block (`""`: the top level): last word -> key."""
    prefix = f"{block}." if block else ""
    return {path[len(prefix) :]: key for path, key in KEYS.items() if path.startswith(prefix) and "." not in path[len(prefix) :]}


def blocks_with(name: str) -> list[str]:
    """The blocks that have a key of this name, outermost first."""
    return [path.rpartition(".")[0] for path in KEYS if path.rpartition(".")[2] == name]


# What is above could only be a slip: it would be listed one by one, or held in memory, before anything is checked.
MOST = {
    "data.text.max_tokens": 10_000_000,
    "data.text.output_sequence_length": 100_000,
    "data.series.history": 1_000_000,
    "data.series.horizon": 10_000,
    "data.series.stride": 1_000_000_000,
    "data.split.folds": 10_000,
    "data.split.fold": 10_000,
    "data.classes": 100_000,
    "data.rows": 1_000_000_000,
    "training.epochs": 1_000_000_000,
    "training.batch_size": 1_000_000_000,
}
