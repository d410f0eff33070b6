"""Every key of the config language by its path: what the fields of `types` say, and keys of ours among the arguments of Keras's.

Arguments of components stand in the catalog, arguments of data sources in `sources.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from dltrain.config.text.nodes import ListNode, MappingNode, Node, ScalarNode
from dltrain.config.types import Config
from dltrain.config.types.key import Key, keys_in

# Where components stand; what follows are their arguments, which may be components again.
COMPONENT_PLACES = re.compile(
    r"training\.(?:phases\.[^.]+\.)?optimizer|training\.loss|model\.output"
    r"|(?:model\.layers|data\.augment|data\.transform|training\.metrics)\.[^.]+"
)
# Where the values of a sweep's named choices stand; what follows is the key that each of them sets.
IN_CHOICE = re.compile(r"sweep\.choices\.[^.]+\.[^.]+\.")

WORD = re.compile(r"([^\W\d][\w-]*(?:\.[\w-]+)*)(?<!-)([+-]?)=(.*)", flags=re.DOTALL)
# What a layer of the model may be, by the catalog; and what of it is an output only.
LAYER_KINDS = ("layer", "application", "composed")
OUTPUT = "EnsembleOutput"
# Keys of `training:` whose values are arguments of one of Keras's callbacks.
CALLBACKS = {"early_stopping": "EarlyStopping", "reduce_lr_on_plateau": "ReduceLROnPlateau", "tensorboard": "TensorBoard"}

# Keys of ours among the arguments of a layer of the model, of an optimizer (and of its groups of weights), and among those of
# the loss of one target of several.
LAYER_KEYS = {
    "from": Key(
        "from",
        "name|list(name)",
        None,
        "Layers or inputs that it takes, of a series `known` and `static` as well; by default the layer before.",
    ),
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

KEYS: dict[str, Key] = {key.path: key for key in keys_in(Config)}


@cache
def keys_of(block: str) -> dict[str, Key]:
    """The keys directly under a block (`""`: the top level): last word -> key."""
    prefix = f"{block}." if block else ""
    return {path[len(prefix) :]: key for path, key in KEYS.items() if path.startswith(prefix) and "." not in path[len(prefix) :]}


def blocks_with(name: str) -> list[str]:
    """The blocks that have a key of this name, outermost first."""
    return [path.rpartition(".")[0] for path in KEYS if path.rpartition(".")[2] == name]


def from_the_top(path: str) -> str:
    """A path with the block before it that its first key belongs in, where that is one: `model.layers.0` of `layers.0`."""
    first = path.partition(".")[0]
    blocks = [] if first in KEYS else blocks_with(first)
    return f"{blocks[0]}.{path}" if blocks and "." not in blocks[0] else path


# What is above could only be a slip: it would be listed one by one, or held in memory, before anything is checked.
MOST = {
    "data.text.max_tokens": 10_000_000,
    "data.text.vocabulary": 1_000_000,
    "data.text.output_sequence_length": 100_000,
    "data.series.history": 1_000_000,
    "data.series.horizon": 10_000,
    "data.series.stride": 1_000_000_000,
    "data.series.sampling": 1_000_000,
    "data.series.offset": 1_000_000,
    "data.split.folds": 10_000,
    "data.split.fold": 10_000,
    "data.classes": 100_000,
    "data.rows": 1_000_000_000,
    "training.epochs": 1_000_000_000,
    "training.batch_size": 1_000_000_000,
    "training.members": 1_000,
    "training.members.number": 1_000,
    "training.members.folds": 1_000,
}


def names_component(node: MappingNode, path: str) -> bool:
    """Whether the one key of a mapping is the name of a component, through which paths look.

    Args:
        node: not the arguments of one.
        path: where it stands: at the place of a component, or as an argument's value.
    """
    return len(node.entries) == 1 and COMPONENT_PLACES.match(IN_CHOICE.sub("", path, count=1)) is not None


def replace_scalars(node: Node, path: str, change: Callable[[ScalarNode, str], Node], *, arguments: bool = False) -> Node:
    """The tree with what `change` makes of each scalar and its key in its place; it is changed in place below its top.

    Args:
        node: any tree.
        path: its key.
        change: of a scalar and its key; a component's arguments have the key of the component before theirs.
        arguments: the node holds the arguments of a component.
    """
    if isinstance(node, ScalarNode):
        return change(node, path)
    if isinstance(node, ListNode):
        node.items = [replace_scalars(item, f"{path}.{index}", change) for index, item in enumerate(node.items)]
    elif isinstance(node, MappingNode):
        named = not arguments and names_component(node, path)
        for name, value in node.entries.items():
            through = named and isinstance(value, MappingNode)
            inner = path if through else f"{path}.{name}" if path else name
            node.entries[name] = replace_scalars(value, inner, change, arguments=through)
    return node


def key_of(word: str) -> str | None:
    """The key that an override sets, or None."""
    match = WORD.fullmatch(word)
    return match.group(1) if match else None
