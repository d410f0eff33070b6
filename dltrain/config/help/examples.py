"""Short examples of keys, components and sources, as plain values that a config may hold."""

from __future__ import annotations

from typing import Any

from dltrain.config.catalog.catalog import Argument, ComponentEntry
from dltrain.config.catalog.sources import PICTURE_FORM, Source
from dltrain.config.keys import CALLBACKS, KEYS, OUTPUT, keys_of
from dltrain.config.kinds import COMPONENTS, Alternative, Kind, parse_kind
from dltrain.config.types.data import IMAGE
from dltrain.config.types.key import Key

# A usual value of arguments whose type alone would give an odd one; `Class.argument` before `argument`.
USUAL: dict[str, Any] = {
    "units": 64,
    "filters": 32,
    "kernel_size": 3,
    "pool_size": 2,
    "rate": 0.3,
    "stddev": 0.1,
    "factor": 0.1,
    "height_factor": 0.1,
    "width_factor": 0.1,
    "scale": 0.1,
    "Rescaling.scale": 0.00392156862745098,
    "height": 32,
    "width": 32,
    "input_dim": 1000,
    "output_dim": 16,
    "output_size": 4,
    "num_heads": 4,
    "key_dim": 16,
    "head_dim": 16,
    "num_query_heads": 8,
    "num_key_value_heads": 2,
    "target_shape": [4, 4, 2],
    "dims": [2, 1],
    "axes": 1,
    "n": 5,
    "equation": "ab,bc->ac",
    "output_shape": 64,
    "num_bins": 10,
    "max_number": 4,
    "activation": "relu",
    "layer": {"LSTM": {"units": 64}},
    "TimeDistributed.layer": {"Dense": {"units": 64}},
    "SpectralNormalization.layer": {"Dense": {"units": 64}},
    "cell": {"LSTMCell": {"units": 64}},
    "cells": [{"LSTMCell": {"units": 64}}],
    "num_classes": 2,
    "target_class_ids": [1],
    "initial_learning_rate": 0.01,
    "decay_steps": 1000,
    "first_decay_steps": 1000,
    "decay_rate": 0.9,
    "boundaries": [1000, 2000],
    "values": [0.01, 0.003, 0.001],
    "filepath": "model_{epoch:02d}.h5",
    "monitor": "val_loss",
    "patience": 3,
    "peak": 0.01,
    "dtype": "float32",
    "name": "hidden",
    "seed": 3,
    "min_faces_per_person": 70,
    "vectors": "glove/glove.6B.50d.txt",
    "word": "word",
}

# A component of each kind, for arguments that take one.
OF_KIND: dict[str, Any] = {
    "initializer": "HeNormal",
    "regularizer": {"L2": {"l2": 0.01}},
    "constraint": "NonNeg",
    "schedule": {"CosineDecay": {"initial_learning_rate": 0.01, "decay_steps": 1000}},
    "curve": {"CosLog4": {"peak": 0.01}},
    "layer": {"Dense": {"units": 64}},
    "optimizer": "Adam",
    "loss": "MeanSquaredError",
    "metric": "accuracy",
    "activation": "relu",
    "transformer": {"PCA": {"n_components": 20}},
}

# The kinds that are arguments of a layer, under the name of that argument.
_IN_A_LAYER = {"regularizer": "kernel_regularizer", "initializer": "kernel_initializer", "constraint": "kernel_constraint"}
_CALLBACK_KEYS = {"ModelCheckpoint": "checkpoint", **{name: key for key, name in CALLBACKS.items()}}
# Keys that mean nothing without others of their block.
_BESIDE: dict[str, dict[str, Any]] = {
    "data.series.static": {"id": "store"},
    "data.text.vocabulary": {"split": "wordpiece"},
    "data.split.group": {"test": 0.2},
    "data.split.time": {"test": 0.2},
    "data.split.fold": {"folds": 5},
    "training.members.member": {"number": 5},
    "data.split.shuffle": {"validation": 0.2},
    "data.split.like": {"test": 0.25, "seed": 42},
}
# What stands around a key that is not for tables.
_AROUND: dict[str, dict[str, Any]] = {
    "data.labels": {"source": "csv", "path": "data/books.csv", "target": "genres"},
    "data.series.label_of": {"source": "csv", "path": "data/walks.csv", "target": "activity", "task": "classification"},
    "data.images": {"source": "csv", "path": "data/pictures.csv", "target": "label", "features": {"file": IMAGE}},
    "data.augment": {"source": "digits"},
    "data.transform": {"source": "digits"},
    "data.corrupt": {"source": "digits", "task": "reconstruction"},
}
_TABLE_FILE = ("data.path", "data.target")


def example_of_key(key: Key) -> dict[str, Any]:
    """A config, or the beginning of one, that gives the key a value."""
    value = key.example
    if value is None and "block" in key.type:
        children = {name: child for name, child in keys_of(key.path).items() if child.example is not None}
        value = {name: child.example for name, child in list(children.items())[:3] if "block" not in child.type}
    elif value is None:
        value = value_of(parse_kind(key.type))
    blocks = key.path.split(".")
    around: dict[str, Any] = {}
    if len(blocks) > 1 and blocks[0] == "data" and key.path != "data.source":
        table = {"source": "csv", **{p.split(".")[1]: KEYS[p].example for p in _TABLE_FILE}}
        around = _AROUND.get(key.path) or _AROUND.get(".".join(blocks[:2]), table)
    required = {name: child.example for name, child in keys_of(".".join(blocks[:-1])).items() if child.required}
    inner = {**(required if len(blocks) > 2 else {}), **_BESIDE.get(key.path, {})}
    for name in reversed(blocks[1:]):
        value, inner = {name: [value] if name == "phases" and isinstance(value, dict) else value, **inner}, {}
    return {blocks[0]: {**around, **value} if around else value}


def example_of_component(entry: ComponentEntry, argument: Argument | None = None) -> dict[str, Any]:
    """A config, or the beginning of one, with the component where it may stand, and a value for one argument."""
    needed = [other for other in entry.arguments.values() if other.required]
    first = next(iter(entry.arguments.values()), None)
    if not needed and first is not None and isinstance(first.default, float) and entry.kind != "metric":
        needed = [first]
    arguments = {other.name: value_of_argument(entry, other) for other in needed}
    if argument is not None:
        arguments[argument.name] = value_of_argument(entry, argument)
    component = {entry.name: arguments} if arguments else entry.name
    if entry.kind in ("layer", "application", "composed"):
        return {"model": {"output": component} if entry.name == OUTPUT else {"layers": [component]}}
    if entry.kind == "transformer":
        return {"data": {"source": "digits", "transform": [component]}}
    if entry.kind in _IN_A_LAYER:
        return {"model": {"layers": [{"Dense": {"units": USUAL["units"], _IN_A_LAYER[entry.kind]: component}}]}}
    if entry.kind in ("schedule", "curve"):
        return {"training": {"optimizer": {"Adam": {"learning_rate": component}}}}
    if entry.kind == "callback":
        return {"training": {_CALLBACK_KEYS[entry.name]: arguments or True}}
    return {"training": {"metrics": [component]} if entry.kind == "metric" else {entry.kind: component}}


def example_of_source(source: Source, argument: str | None = None) -> dict[str, Any]:
    """A `data:` block with the source, and with a value for one of its arguments, if given."""
    data: dict[str, Any] = {"source": source.name}
    if source.needs_path:
        suffix = {"csv": "csv", "parquet": "parquet", "word_vectors": "csv"}.get(source.name, "npz")
        path = str(KEYS["data.path"].example).replace("csv", suffix)
        folders = {"image_folder": "pictures/train", "text_folder": "reviews/train"}
        data["path"] = folders.get(source.name, path)
    data |= {name: USUAL[name] for name, own in source.arguments.items() if own.required}
    if source.needs_target:
        data["target"] = KEYS["data.target"].example
    if argument is not None:
        if source.needs_target and argument in PICTURE_FORM:  # of a table whose column names files of pictures
            data["features"] = {"file": IMAGE}
        own = source.arguments[argument]
        data[argument] = USUAL.get(argument, own.default if own.default is not None else value_of(parse_kind(own.type)))
    return {"data": data}


def value_of_argument(entry: ComponentEntry, argument: Argument) -> Any:
    """A value that the argument takes: a usual one, else its default, else one of its type."""
    usual = USUAL.get(f"{entry.name}.{argument.name}", USUAL.get(argument.name))
    if usual is not None and (argument.required or argument.default is None or argument.name in ("rate", "patience")):
        return usual
    if argument.default is not None:
        return argument.default
    return value_of(parse_kind(argument.type))


def value_of(kind: Kind) -> Any:
    """Some value of that kind."""
    return _value_of(kind.alternatives[0])


def _value_of(alternative: Alternative) -> Any:
    word, limits = alternative.word, alternative.range
    if word == "word":
        return alternative.literal
    if word in COMPONENTS:
        return OF_KIND[word]
    if word in ("list", "map") and alternative.item is not None:
        item = value_of(alternative.item)
        return [item] if word == "list" else {"name": item}
    if word in ("int", "number"):
        low = limits.low if limits.low is not None else 1
        high = limits.high if limits.high is not None else low + 1
        return round((low + high) / 2, 3) if word == "number" else max(int(low), 1)
    return {"bool": True, "text": "text", "name": "name", "mapping": {}, "any": 1, "none": None}[word]
