"""What people know from Keras, scikit-learn and older versions, and how a config says it."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from dltrain.config.catalog.catalog import ComponentEntry
from dltrain.wording import normalize

# Names of components that people know from elsewhere -> what Keras calls them.
KNOWN_ELSEWHERE = {
    "layer": {
        "fc": "Dense",
        "linear": "Dense",
        "fullyconnected": "Dense",
        "conv": "Conv2D",
        "convolution": "Conv2D",
        "convolution1d": "Conv1D",
        "convolution2d": "Conv2D",
        "maxpool": "MaxPooling2D",
        "maxpooling": "MaxPooling2D",
        "avgpool": "AveragePooling2D",
        "batchnorm": "BatchNormalization",
        "layernorm": "LayerNormalization",
        "rnn": "SimpleRNN",
        "cudnnlstm": "LSTM",
        "cudnngru": "GRU",
        "concat": "Concatenate",
        "globalpooling": "GlobalAveragePooling2D",
        "globalaveragepooling": "GlobalAveragePooling2D",
    },
    "metric": {"rmse": "RootMeanSquaredError", "r2": "R2Score", "f1": "F1Score", "rocauc": "AUC", "auroc": "AUC"},
    "loss": {
        "l2": "MeanSquaredError",
        "l1": "MeanAbsoluteError",
        "nll": "SparseCategoricalCrossentropy",
        "logloss": "BinaryCrossentropy",
    },
    "optimizer": {"momentum": "SGD", "gradientdescent": "SGD"},
    "initializer": {
        "he": "HeNormal",
        "kaiming": "HeNormal",
        "kaimingnormal": "HeNormal",
        "kaiminguniform": "HeUniform",
        "glorot": "GlorotUniform",
        "xavier": "GlorotUniform",
        "xaviernormal": "GlorotNormal",
        "xavieruniform": "GlorotUniform",
        "lecun": "LecunNormal",
        "random": "RandomNormal",
        "gaussian": "RandomNormal",
    },
    "regularizer": {"ridge": "L2", "lasso": "L1", "elasticnet": "L1L2", "weightdecay": "L2"},
    "schedule": {
        "exponential": "ExponentialDecay",
        "cosine": "CosineDecay",
        "cosineannealing": "CosineDecay",
        "step": "PiecewiseConstantDecay",
        "steplr": "PiecewiseConstantDecay",
        "multisteplr": "PiecewiseConstantDecay",
        "polynomial": "PolynomialDecay",
    },
    "activation": {
        "step": "binary_step",
        "heaviside": "binary_step",
        "threshold": "binary_step",
        "logistic": "sigmoid",
        "identity": "linear",
        "none": "linear",
        "lrelu": "leaky_relu",
    },
}

# Words of other libraries for a value -> what it is called here, where that is one of the words that may stand there.
KNOWN_VALUES: Mapping[str, tuple[str, ...]] = {
    "numeric": ("number",),
    "numerical": ("number",),
    "int": ("number",),
    "integer": ("number",),
    "float": ("number",),
    "categorical": ("category",),
    "str": ("text", "category"),
    "string": ("text", "category"),
    "bool": ("boolean",),
    "datetime": ("date",),
    "time": ("date",),
    "picture": ("image",),
    "standardscaler": ("standard",),
    "zscore": ("standard",),
    "normalize": ("standard",),
    "minmaxscaler": ("minmax",),
    "robustscaler": ("robust",),
    "rescale": ("unit",),
    "classify": ("classification",),
    "classifier": ("classification",),
    "binary": ("classification",),
    "multiclass": ("classification",),
    "tagging": ("multilabel",),
    "regress": ("regression",),
    "regressor": ("regression",),
    "autoencoder": ("reconstruction",),
    "gray": ("grayscale",),
    "grey": ("grayscale",),
    "greyscale": ("grayscale",),
    "color": ("rgb",),
    "onehot": ("one_hot",),
    "balance": ("balanced",),
    "auto": ("balanced",),
    "bayesian": ("tpe",),
    "bayes": ("tpe",),
    "optuna": ("tpe",),
    "gridsearch": ("grid",),
    "randomsearch": ("random",),
}

# Names of sources that people know from elsewhere -> the source.
KNOWN_SOURCES = {
    "images": "image_folder",
    "image": "image_folder",
    "pictures": "image_folder",
    "folder": "image_folder",
    "directory": "image_folder",
    "table": "csv",
    "tsv": "csv",
    "file": "csv",
    "pandas": "csv",
    "dataframe": "csv",
    "numpy": "npz",
    "npy": "npz",
    "arrays": "npz",
    "lfw": "lfw_people",
    "olivetti": "olivetti_faces",
    "cifar": "cifar10",
    "glove": "word_vectors",
    "embeddings": "word_vectors",
}

# What stands in place of the arguments of a callback, or of a block's keys -> the one that is meant.
_ALONE: Mapping[str, Mapping[type, str]] = {
    "EarlyStopping": {int: "patience", str: "monitor"},
    "ReduceLROnPlateau": {int: "patience", float: "factor", str: "monitor"},
    "TensorBoard": {str: "log_dir"},
    "training.checkpoint": {str: "filepath"},
    "data": {str: "source"},
    "data.split": {float: "test"},
    "model": {list: "layers"},
    "evaluation": {str: "require"},
}

# Arguments of layers and optimizers by their names in other libraries and in older Keras -> the names of today, likeliest first.
KNOWN_ARGUMENTS = {
    "lr": ("learning_rate",),
    "dropout": ("rate",),
    "p": ("rate",),
    "droprate": ("rate",),
    "alpha": ("negative_slope",),
    "nbfilter": ("filters",),
    "nbkernel": ("filters",),
    "nbrow": ("kernel_size",),
    "nbcol": ("kernel_size",),
    "filterlength": ("kernel_size",),
    "kernel": ("kernel_size",),
    "poollength": ("pool_size",),
    "subsample": ("strides",),
    "subsamplelength": ("strides",),
    "stride": ("strides",),
    "bordermode": ("padding",),
    "dimordering": ("data_format",),
    "outputdim": ("units", "output_dim"),
    "size": ("units", "size"),
    "neurons": ("units",),
    "hidden": ("units",),
    "init": ("kernel_initializer", "embeddings_initializer"),
    "innerinit": ("recurrent_initializer",),
    "inneractivation": ("recurrent_activation",),
    "wregularizer": ("kernel_regularizer", "embeddings_regularizer"),
    "bregularizer": ("bias_regularizer",),
    "uregularizer": ("recurrent_regularizer",),
    "wconstraint": ("kernel_constraint", "embeddings_constraint"),
    "bconstraint": ("bias_constraint",),
    "bias": ("use_bias",),
    "dropoutw": ("dropout",),
    "dropoutu": ("recurrent_dropout",),
    "epsilonnorm": ("epsilon",),
    "beta1": ("beta_1",),
    "beta2": ("beta_2",),
    "rho": ("rho", "beta_1"),
}

_STOPPING, _CHECKPOINT = "training.early_stopping", "training.checkpoint"
_AUGMENT = "write data.augment: [{layer}]"
_RATE = "it is an argument of the optimizer: training.optimizer.learning_rate"

# A word that is no key here -> how the same is said. A path of a key alone, or a sentence.
OLD_WORDS: Mapping[str, str] = {
    # Keras: compile and fit
    "nb_epoch": "training.epochs",
    "n_epochs": "training.epochs",
    "num_epochs": "training.epochs",
    "max_epochs": "training.epochs",
    "lr": _RATE,
    "learning_rate": _RATE,
    "decay": (
        "a rate that falls is a schedule: learning_rate: "
        "{InverseTimeDecay: {initial_learning_rate: 0.01, decay_steps: 1, decay_rate: 1e-4}}; "
        "decay of the weights is the optimizer's weight_decay"
    ),
    "weight_decay": "it is an argument of the optimizer: training.optimizer.weight_decay",
    "momentum": "it is an argument of the optimizer: training.optimizer: {SGD: {momentum: 0.9}}",
    "clipnorm": "training.clip_norm",
    "max_grad_norm": "training.clip_norm, of each weight; the optimizer's global_clipnorm is of all together",
    "gradient_clip_val": "training.clip_norm, of each weight; the optimizer's global_clipnorm is of all together",
    "gradient_accumulation_steps": "training.gradient_accumulation",
    "accumulate_grad_batches": "training.gradient_accumulation",
    "verbose": "how much is shown is said on the command line: -q, -v or -vv",
    "callbacks": f"each has a key: {_STOPPING}, {_CHECKPOINT}, training.reduce_lr_on_plateau, training.tensorboard",
    "EarlyStopping": _STOPPING,
    "ModelCheckpoint": _CHECKPOINT,
    "ReduceLROnPlateau": "training.reduce_lr_on_plateau",
    "TensorBoard": "training.tensorboard",
    "LearningRateScheduler": "a schedule stands as the rate: training.optimizer: {SGD: {learning_rate: {ExponentialDecay: {…}}}}",
    "CSVLogger": "each run writes history.csv",
    "BackupAndRestore": "each run can be resumed: `dltrain fit --resume RUN`",
    "TerminateOnNaN": "a loss that is not finite ends the run by itself, with exit code 4",
    "patience": f"{_STOPPING}.patience",
    "monitor": f"{_STOPPING}.monitor",
    "min_delta": f"{_STOPPING}.min_delta",
    "restore_best_weights": f"{_STOPPING}.restore_best_weights",
    "save_best_only": f"{_CHECKPOINT}.save_best_only",
    "filepath": f"{_CHECKPOINT}.filepath",
    "save_format": f"{_CHECKPOINT}.format",
    "period": "checkpoints are written at the end of each epoch; a filepath with {epoch} keeps them all",
    "save_freq": "checkpoints are written at the end of each epoch; a filepath with {epoch} keeps them all",
    "steps_per_epoch": "an epoch goes through all rows once; data.limit takes fewer",
    "validation_steps": "the whole validation part is evaluated",
    "initial_epoch": "a run goes on where it ended: `dltrain fit --resume RUN`",
    "sample_weight": "data.weight",
    "compile": "training.optimizer, training.loss and training.metrics say it",
    "fit": "training.epochs and training.batch_size say it; `dltrain fit CONFIG` trains",
    "input_shape": "the shape of the input follows from the data; leave it out",
    "input_dim": "the shape of the input follows from the data; leave it out",
    "include_top": "a network stands without its top: model.layers: [{Xception: {weights: imagenet}}]; the output layer follows",
    # Parts
    "validation_split": "data.split.validation",
    "val_split": "data.split.validation",
    "val_size": "data.split.validation",
    "validation_size": "data.split.validation",
    "valid": "data.split.validation",
    "val": "a share: data.split.validation; files of its own: data.validation",
    "validation_data": "data.validation",
    "val_data": "data.validation",
    "test_data": "data.test",
    "test_size": "data.split.test",
    "test_split": "data.split.test",
    "train_size": "the training part is what data.split.test and data.split.validation leave",
    "train": "the training part is what data.split.test and data.split.validation leave",
    "kfold": "data.split.folds",
    "k_folds": "data.split.folds",
    "n_splits": "data.split.folds",
    "cv": "data.split.folds",
    "sep": "data.separator",
    "delimiter": "data.separator",
    "na_values": "data.missing",
    "skiprows": "data.skip",
    "usecols": "data.features",
    "parse_dates": "data.dates",
    "shuffle_buffer": "training.shuffle",
    "window": "data.series.history",
    "window_size": "data.series.history",
    "lookback": "data.series.history",
    "look_back": "data.series.history",
    "timesteps": "data.series.history",
    "sequence_length": "data.series.history",
    "vocab_size": "data.text.max_tokens",
    "num_words": "data.text.max_tokens",
    "maxlen": "data.text.output_sequence_length",
    "max_length": "data.text.output_sequence_length",
    "random_state": "seed, of everything; data.split.seed, of the split alone, with `like: scikit-learn` the very same rows",
    "train_test_split": "write data.split: {test: 0.25, seed: 42, like: scikit-learn}",
    "random_seed": "seed",
    "x": "data.features",
    "y": "data.target",
    "label": "data.target",
    "to_categorical": "targets are encoded as the loss needs them; name the column in data.target",
    "one_hot": "categories are by default; data.encode: {column: one_hot}",
    "StandardScaler": "write data.scale: standard",
    "MinMaxScaler": "write data.scale: minmax",
    # Pictures
    "ImageDataGenerator": "data.source: image_folder reads the pictures, data.scale scales them, data.augment varies them",
    "flow_from_directory": "write data: {source: image_folder, path: FOLDER}",
    "image_dataset_from_directory": "write data: {source: image_folder, path: FOLDER}",
    "flow_from_dataframe": "write data: {source: csv, path: TABLE, features: {COLUMN: image}, target: COLUMN}",
    "target_size": "write data.image_size: [height, width]",
    "img_size": "write data.image_size: [height, width]",
    "class_mode": "it follows from the target; data.task says otherwise",
    "label_mode": "it follows from the target; data.task says otherwise",
    "color_mode": "data.color",
    "grayscale": "write data.color: grayscale",
    "preprocessing_function": "data.scale scales the pixels; a network of keras.applications brings its own preprocessing",
    "preprocess_input": "a network of keras.applications brings its own preprocessing",
    "rescale": "write data.scale: unit, which takes pixels to 0…1",
    "horizontal_flip": _AUGMENT.format(layer="{RandomFlip: {mode: horizontal}}"),
    "vertical_flip": _AUGMENT.format(layer="{RandomFlip: {mode: vertical}}"),
    "rotation_range": _AUGMENT.format(layer="{RandomRotation: {factor: 0.1}}") + ", in turns of 360 degrees",
    "zoom_range": _AUGMENT.format(layer="{RandomZoom: {height_factor: 0.2}}"),
    "width_shift_range": _AUGMENT.format(layer="{RandomTranslation: {height_factor: 0.0, width_factor: 0.1}}"),
    "height_shift_range": _AUGMENT.format(layer="{RandomTranslation: {height_factor: 0.1, width_factor: 0.0}}"),
    "brightness_range": _AUGMENT.format(layer="{RandomBrightness: {factor: 0.2}}"),
    # What one asks of a model
    "decode_predictions": "predictions hold the names of the classes: `dltrain predict RUN --data FILE`",
    "classification_report": "`dltrain evaluate RUN` prints precision, recall and F1 of each class",
    "confusion_matrix": "`dltrain evaluate RUN` prints it",
    "summary": "`dltrain check CONFIG` prints the layers, their shapes and parameters",
    "load_model": "`dltrain predict RUN` and `dltrain evaluate RUN` load it",
    "save": "each run keeps its weights; `dltrain export RUN` writes one file",
    "class_weights": "training.class_weight",
}

# Commands that other tools have -> the one that does it here.
OLD_COMMANDS = {
    "train": "fit",
    "run": "fit",
    "learn": "fit",
    "test": "evaluate",
    "eval": "evaluate",
    "score": "evaluate",
    "validate": "check",
    "lint": "check",
    "summary": "check",
    "infer": "predict",
    "inference": "predict",
    "tune": "sweep",
    "search": "sweep",
    "grid": "sweep",
    "optimize": "sweep",
    "list": "runs",
    "ls": "runs",
    "rm": "runs",
    "new": "init",
    "data": "datasets",
    "download": "datasets",
    "diff": "compare",
    "plot": "compare",
    "help": "explain",
    "convert": "export",
}

_BY_ITSELF = "leave `loss` out: the cross-entropy that fits the task is taken by itself"
# Words that stand for several losses -> which of them is taken.
VAGUE_LOSSES = dict.fromkeys(("crossentropy", "ce", "xent", "softmaxcrossentropy", "logistic"), _BY_ITSELF)

_LOOKUP = {normalize(word): said for word, said in OLD_WORDS.items()}


def said_here(word: str) -> str | None:
    """How a config says what a word of Keras's or scikit-learn's means: `it is training.epochs here`; None for other words."""
    said = _LOOKUP.get(normalize(word))
    if said is None:
        return None
    return f"here it is {said}" if " " not in said else said


def argument_of_today(entry: ComponentEntry, name: str) -> str | None:
    """The argument of a component that an older name stands for, or None."""
    return next((now for now in KNOWN_ARGUMENTS.get(normalize(name), ()) if now in entry.arguments), None)


def from_alone(name: str, value: Any) -> str | None:
    """The arguments of a callback, or a block, of which one stands alone: of `early_stopping: 5` `{patience: 5}`; else None."""
    argument = _ALONE.get(name, {}).get(type(value))
    return None if argument is None else f"{{{argument}: {_flow(value)}}}"


def without_module(name: str) -> str:
    """The name without the module that Python needs: `Dense` of `tf.keras.layers.Dense`; other names as they are."""
    module, _, bare = name.rpartition(".")
    return bare if bare and all(part.isidentifier() for part in module.split(".")) else name


def from_call(text: str, entry_of: Any) -> str | None:
    """A Python call as a config spells it: `SGD(lr=0.01)` is `SGD: {learning_rate: 0.01}`.

    Args:
        text: what stands where a component should.
        entry_of: name -> the catalog's entry, or None.

    Returns:
        The spelling, or None where the text is no call of a component.
    """
    name = text.partition("(")[0].strip().rpartition(".")[2]
    entry: ComponentEntry | None = entry_of(name) if "(" in text else None
    if entry is None:
        return None
    try:
        call = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return f"{entry.name}: {{…}}"  # such as one half of a call that stood in a list of YAML
    if not isinstance(call, ast.Call):
        return None
    given = dict(zip(entry.arguments, call.args))
    given |= {word.arg: word.value for word in call.keywords if word.arg is not None}
    return _spelled(entry, {name: _plain(value) for name, value in given.items()})


def from_mapping(values: Mapping[str, Any], entry_of: Any) -> str | None:
    """A component that is named by one of its keys, such as `{type: Dense, units: 4}`, as a config spells it; else None."""
    for key in ("type", "name", "class", "class_name", "layer", "kind", "optimizer", "loss", "metric"):
        name = values.get(key)
        entry: ComponentEntry | None = entry_of(name) if isinstance(name, str) else None
        if entry is None:
            continue
        rest = {other: value for other, value in values.items() if other != key}
        for inner in ("config", "arguments", "args", "params", "kwargs"):
            if isinstance(rest.get(inner), Mapping):
                rest |= rest.pop(inner)
        return _spelled(entry, rest)
    return None


def _spelled(entry: ComponentEntry, given: Mapping[str, Any]) -> str:
    arguments = {argument_of_today(entry, name) or name: value for name, value in given.items()}
    if not arguments:
        return entry.name
    return f"{entry.name}: {{{', '.join(f'{name}: {_flow(value)}' for name, value in arguments.items())}}}"


def _flow(value: Any) -> str:
    """A value as YAML's flow style has it, shortened."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_flow, value))}]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_flow(item)}" for name, item in value.items()) + "}"
    return "null" if value is None else str(value)[:80]


def _plain(node: ast.expr) -> Any:
    """A literal of a call, or its text; a call within it is spelled in the same way where its name is enough."""
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return ast.unparse(node)
