"""Text → `Config`: reading, overrides, parameters, blocks, and the resolved config."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from dltrain.config.bases import near_files, read_file
from dltrain.config.blocks.data import plain_data, read_data
from dltrain.config.blocks.evaluation import plain_evaluation, read_evaluation
from dltrain.config.blocks.model import input_columns, plain_model, read_model
from dltrain.config.blocks.sweep import plain_sweep, read_sweep
from dltrain.config.blocks.training import plain_training, read_training
from dltrain.config.catalog.catalog import Catalog
from dltrain.config.components import read_nested
from dltrain.config.environment import as_written, refuse_secrets
from dltrain.config.keys import KEYS
from dltrain.config.overrides import CALLBACK_KEYS
from dltrain.config.parameters import warn_unused
from dltrain.config.reading import Context, Special, read_block
from dltrain.config.text.nodes import Faults, MappingNode, Node, ScalarNode
from dltrain.config.text.paths import Paths
from dltrain.config.text.scalars import describe
from dltrain.config.text.yaml_writer import dump_yaml
from dltrain.config.tree import Tree, read_tree
from dltrain.config.types import Config, DataConfig, LossConfig, ModelConfig, TrainingConfig
from dltrain.config.types.own_code import OwnCode
from dltrain.errors import ConfigError, Fault
from dltrain.wording import all_secrets, one_line

SAFE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
BLOCKS = ("data", "model", "training", "evaluation", "sweep", "parameters")


class FaultyConfig(ConfigError):
    """A config that could be read but holds faults.

    Attributes:
        config: what of it is right; keys with a fault have their defaults.
    """

    def __init__(self, faults: Sequence[Fault], config: Config) -> None:
        super().__init__(faults)
        self.config = config


def load_config(file: str | Path, overrides: Sequence[str] = ()) -> Config:
    """Reads and checks a config file.

    Args:
        file: its path; messages name it as given.
        overrides: `KEY=VALUE` words, applied in order.

    Raises:
        ConfigError: the file cannot be read, or holds faults: all of them, in the order of their places.
    """
    path = Path(file)
    config = load_config_text(_text_of(path), file=str(file), folder=path.parent, overrides=overrides)
    return replace(config, file=path, overrides=tuple(overrides))


def load_own_catalog(file: str | Path) -> Catalog:
    """Keras's components and those of a config's own code, whatever else is wrong with the config.

    Raises:
        ConfigError: the file cannot be read, or its own code.
    """
    path, faults = Path(file), Faults()
    return read_tree(_text_of(path), str(file), path.parent, (), faults).catalog


def _text_of(path: Path) -> bytes:
    text = read_file(path)
    if isinstance(text, str):
        hint = f"dltrain init {path}" if text.startswith("expected") else near_files(path) if "no such" in text else None
        raise ConfigError(text, file=str(path), hint=hint)
    return text


def load_config_text(
    text: str | bytes, *, file: str = "<text>", folder: Path, overrides: Sequence[str] = (), code: OwnCode | None = None
) -> Config:
    """Checks the text of a config.

    Args:
        text: YAML.
        file: what messages call it.
        folder: what its relative paths are relative to.
        overrides: `KEY=VALUE` words, applied in order.
        code: own code that was read already, of which the text may name files by their SHA-256.

    Raises:
        ConfigError: all faults, in the order of their places.
    """
    faults = Faults()
    tree = read_tree(text, file, folder, overrides, faults, code)
    paths = Paths.of(folder, tree.folders)
    context = Context(faults, paths, read_nested, tree.catalog, code=tree.code, unregistered=tree.unregistered)
    config = _read_blocks(context, tree, safe_name(Path(file).stem))
    if faults.are_partial:
        faults.raise_errors()  # what is left is no config to look at further
    if not faults.errors:  # as those would often name the same places
        refuse_secrets(tree.root, faults)
    try:
        faults.raise_errors()
    except ConfigError as error:
        raise FaultyConfig(error.faults, config) from None
    resolved = plain_config(config, tree.parameters.uses)
    return replace(config, resolved=as_written(resolved), secrets=all_secrets())


def _read_blocks(context: Context, tree: Tree, name: str) -> Config:
    """The config of a tree; what is wrong with it is noted, and has its default."""
    root, faults = tree.root, context.faults
    special: dict[str, Special] = {block: lambda node, _path: node for block in (*BLOCKS, "code")}
    values = read_block(context, root, "", special | {"name": lambda node, path: _read_name(context, node, path)})
    data = read_data(context, root.entries.get("data")) if "data" in root.entries else DataConfig("")
    model = read_model(context, values.get("model"), data)
    if columns := input_columns(model):
        places = {key: place for key, place in context.places.items() if key.startswith("model.inputs")}
        data = replace(data, input_columns=columns, places={**data.places, **places})
    training = read_training(context, values.get("training"), data)
    if training is not None:
        model = replace(model, precision=training.precision)
    data = _without_share(faults, root, data, training)
    evaluation = read_evaluation(context, values.get("evaluation"))
    sweep = read_sweep(context, values.get("sweep"), tree.parameters)
    _check_across(context, root, data, model, training)
    swept = {name.removeprefix("parameters.") for name in (sweep.parameters if sweep else {})}
    warn_unused(root, tree.parameters, swept, faults)
    return Config(
        name=values.get("name") or name,
        seed=values.get("seed", 0),
        data=data,
        model=model,
        training=training,
        evaluation=evaluation,
        parameters={name: node.plain() for name, node in tree.parameters.nodes.items()},
        parameter_keys=tree.parameters.keys(),
        sweep=sweep,
        extends=tuple(tree.folders),
        code=tree.code,
        warnings=tuple(faults.warnings),
        places=context.places,
    )


def _without_share(faults: Faults, root: MappingNode, data: DataConfig, training: TrainingConfig | None) -> DataConfig:
    """The data without a validation part at random where each member of an ensemble validates on a fold of its own."""
    if training is None or not training.members.folds or data.split.validation is None:
        return data
    path = "data.split.validation"
    message = f"no such part is made: each of the {training.members.count} members validates on another fold"
    block = root.entries["data"]
    split = block.entries.get("split") if isinstance(block, MappingNode) else None
    node = split.entries.get("validation") if isinstance(split, MappingNode) else None
    faults.add(node, path, message, "leave it out; or `training.members: 5`, which all validate on it", warning=True)
    return replace(data, split=replace(data.split, validation=None))


def plain_config(config: Config, uses: Mapping[str, list[str]]) -> dict[str, Any]:
    """The whole config as plain values: defaults written out, parameters put in, paths absolute.

    Args:
        config: the checked config.
        uses: parameter -> the keys it stands at, for the sweep.
    """
    plain: dict[str, Any] = {
        "name": config.name,
        "seed": config.seed,
        **({"code": config.code.plain} if config.code is not None else {}),
        "data": plain_data(config.data),
        "model": plain_model(config.model),
        "training": plain_training(config.training),
    }
    evaluation = plain_evaluation(config.evaluation)
    if evaluation:
        plain["evaluation"] = evaluation
    sweep = plain_sweep(config.sweep, uses)
    if sweep is not None:
        plain["sweep"] = sweep
    return plain


def resolve(config: Config, inferred: Mapping[str, Any]) -> dict[str, Any]:
    """The resolved config with what was inferred from the data put in.

    Args:
        config: the checked config.
        inferred: key path (`data.task`, `model.output`, `training.loss`, ...) -> plain value.

    Returns:
        plain values that `dump_yaml` writes and `load_config` reads as the same experiment; in one form, whether inferred
        or given.
    """
    plain = copy.deepcopy(dict(config.resolved))
    for path, value in inferred.items():
        *blocks, last = path.split(".")
        target = plain
        for block in blocks:
            inner = target.setdefault(block, {})
            if not isinstance(inner, dict):
                break
            target = inner
        else:
            target[last] = copy.deepcopy(value)
    folder = config.file.parent if config.file else Path()  # its paths are absolute by now
    return dict(load_config_text(dump_yaml(plain), folder=folder, code=config.code).resolved)


def origins(config: Config) -> dict[str, str]:
    """Key -> the file and line, or the override, that says it; empty where the config extends no other: it is all in one file."""
    found: dict[str, str] = {}
    for path, place in config.places.items() if config.extends else ():
        key = KEYS.get(path)
        is_part = path.rpartition(".")[0] in ("data", *CALLBACK_KEYS)
        if (key is not None and "block" not in key.type) or (key is None and is_part):
            found[path] = one_line(place.word) if place.word is not None else f"{one_line(place.file)}:{place.line}"
    return found


def safe_name(text: str) -> str:
    """A text as the first word of a directory's name."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.")[:100] or "run"


def _read_name(context: Context, node: Node, path: str) -> Any:
    if isinstance(node, ScalarNode) and isinstance(node.value, str) and SAFE_NAME.fullmatch(node.value):
        return node.value
    found = describe(node.plain())
    hint = f'such as "{safe_name(node.text)}"' if isinstance(node, ScalarNode) else None
    context.faults.add(node, path, f"expected a name for directories (letters, digits, . _ -), found {found}", hint)
    return None


def _check_across(
    context: Context, root: MappingNode, data: DataConfig, model: ModelConfig, training: TrainingConfig | None
) -> None:
    """Contradictions between blocks."""
    body = next((layer.component.name for layer in model.layers if layer.component.kind == "application"), None)
    block = root.entries.get("data")
    if body and data.scale not in (None, "none") and isinstance(block, MappingNode) and "scale" in block.entries:
        context.faults.add(block.entries["scale"], "data.scale", f"{body} brings its own scaling of pixels", "leave `scale` out")
    loss = training.loss if training else None
    if model.logits and isinstance(loss, LossConfig) and loss.component.arguments.get("from_logits") is False:
        path = "training.loss.from_logits"
        context.faults.add(
            context.places.get(path), path, "`model.logits` says that the output is logits, the loss that it is not"
        )
