"""Columns of a table put into named inputs (`model.inputs: {numbers: [age, hours], place: [zip]}`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dltrain.config.types import DataConfig, config_fault
from dltrain.data.columns.column import FeatureColumn
from dltrain.data.dataset import InputSpec
from dltrain.errors import ConfigError, Fault
from dltrain.wording import column_hint

if TYPE_CHECKING:
    from dltrain.data.arrays.disk_array import Array


@dataclass(frozen=True, slots=True)
class InputGroup:
    """One named input: either numbers and one-hot categories, or one column that is an input of its own.

    Attributes:
        name: of the input.
        columns: of the table.
    """

    name: str
    columns: tuple[str, ...]


def group_columns(config: DataConfig, columns: Sequence[FeatureColumn]) -> tuple[InputGroup, ...]:
    """The config's named inputs, held against the fitted columns; empty where it names none.

    Raises:
        ConfigError: a column that is not there, is in two inputs or in none, or cannot share its input.
    """
    groups = tuple(InputGroup(name, tuple(names)) for name, names in config.input_columns.items())
    if not groups:
        return ()
    by_name = {column.name: column for column in columns}
    faults: list[Fault] = []
    taken: dict[str, str] = {}
    for group in groups:
        path = f"model.inputs.{group.name}"
        for index, name in enumerate(group.columns):
            where = f"{path}.{index}"
            if name not in by_name:
                message = f"{name} is not a column that the model learns from"
                faults.append(config_fault(config, where, message, column_hint(name, list(by_name))))
            elif name in taken:
                other = "twice in this input" if taken[name] == group.name else f"in the input {taken[name]} already"
                faults.append(config_fault(config, where, f"the column {name} is {other}", "a column goes into one input"))
            taken.setdefault(name, group.name)
        own = [name for name in group.columns if name in by_name and by_name[name].is_embedded]
        if own and len(group.columns) > 1:
            faults.append(config_fault(config, path, *_alone(by_name[own[0]])))
    left = [name for name in by_name if name not in taken]
    if left:
        hint = f"add it to one of {', '.join(group.name for group in groups)}, or say `data.drop: [{left[0]}]`"
        many = "the columns " + ", ".join(left) + " are" if len(left) > 1 else f"the column {left[0]} is"
        faults.append(config_fault(config, "model.inputs", f"{many} in no input", hint))
    if faults:
        raise ConfigError(faults)
    return groups


def without_untaught(config: DataConfig, names: Collection[str]) -> DataConfig:
    """The config with its named inputs less the columns that are left out; an input of none but those stays, to be refused."""
    kept = {name: tuple(item for item in group if item not in names) for name, group in config.input_columns.items()}
    return replace(config, input_columns={name: group or config.input_columns[name] for name, group in kept.items()})


def _alone(column: FeatureColumn) -> tuple[str, str]:
    what, hint = column.by_kind.why_alone(column)
    return f"{column.name} cannot share an input: it is {what}", hint


def group_specs(groups: Sequence[InputGroup], columns: Sequence[FeatureColumn]) -> list[InputSpec]:
    """The inputs of the model."""
    by_name = {column.name: column for column in columns}
    specs = []
    for group in groups:
        members = [by_name[name] for name in group.columns]
        if members[0].is_embedded:
            specs.append(members[0].make_input(group.name))
            continue
        names = tuple(name for column in members for name in column.columns)
        unit_range = all(column.unit_range for column in members)
        specs.append(InputSpec(group.name, (len(names),), columns=names, unit_range=unit_range))
    return specs


def split_inputs(
    groups: Sequence[InputGroup], columns: Sequence[FeatureColumn], matrix: NDArray[np.float32], embedded: Mapping[str, Array]
) -> dict[str, Array]:
    """The inputs by name.

    Args:
        groups: from `group_columns`.
        columns: in the matrix's order.
        matrix: float32 [rows, numbers] of all columns.
        embedded: column -> array, of those that are inputs of their own.
    """
    places = group_places(groups, columns)
    return {name: embedded[found] if isinstance(found, str) else matrix[:, found] for name, found in places.items()}


def group_places(groups: Sequence[InputGroup], columns: Sequence[FeatureColumn]) -> dict[str, str | NDArray[np.int64]]:
    """Input -> which numbers of the matrix it takes, or the one column that it is."""
    starts, place = {}, 0
    for column in columns:
        starts[column.name] = np.arange(place, place + len(column.columns))
        place += len(column.columns)
    own = {column.name for column in columns if column.is_embedded}
    return {
        group.name: group.columns[0] if group.columns[0] in own else np.concatenate([starts[name] for name in group.columns])
        for group in groups
    }
