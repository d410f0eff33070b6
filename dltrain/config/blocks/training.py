"""Reads the `training:` block."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dltrain.config.blocks.data_checks import has_validation
from dltrain.config.blocks.optimizer_keys import with_optimizer_keys, without_optimizer_keys
from dltrain.config.blocks.phases import plain_phase, read_phases
from dltrain.config.blocks.templates import LONGEST_NAME, check_metric, check_template, format_of, stays_inside
from dltrain.config.catalog.metrics import metric_name
from dltrain.config.components import plain_component, plain_value, read_component
from dltrain.config.durations import why_no_warmup
from dltrain.config.groups_key import read_groups
from dltrain.config.keys import CALLBACKS
from dltrain.config.kinds import MISMATCH, parse_kind
from dltrain.config.old_words.calls import from_alone
from dltrain.config.reading import (
    Context,
    is_absent,
    is_none,
    is_removed,
    items_of,
    plain_block,
    read_block,
)
from dltrain.config.text.nodes import MappingNode, Node, ScalarNode
from dltrain.config.text.scalars import describe
from dltrain.config.types import (
    SEGMENTATION,
    CheckpointConfig,
    Component,
    DataConfig,
    LossConfig,
    MembersConfig,
    PhaseConfig,
    TrainingConfig,
)
from dltrain.storage.layout import is_taken
from dltrain.wording import did_you_mean, one_of

MONITORING = ("early_stopping", "reduce_lr_on_plateau")


def read_training(context: Context, node: Node | None, data: DataConfig) -> TrainingConfig | None:
    """The `training:` block as a `TrainingConfig`, None for `training: none`; what is wrong with it is noted."""
    if is_none(node):
        return None
    special: dict[str, Any] = {
        "optimizer": lambda value, path: _read_optimizer(context, value, path),
        "loss": lambda value, path: _read_loss(context, value, path, data),
        "metrics": lambda value, path: _read_metrics(context, value, path),
        "checkpoint": lambda value, path: _read_checkpoint(context, value, path),
        "members": lambda value, path: _read_members(context, value, path),
        "track": lambda value, path: _read_track(context, value, path),
    }
    for key, callback in CALLBACKS.items():
        special[key] = lambda value, path, callback=callback: _read_callback(context, value, path, callback)
    special["phases"] = lambda value, _path: value
    values = read_block(context, node, "training", special)
    phases = values.pop("phases", None)
    config = TrainingConfig(**values)
    block = node if isinstance(node, MappingNode) else MappingNode()
    config = _settle_monitors(context, block, config, data)
    _check_warmup(context, block, config)
    if phases is None:
        return with_optimizer_keys(context, block, config)

    def settle(phase: MappingNode, given: dict[str, Any], path: str) -> dict[str, Any]:
        return _settle_callbacks(context, phase, given, path, _history_names(config, data), _is_validated(config, data))

    found = read_phases(context, phases, "training.phases", special, settle)
    return with_optimizer_keys(context, block, config if found is MISMATCH else replace(config, phases=found))


def _check_warmup(context: Context, node: MappingNode, config: TrainingConfig) -> None:
    """Refuse a warm-up beside what sets the rate by itself."""
    if config.warmup is None:
        return
    reason = why_no_warmup(config.optimizer)
    if reason is None and config.reduce_lr_on_plateau is not None:
        reason = "a rate that is warmed up is a schedule, which reduce_lr_on_plateau cannot lower"
    if reason is not None:
        context.faults.add(node.entries.get("warmup", node), "training.warmup", reason, "leave one of the two out")


def _read_optimizer(context: Context, node: Node, path: str) -> Any:
    """The optimizer, with its `groups` among the arguments."""
    groups: list[Any] = []

    def read(node: Node, where: str) -> None:
        if not is_absent(node):
            groups.append(read_groups(context, node, where))

    extras = {"groups": read}
    component = read_component(context, ("optimizer",), node, path, extras)
    if component is None:
        return MISMATCH
    given = [found for found in groups if found is not MISMATCH and found]
    return replace(component, arguments={**component.arguments, "groups": given[0]}) if given else component


def _read_loss(context: Context, node: Node, path: str, data: DataConfig) -> Any:
    """One loss, or a mapping from targets to losses; a single key is a loss if Keras has one of that name and no target does."""
    if not isinstance(node, MappingNode):
        return _loss_of(context, node, path)
    names = list(node.entries)
    if (
        len(names) == 1
        and names[0] not in data.target
        and (context.catalog.find("loss", names[0]) or not data.target or len(data.target) == 1)
    ):
        return _loss_of(context, node, path)
    losses: dict[str, LossConfig] = {}
    for name, value in node.entries.items():
        if is_removed(value):
            continue
        where = f"{path}.{name}"
        if data.target and name not in data.target:
            hint = did_you_mean(name, data.target) or f"data.target: {one_of(data.target)}"
            context.faults.add(node.keys[name], where, f"{name} is no target of the data", hint, word=value.word)
            continue
        loss = _weighted_loss(context, value, where)
        if isinstance(loss, LossConfig):
            losses[name] = loss
    for target in data.target:
        if len(data.target) > 1 and target not in node.entries:
            context.faults.add(node, path, f"no loss for the target {target}")
    return losses


def _loss_of(context: Context, node: Node, path: str) -> Any:
    component = read_component(context, ("loss",), node, path)
    return MISMATCH if component is None else LossConfig(component)


def _weighted_loss(context: Context, node: Node, path: str) -> Any:
    """A loss with, in a mapping of two keys, its `weight`."""
    if not isinstance(node, MappingNode) or "weight" not in node.entries:
        return _loss_of(context, node, path)
    weight = context.read(parse_kind("number>=0"), node.entries["weight"], f"{path}.weight")
    entries = {name: value for name, value in node.entries.items() if name != "weight"}
    if set(entries) == {"loss"}:
        loss = _loss_of(context, entries["loss"], path)
    else:
        loss = _loss_of(context, MappingNode(node.place, node.word, node.parameter, entries, node.keys), path)
    return loss if loss is MISMATCH or weight is MISMATCH else LossConfig(loss.component, float(weight))


def _read_metrics(context: Context, node: Node, path: str) -> Any:
    items = items_of(context, node, path, "metrics", f"[{node.text}]" if isinstance(node, ScalarNode) else "[accuracy, AUC]")
    if items is None:
        return MISMATCH
    components: list[Component] = []
    names: dict[str, int] = {}
    for index, item in enumerate(items):
        component = read_component(context, ("metric", "loss"), item, f"{path}.{index}")
        if component is None:
            continue
        name = metric_name(component)
        if name in names:
            context.faults.add(item, f"{path}.{index}", f"the metric {name} stands twice", "give one of them a `name`")
        names[name] = index
        components.append(component)
    return tuple(components)


def _read_callback(context: Context, node: Node, path: str, name: str) -> Any:
    """The arguments of a Keras callback: a mapping, `true` for the defaults; `false` or nothing: None."""
    if isinstance(node, ScalarNode) and isinstance(node.value, bool):
        return {} if node.value else None
    if not isinstance(node, MappingNode):
        meant = from_alone(name, node.value) if isinstance(node, ScalarNode) else None
        hint = None if meant is None else f"write {path}: {meant}"
        return context.misfit(node, path, f"the arguments of {name} as a mapping, true or false", hint)
    wrapped = MappingNode(node.place, node.word, node.parameter, {name: node}, {name: node.place})
    component = read_component(context, ("callback",), wrapped, path)
    folder = node.entries.get("log_dir")
    if component is not None and folder is not None:
        name = str(component.arguments.get("log_dir", ""))
        wrong = None if stays_inside(name) else "inside of the run"
        wrong = wrong or ("of its own in the run" if name and is_taken(name) else None)
        wrong = wrong or ("with a shorter name" if max(len(part.encode()) for part in name.split("/")) > LONGEST_NAME else None)
        if wrong is not None:
            message = f"expected a folder {wrong}, found {describe(folder.plain())}"
            context.faults.add(folder, f"{path}.log_dir", message, "such as tensorboard")
            return MISMATCH
    return MISMATCH if component is None else dict(component.arguments)


def _read_checkpoint(context: Context, node: Node, path: str) -> Any:
    if isinstance(node, ScalarNode) and isinstance(node.value, bool):
        if not node.value:
            context.faults.add(
                node, path, "checkpoints cannot be switched off: a run keeps its best and its last", "leave `checkpoint` out"
            )
            return MISMATCH
        return CheckpointConfig()
    values = read_block(context, node, path, {})
    filepath = values.get("filepath")
    if filepath and "format" not in values:
        values["format"] = format_of(filepath) or "h5"
    elif filepath and format_of(filepath) not in (values["format"], None):
        value = node.entries["filepath"] if isinstance(node, MappingNode) else node
        context.faults.add(
            value,
            f"{path}.filepath",
            f"expected a name that ends in .{values['format']}, as `format` says, found {describe(filepath)}",
        )
    if filepath and values.get("save_weights_only") and not filepath.endswith(".weights.h5"):
        value = node.entries["filepath"] if isinstance(node, MappingNode) else node
        context.faults.add(value, f"{path}.filepath", f"files of weights alone end in .weights.h5, found {describe(filepath)}")
    return CheckpointConfig(**values)


def _read_track(context: Context, node: Node, path: str) -> Any:
    """One tracker, or several."""
    found = context.read(parse_kind("'mlflow'|'wandb'|list('mlflow'|'wandb')"), node, path)
    return found if found is MISMATCH else tuple(dict.fromkeys([found] if isinstance(found, str) else found or ()))


def _read_members(context: Context, node: Node, path: str) -> Any:
    """How many members, or a mapping that says so."""
    if not isinstance(node, MappingNode):
        found = context.read(parse_kind("int>=1"), node, path)
        return found if found is MISMATCH else MembersConfig(found)
    config = MembersConfig(**read_block(context, node, path, {}))
    if config.folds is not None and config.number > 1:
        context.faults.add(node, path, "there are as many members as folds", "leave `number` out")
    elif config.member is not None and config.member > config.count:
        value = node.entries["member"]
        context.faults.add(value, f"{path}.member", f"expected at most {config.count:,}, found {config.member:,}")
    return config


def _settle_monitors(context: Context, node: MappingNode, config: TrainingConfig, data: DataConfig) -> TrainingConfig:
    """Checks the metrics that callbacks watch, and falls back from `val_loss` to `loss` where there is no validation part."""
    validated = _is_validated(config, data)
    metrics = _history_names(config, data)
    given = {key: getattr(config, key) for key in MONITORING}
    changes = _settle_callbacks(context, node, given, "training", metrics, validated)
    checkpoint = config.checkpoint
    if "checkpoint" in node.entries:
        block = node.entries["checkpoint"]
        entries = block.entries if isinstance(block, MappingNode) else {}
        if checkpoint.monitor is not None:
            check_metric(
                context.faults,
                entries["monitor"],
                "training.checkpoint.monitor",
                checkpoint.monitor,
                metrics,
                has_validation=validated,
            )
        elif checkpoint.save_best_only and not validated:
            changes["checkpoint"] = replace(checkpoint, monitor="loss")
        if checkpoint.filepath is not None:
            check_template(
                context.faults,
                entries["filepath"],
                "training.checkpoint.filepath",
                checkpoint.filepath,
                metrics,
                has_validation=validated,
            )
    return replace(config, **changes) if changes else config


def _is_validated(config: TrainingConfig, data: DataConfig) -> bool:
    """Whether there will be a validation part, of the run or of each of its members."""
    return has_validation(data) or config.members.folds is not None


def _settle_callbacks(
    context: Context, node: MappingNode, given: Mapping[str, Any], path: str, metrics: list[str] | None, validated: bool
) -> dict[str, Any]:
    """Checks the metrics that early stopping and the plateau watch; returns those whose monitor falls back to `loss`."""
    changes: dict[str, Any] = {}
    for key in MONITORING:
        arguments: Mapping[str, Any] | None = given.get(key)
        if arguments is None:
            continue
        if "monitor" in arguments:
            value = node.entries[key]
            monitor = value.entries.get("monitor", value) if isinstance(value, MappingNode) else value
            check_metric(
                context.faults, monitor, f"{path}.{key}.monitor", arguments["monitor"], metrics, has_validation=validated
            )
        elif not validated:
            changes[key] = {"monitor": "loss", **arguments}
    return changes


def _history_names(config: TrainingConfig, data: DataConfig) -> list[str] | None:
    """The names of the history without `val_`; None with several targets, whose names Keras makes up when it compiles."""
    if len(data.target) > 1 or isinstance(config.loss, Mapping):
        return None
    names = ["loss", *(metric_name(component) for component in config.metrics), "learning_rate"]
    # Accuracy is computed wherever there are classes, the mean absolute error where numbers have no metric of one's own; which of
    # both the target has is looked at when the data is.
    more = ["mean_iou"] if data.task == SEGMENTATION else [] if config.metrics else ["mean_absolute_error"]
    return list(dict.fromkeys([*names, "accuracy", *more]))


def plain_training(config: TrainingConfig | None) -> Any:
    """The block as plain values, with its defaults."""
    if config is None:
        return "none"
    given = plain_block(without_optimizer_keys(config), _plain, whole=True)
    if config.members.are_several and config.members.folds is None:
        given["members"] = config.members.number
    order = ("optimizer", "loss", "metrics")
    plain = {name: given.get(name, []) for name in order if name in given or name == "metrics"}
    return {**plain, **given, "checkpoint": plain_block(config.checkpoint, _plain, whole=True)}


def _plain(value: Any) -> Any:
    if isinstance(value, LossConfig):
        return plain_component(value.component)
    if isinstance(value, tuple) and value and isinstance(value[0], PhaseConfig):
        return [plain_phase(phase) for phase in value]
    if isinstance(value, Mapping) and any(isinstance(loss, LossConfig) for loss in value.values()):
        return {target: _plain_loss(loss) for target, loss in value.items()}
    return plain_value(value)


def _plain_loss(loss: LossConfig) -> Any:
    plain = plain_component(loss.component)
    if loss.weight == 1.0:
        return plain
    if isinstance(plain, str):
        plain = {plain: {}}
    return {**plain, "weight": loss.weight}
