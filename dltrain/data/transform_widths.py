"""What scikit-learn transformers make of the data's shape, by arithmetic; scikit-learn is not imported."""

from __future__ import annotations

import math
from dataclasses import replace

from dltrain.config.catalog.transformers import MOST_NUMBERS, TRANSFORMERS, degrees, too_wide
from dltrain.config.types import DataConfig, config_fault
from dltrain.config.types.data import IMAGE
from dltrain.data.dataset import InputSpec, Schema
from dltrain.data.facts import DataFacts
from dltrain.errors import Fault, Note


def transformed_facts(config: DataConfig, facts: DataFacts) -> DataFacts:
    """What is known of the data behind `data.transform`; faults of its steps are added.

    Args:
        config: the `data:` block.
        facts: what is known of the data without these steps.
    """
    if not config.transform or facts.schema is None:
        return facts
    inputs, targets = facts.schema.inputs, facts.schema.targets
    spec = inputs[0]
    if spec.dtype != "float32" or spec.vocabulary_size is not None or (config.features or {}).get(spec.name) == IMAGE:
        return replace(facts, errors=(*facts.errors, nothing_to_transform(config)))
    width: int | None = math.prod(spec.shape)
    unit_range = spec.unit_range
    errors: list[Fault] = []
    notes = list(facts.notes)
    columns: tuple[str, ...] = ()
    for index, component in enumerate(config.transform):
        path, entry = f"data.transform.{index}", TRANSFORMERS[component.name]
        if entry.from_unit and not unit_range:
            message = f"{component.name} takes numbers between 0 and 1, but these are not scaled so"
            hint = f"say `data.scale: {'unit' if len(spec.shape) > 1 else 'minmax'}`"
            notes.append(Note(message, "warning", "not_scaled_to_unit", path, hint))
        before = width
        asked = component.arguments.get("n_components")
        if before is not None and entry.at_most == "width" and isinstance(asked, int) and asked > before:
            message = f"{component.name} cannot make {asked:,} components of {before:,} numbers"
            errors.append(config_fault(config, f"{path}.n_components", message))
        errors += _impossible(config, path, facts.rows.get("train") if facts.exact else None)
        width = None if before is None else entry.width(component.arguments, before, facts.rows.get("train"))
        if width is not None and before is not None and width > MOST_NUMBERS:
            errors.append(config_fault(config, path, too_wide(component.name, before)))
        unit_range = entry.to_unit
        columns = tuple(f"{component.name} {number}" for number in range(width or 0)) if (width or 0) <= MOST_NUMBERS else ()
    last = config.transform[-1].name
    if width is None or errors:
        if not errors:
            notes.append(Note(f"how many numbers {last} makes of a row is known when it is fitted"))
        return replace(facts, schema=None, errors=(*facts.errors, *errors), notes=tuple(notes))
    made = InputSpec("features", (width,), columns=columns, unit_range=unit_range)
    schema = Schema((made, *inputs[1:]), targets)
    return replace(facts, schema=schema, notes=(*notes, Note(f"transformed by {last}: {width:,} numbers a row")))


def nothing_to_transform(config: DataConfig) -> Fault:
    """The fault of steps for numbers where a table's features are none; columns of pictures stay as they are."""
    has_pictures = IMAGE in (config.features or {}).values()
    hint = "add a column of numbers to data.features, or leave it out" if has_pictures else "data.encode: one_hot"
    return config_fault(config, "data.transform", "there is no number to transform", hint)


def _impossible(config: DataConfig, path: str, rows: int | None) -> list[Fault]:
    """Faults of a step's arguments beside what its name and their types say."""
    component = config.transform[int(path.rpartition(".")[2])]
    name = TRANSFORMERS[component.name].at_most_rows
    asked = component.arguments.get(name)
    if rows is not None and isinstance(asked, int) and asked > rows:
        message = f"{component.name} cannot find {asked:,} {name.removeprefix('n_')} in the {rows:,} rows of the training part"
        return [config_fault(config, f"{path}.{name}", message)]
    if component.name == "PolynomialFeatures" and degrees(component.arguments) is None:
        message = f"expected a degree, or the least and the most, found {component.arguments['degree']}"
        return [config_fault(config, f"{path}.degree", message, "such as [1, 2]")]
    return []
