"""`model.preset`: a name for layers and their training, put into the config as if they had been written there.

Whatever the config gives itself stays as it is, key by key; a run's config holds what a preset stood for, not its name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dltrain.config.catalog.sources import SOURCES
from dltrain.config.composed import COMPOSED
from dltrain.config.keys import key_of
from dltrain.config.text.nodes import Faults, ListNode, MappingNode, Node, ScalarNode
from dltrain.config.text.scalars import describe
from dltrain.config.types import MULTILABEL
from dltrain.wording import did_you_mean, normalize, one_of

REALMLP, REALMLP_PLE, TABM = "realmlp", "realmlp_ple", "tabm"
# The scales whose numbers lie between 0 and 1, as the ranges do that embed them.
UNIT_SCALES = ("quantile", "minmax", "unit")
# The input of `model.inputs` whose columns are embedded as numbers.
NUMBERS = "numbers"
# What embeds numbers, and how its layer is called.
NAMES = {"PeriodicEmbedding": "periodic_embedding", "PiecewiseLinearEmbedding": "piecewise_linear_embedding"}
# How many numbers an embedded category becomes, unless `data.embedding_size` says so.
EMBEDDING_SIZE = 8
PRESETS: Mapping[str, str] = {
    REALMLP: "A multilayer perceptron for tables with the settings of RealMLP (arXiv 2407.04491).",
    REALMLP_PLE: "The same with numbers embedded by the ranges they lie in (PLE, arXiv 2203.05556), by quantiles.",
    TABM: "Perceptrons for tables that share their matrices, as TabM has them (arXiv 2410.24210), in a size for two cores.",
}
# The paper's are 32 and 512, eight times the products of these.
TABM_MEMBERS, TABM_UNITS = 16, 256


def decides(word: str) -> bool:
    """Whether an override says which preset it is, or what it is like: it comes before those of what the preset stands for."""
    return key_of(word) in ("model.preset", "data.task", "data.source")


def expand_preset(root: MappingNode, faults: Faults) -> None:
    """Put what `model.preset` stands for in its place, where the config has nothing of its own."""
    model = root.entries.get("model")
    if not isinstance(model, MappingNode) or "preset" not in model.entries:
        return
    node = model.entries.pop("preset")
    model.keys.pop("preset", None)
    name = str(node.value).lower() if isinstance(node, ScalarNode) else ""
    if isinstance(node, ScalarNode) and node.value is None:
        return
    if name not in PRESETS:
        hint = did_you_mean(name, PRESETS) or f"presets: {one_of(PRESETS)}"
        faults.add(node, "model.preset", f"expected the name of a preset, found {describe(node.plain())}", hint)
        return
    task = _task(root)
    if task is None and name != TABM:
        message = f"{name} trains classes and numbers differently, and the config does not say which: it is taken for classes"
        faults.add(node, "model.preset", message, "say data.task: classification, or regression", warning=True)
    if name == TABM and task != MULTILABEL and "output" not in model.entries and (count := _num_targets(root)) > 1:
        message = f"its members' output is that of one target, and data.target names {count}"
        faults.add(node, "model.preset", message, f"one config for each target; or `preset: {REALMLP}`, which takes several")
        return
    given = model.entries.get("layers")
    if name == TABM:
        model_keys, training = _tabm(_branches(root))
    else:
        numbers = "PiecewiseLinearEmbedding" if name == REALMLP_PLE else "PeriodicEmbedding"
        model_keys, training = _realmlp(task, _branches(root), numbers)
        own = None if given is None else given.plain()
        _leave_out_groups(training, model_keys["layers"] if own is None else own)
    _put(model, model_keys, node)
    block = root.entries.get("training")
    if block is None or (isinstance(block, ScalarNode) and block.value is None):
        block = root.entries["training"] = MappingNode(node.place, node.word)
        root.keys["training"] = node.place
    if isinstance(block, MappingNode):
        _put(block, training, node)
    if name == REALMLP_PLE:
        _scale_to_ranges(root, node, faults)


def _scale_to_ranges(root: MappingNode, node: Node, faults: Faults) -> None:
    """Say the scale that the ranges are made for, or warn of the config's own if that is another."""
    data = root.entries.get("data")
    if not isinstance(data, MappingNode):
        return
    _put(data, {"scale": "quantile"}, node)
    scale = data.entries["scale"]
    found = scale.plain()
    if any(how not in UNIT_SCALES for how in (found.values() if isinstance(found, dict) else [found])):
        message = "the preset embeds numbers by the ranges they lie in between 0 and 1, and this scale makes others"
        faults.add(scale, "data.scale", message, "data.scale: quantile, or leave it out", warning=True)


def _task(root: MappingNode) -> str | None:
    data = root.entries.get("data")
    if not isinstance(data, MappingNode):
        return None
    task, source = data.entries.get("task"), data.entries.get("source")
    if isinstance(task, ScalarNode) and task.value is not None:
        return task.text.lower()
    known = SOURCES.get(source.text) if isinstance(source, ScalarNode) else None
    return known.task or None if known else None


def _num_targets(root: MappingNode) -> int:
    data = root.entries.get("data")
    target = data.entries.get("target") if isinstance(data, MappingNode) else None
    return len(target.items) if isinstance(target, ListNode) else 1


@dataclass(frozen=True, slots=True)
class Branch:
    """A named input of columns: the size of the embedding of a category's or a text's alone, else 0."""

    size: int = 0
    is_text: bool = False


def _branches(root: MappingNode) -> Mapping[str, Branch]:
    """The named inputs of columns; empty where there are none."""
    model, data = root.entries.get("model"), root.entries.get("data")
    inputs = model.entries.get("inputs") if isinstance(model, MappingNode) else None
    encode = data.entries.get("encode") if isinstance(data, MappingNode) else None
    by_column = encode.plain() if encode is not None else None
    sizes = data.entries.get("embedding_size") if isinstance(data, MappingNode) else None
    size = sizes.plain() if sizes is not None else None
    features = data.entries.get("features") if isinstance(data, MappingNode) else None
    kinds = features.plain() if isinstance(features, MappingNode) else {}
    found = {}
    for name, node in inputs.entries.items() if isinstance(inputs, MappingNode) else ():
        columns = node.plain() if isinstance(node, ListNode) else None
        if columns is not None and all(isinstance(column, str) for column in columns):  # what else there is, is told of later
            how = by_column.get(columns[0]) if isinstance(by_column, Mapping) and len(columns) == 1 else by_column
            given = size.get(columns[0]) if isinstance(size, Mapping) and len(columns) == 1 else size
            is_text = len(columns) == 1 and kinds.get(columns[0]) == "text"
            is_embedded = is_text or (len(columns) == 1 and how == "embedding")
            own = given if isinstance(given, int) and not is_text else EMBEDDING_SIZE
            found[name] = Branch(own if is_embedded else 0, is_text)
    return found


def _first_layers(branches: Mapping[str, Branch], numbers: str | None = None) -> list[Any]:
    """What embeds categories, and numbers by the layer that is named, and puts them beside each other."""
    if not branches:
        return [numbers] if numbers else []
    if NUMBERS not in branches:
        return []  # the inputs are joined as they are
    layers: list[Any] = []
    ends = []
    for name, branch in branches.items():
        if name == NUMBERS and numbers:
            ends.append(NAMES[numbers])
            layers.append({numbers: {"name": ends[-1], "from": name}})
        elif branch.size:
            normal = {"RandomNormal": {"stddev": 1.0}}
            embedding = {"name": f"{name}_embedding", "from": name, "output_dim": branch.size, "embeddings_initializer": normal}
            layers.append({"Embedding": embedding})
            ends.append(f"{name}_embedding")
            if branch.is_text:
                ends[-1] = f"{name}_words"
                layers.append({"GlobalAveragePooling1D": {"name": ends[-1]}})
        else:
            ends.append(name)
    return [*layers, {"Concatenate": {"from": ends}}] if len(ends) > 1 else layers


def _tabm(branches: Mapping[str, Branch]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The paper's network without embeddings of numbers, and its defaults; biases do not decay."""
    layers = _first_layers(branches)
    for number in range(3):
        members = {} if number else {"members": TABM_MEMBERS}
        layers += [
            {"EnsembleDense": {"units": TABM_UNITS, **members}},
            {"Activation": {"activation": "relu"}},
            {"Dropout": {"rate": 0.1}},
        ]
    groups = [{"match": "bias", "weight_decay": 0}]
    optimizer = {"learning_rate": 0.002, "weight_decay": 3e-4, "groups": groups}
    training = {"optimizer": {"AdamW": optimizer}, "epochs": 200, "batch_size": 256, "early_stopping": {"patience": 16}}
    return {"layers": layers, "output": "EnsembleOutput"}, training


def _realmlp(task: str | None, branches: Mapping[str, Branch], embedding: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The values of the paper's table A.1, as far as they are not the data's.

    Args:
        task: "regression" has a rate and an activation of its own; None: not said, as for classes.
        branches: from `_branches`: with an input `numbers` its columns alone are embedded as numbers.
        embedding: of numbers.
    """
    numbers = task == "regression"
    layers: list[Any] = [*_first_layers(branches, embedding), "FeatureScaling"]
    for _ in range(3):
        layers += [
            {"Dense": {"units": 256, "kernel_initializer": "LecunNormal"}},
            {"ParametricActivation": {"activation": "mish" if numbers else "selu"}},
            {"Dropout": {"rate": {"FlatCos": {"peak": 0.15}}}},
        ]
    groups: Sequence[Mapping[str, Any]] = [
        {"match": "periodic_embedding*/bias", "learning_rate": 0.1, "weight_decay": 0},
        {"match": "periodic_embedding_waves/kernel", "learning_rate": 0.628},  # 0.1, of frequencies that hold the factor 2 pi
        {"match": "periodic_embedding*", "learning_rate": 0.1},
        {"match": "feature_scaling", "learning_rate": 6},
        {"match": "parametric_activation*", "learning_rate": 0.1},
        {"match": "bias", "learning_rate": 0.1, "weight_decay": 0},
        {"match": "Dense", "ntk": True},
    ]
    optimizer = {
        "learning_rate": {"CosLog4": {"peak": 0.2 if numbers else 0.04}},
        "weight_decay": {"FlatCos": {"peak": 0.02}},
        "beta_2": 0.95,
        "groups": groups,
    }
    return {"layers": layers}, {"optimizer": {"AdamW": optimizer}, "epochs": 256, "batch_size": 256}


def _leave_out_groups(training: Mapping[str, Any], layers: Any) -> None:
    """Groups for layers that those of the config's own are not: they would match nothing."""
    items = layers if isinstance(layers, list) else []
    own = {normalize(str(name)) for item in items for name in (item if isinstance(item, dict) else [item])}
    for arguments in training["optimizer"].values():
        arguments["groups"] = [
            group
            for group in arguments["groups"]
            if not any(normalize(group["match"]).startswith(word) and word not in own for word in map(normalize, COMPOSED))
        ]


def _put(block: MappingNode, values: Mapping[str, Any], origin: Node) -> None:
    for key, value in values.items():
        there = block.entries.get(key)
        if there is None or (isinstance(there, ScalarNode) and there.value is None and not there.quoted):
            block.entries[key] = _node(value, origin)
            block.keys[key] = origin.place


def _node(value: Any, origin: Node) -> Node:
    """Plain values as a tree that stands where the preset's name does."""
    place, word = origin.place, origin.word
    if isinstance(value, Mapping):
        entries = {key: _node(item, origin) for key, item in value.items()}
        return MappingNode(place, word, None, entries, dict.fromkeys(entries, place))
    if isinstance(value, list | tuple):
        return ListNode(place, word, None, [_node(item, origin) for item in value])
    return ScalarNode(place, word, None, str(value), value)
