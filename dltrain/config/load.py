"""Text → `Config`: reading, overrides, parameters, blocks, and the resolved config."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from dltrain.config.blocks.data import plain_data, read_data
from dltrain.config.blocks.model import input_columns, plain_model, read_model
from dltrain.config.blocks.sweep import plain_sweep, read_sweep
from dltrain.config.blocks.training import plain_training, read_evaluation, read_training
from dltrain.config.catalog.catalog import load_catalog
from dltrain.config.components import read_nested
from dltrain.config.groups_key import put_among_arguments
from dltrain.config.overrides import apply_overrides
from dltrain.config.parameters import Budget, put_in, read_parameters, warn_unused
from dltrain.config.presets import decides, expand_preset, names_preset
from dltrain.config.reading import Context, is_none, read_block
from dltrain.config.text.nodes import Faults, ListNode, MappingNode, Node, ScalarNode
from dltrain.config.text.paths import Paths
from dltrain.config.text.scalars import describe
from dltrain.config.text.yaml_reader import MOST_BYTES, read_yaml
from dltrain.config.types import NO_DATA, Config, DataConfig, LossConfig, ModelConfig, TrainingConfig
from dltrain.errors import ConfigError, Fault

SAFE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
_TABLES = (".csv", ".tsv", ".parquet", ".npz", ".xlsx", ".gz")
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
    try:
        if path.is_dir():
            raise ConfigError(Fault("expected a config file, found a folder", file=str(file), hint=f"dltrain init {file}"))
        if path.suffix.lower() in _TABLES and path.is_file():
            raise ConfigError(Fault("expected a config file, found a file of data", file=str(file), hint=f"dltrain init {file}"))
        with path.open("rb") as stream:
            text = stream.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise ConfigError(Fault("no such config file", file=str(file), hint=_near_files(path))) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ConfigError(Fault(f"the config file cannot be read: {reason}", file=str(file))) from None
    config = load_config_text(text, file=str(file), folder=path.parent, overrides=overrides)
    return replace(config, file=path)


def load_config_text(text: str | bytes, *, file: str = "<text>", folder: Path, overrides: Sequence[str] = ()) -> Config:
    """Checks the text of a config.

    Args:
        text: YAML.
        file: what messages call it.
        folder: what its relative paths are relative to.
        overrides: `KEY=VALUE` words, applied in order.

    Raises:
        ConfigError: all faults, in the order of their places.
    """
    faults = Faults()
    root = read_yaml(text, file, faults)
    if not isinstance(root, MappingNode):
        faults.add(
            root,
            None,
            f"expected a mapping of keys at the top, found {describe(root.plain())}",
            _what_it_is(file) or "such as `data:`, `model:`, `training:`",
        )
        faults.raise_errors()
        raise AssertionError("unreachable: a fault was noted")
    catalog = load_catalog()
    for optimizer in _optimizers(root):
        put_among_arguments(optimizer)
    apply_overrides(root, overrides, faults, catalog, parameters=True)
    parameters = read_parameters(root, faults)
    budget = Budget()
    for key, node in root.entries.items():
        if key != "parameters":
            root.entries[key] = put_in(node, key, parameters, faults, budget)
    apply_overrides(root, [word for word in overrides if decides(word)], faults, catalog, parameters=False)
    expand_preset(root, faults)
    rest = [word for word in overrides if not names_preset(word)]
    apply_overrides(root, rest, faults, catalog, parameters=False)
    expand_preset(root, faults)
    for key, node in root.entries.items():
        if key != "parameters" and overrides:
            root.entries[key] = put_in(node, key, parameters, faults, budget)

    for optimizer in _optimizers(root):
        put_among_arguments(optimizer)
    _leave_out_data(root)
    context = Context(faults, Paths.of(folder), read_nested, catalog)
    values = read_block(
        context,
        root,
        "",
        {block: lambda node, _path: node for block in BLOCKS} | {"name": lambda n, p: _read_name(context, n, p)},
    )
    data = read_data(context, root.entries.get("data")) if "data" in root.entries else DataConfig("")
    model = read_model(context, values.get("model"), data)
    if columns := input_columns(model):
        places = {key: place for key, place in context.places.items() if key.startswith("model.inputs")}
        data = replace(data, input_columns=columns, places={**data.places, **places})
    training = read_training(context, values.get("training"), data)
    evaluation = read_evaluation(context, values.get("evaluation"))
    sweep = read_sweep(context, values.get("sweep"), parameters)
    _check_across(context, root, data, model, training)
    swept = {name.removeprefix("parameters.") for name in (sweep.parameters if sweep else {})}
    warn_unused(root, parameters, swept, faults)

    config = Config(
        name=values.get("name") or safe_name(Path(file).stem),
        seed=values.get("seed", 0),
        data=data,
        model=model,
        training=training,
        evaluation=evaluation,
        parameters={name: node.plain() for name, node in parameters.nodes.items()},
        parameter_keys=parameters.keys(),
        sweep=sweep,
        warnings=tuple(faults.warnings),
        places=context.places,
    )
    try:
        faults.raise_errors()
    except ConfigError as error:
        raise FaultyConfig(error.faults, config) from None
    return replace(config, resolved=plain_config(config, parameters.uses))


def _optimizers(root: MappingNode) -> list[Node | None]:
    """The optimizer of the training, and those of its phases."""
    training = root.entries.get("training")
    if not isinstance(training, MappingNode):
        return []
    phases = training.entries.get("phases")
    blocks = [training, *(phases.items if isinstance(phases, ListNode) else [])]
    return [block.entries.get("optimizer") for block in blocks if isinstance(block, MappingNode)]


def _leave_out_data(root: MappingNode) -> None:
    """A net that is not trained needs no data: `training: none` alone says `data: none` as well."""
    if "data" not in root.entries and is_none(root.entries.get("training")):
        root.entries["data"] = ScalarNode(text=NO_DATA, value=NO_DATA)
        root.keys["data"] = None


def plain_config(config: Config, uses: Mapping[str, list[str]]) -> dict[str, Any]:
    """The whole config as plain values: defaults written out, parameters put in, paths absolute.

    Args:
        config: the checked config.
        uses: parameter -> the keys it stands at, for the sweep.
    """
    plain: dict[str, Any] = {
        "name": config.name,
        "seed": config.seed,
        "data": plain_data(config.data),
        "model": plain_model(config.model),
        "training": plain_training(config.training),
    }
    if config.evaluation.require:
        plain["evaluation"] = {"require": list(config.evaluation.require)}
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
        plain values that `dump_yaml` writes and `load_config` reads as the same experiment.
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
    return plain


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


def _what_it_is(file: str) -> str | None:
    """What a file of data, in a config's place, is good for."""
    if Path(file).suffix.lower() in (*_TABLES, ".txt"):
        return f"dltrain init {file}"
    return None


def _near_files(path: Path) -> str | None:
    from dltrain.wording import did_you_mean

    full = next((f"{path}{ending}" for ending in (".yaml", ".yml") if Path(f"{path}{ending}").is_file()), None)
    if full is not None:
        return f'did you mean "{full}"?'
    try:
        names = sorted(other.name for other in path.parent.iterdir() if other.suffix in (".yaml", ".yml"))
    except OSError:
        return f"there is no folder {path.parent}"
    return did_you_mean(path.name, names[:1000])
