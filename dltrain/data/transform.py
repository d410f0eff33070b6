"""scikit-learn transformers as steps of preprocessing: fitted on the training part, kept as plain values and arrays.

A step is rebuilt from the class that the table in `config/catalog/transformers.py` names, by its constructor's arguments and by
setting fitted attributes; nothing is unpickled, nothing that a file holds is called.
"""

from __future__ import annotations

import importlib
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.config.catalog.catalog import load_catalog
from dltrain.config.catalog.transformers import MOST_NUMBERS, TRANSFORMERS, too_wide
from dltrain.config.types import Component, DataConfig, config_fault
from dltrain.errors import ConfigError, Note, RunError, reason_of, warn

# Rows are transformed so many at a time, the last ones filled up: a row's numbers do not depend on its company.
BLOCK_ROWS = 256
_ATTRIBUTE = re.compile(r"_?[a-z][a-z0-9_]*")
_PLAIN = (bool, int, float, str, type(None))


@dataclass(frozen=True)
class FittedStep:
    """One fitted transformer.

    Attributes:
        name: scikit-learn's class.
        arguments: of its constructor.
        attributes: fitted: name -> plain value or array.
        width: numbers of a row that come out.
    """

    name: str
    arguments: Mapping[str, Any]
    attributes: Mapping[str, Any]
    width: int
    _estimators: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the numbers that the step gives."""
        return tuple(f"{self.name} {index}" for index in range(self.width))

    def transform(self, matrix: NDArray[np.float32]) -> NDArray[np.float32]:
        """float32 [rows, width] of float32 [rows, numbers].

        Raises:
            RunError: what was stored of the step does not work.
        """
        made = np.empty((len(matrix), self.width), np.float32)
        try:
            for start in range(0, len(matrix), BLOCK_ROWS):
                rows = np.minimum(np.arange(start, start + BLOCK_ROWS), len(matrix) - 1)
                block = np.asarray(self._estimator().transform(matrix[rows]))
                if block.shape != (BLOCK_ROWS, self.width):
                    raise ValueError(f"gives numbers of shape {block.shape[1:]}, expected ({self.width},)")
                made[start : start + BLOCK_ROWS] = block[: len(matrix) - start]
        except Exception as error:  # stored values may be anything; whatever scikit-learn makes of them is the reason
            reason = reason_of(error)
            raise RunError(f"the preprocessing step {self.name} cannot be used: {reason}", hint="the run is damaged") from error
        return made

    def _estimator(self) -> Any:
        if "it" not in self._estimators:
            estimator = _class_of(self.name)(**self.arguments)
            for name, value in self.attributes.items():
                setattr(estimator, name, value)
            self._estimators["it"] = estimator
        return self._estimators["it"]

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_estimators": {}}  # the estimator is made again where it is needed


def fit_steps(config: DataConfig, matrix: NDArray[np.float32], seed: int) -> tuple[tuple[FittedStep, ...], list[Note]]:
    """Fit the config's transformers one after the other.

    Args:
        config: its `transform`.
        matrix: scaled numbers of the training part [rows, numbers].
        seed: of their random draws, where they do not have their own.

    Returns:
        The fitted steps, and warnings.

    Raises:
        ConfigError: scikit-learn refuses arguments or data.
    """
    steps: list[FittedStep] = []
    notes: list[Note] = []
    for index, component in enumerate(config.transform):
        step, said = _fit_step(config, component, index, matrix, seed)
        steps.append(step)
        notes += said
        if index + 1 < len(config.transform):
            matrix = step.transform(matrix)
    return tuple(steps), notes


def _fit_step(
    config: DataConfig, component: Component, index: int, matrix: NDArray[np.float32], seed: int
) -> tuple[FittedStep, list[Note]]:
    entry = TRANSFORMERS[component.name]
    arguments = {name: tuple(value) if isinstance(value, list) else value for name, value in component.arguments.items()}
    if "random_state" in entry.arguments and arguments.get("random_state") is None:
        arguments["random_state"] = int(np.random.default_rng([seed, 0x5CE9, index]).integers(1 << 31))
    width = entry.width(arguments, matrix.shape[1], len(matrix))
    path = f"data.transform.{index}"
    expected = entry.width(arguments, matrix.shape[1], None)
    if width is not None and width > MOST_NUMBERS:
        raise ConfigError(config_fault(config, path, too_wide(component.name, matrix.shape[1])))
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            estimator = _class_of(component.name)(**arguments).fit(matrix)
            width = int(np.asarray(estimator.transform(matrix[:1])).shape[1])
        if expected not in (None, width):
            raise ValueError(f"{expected:,} numbers were asked for, {len(matrix):,} rows of {matrix.shape[1]:,} give {width:,}")
    except (ValueError, TypeError, ArithmeticError, MemoryError) as error:
        message = f"scikit-learn refuses {component.name}: {str(error).splitlines()[0] if str(error) else 'out of memory'}"
        raise ConfigError(config_fault(config, path, message)) from error
    said = {str(item.message).splitlines()[0] for item in caught if "onvergence" in item.category.__name__}
    attributes = _fitted_attributes(estimator, entry.bulk)
    notes = [warn(f"{component.name}: {text}", "not_converged") for text in sorted(said)]
    return FittedStep(component.name, arguments, attributes, width), notes


def _class_of(name: str) -> Any:
    return getattr(importlib.import_module(f"sklearn.{TRANSFORMERS[name].module}"), name)


def _fitted_attributes(estimator: Any, bulk: Sequence[str]) -> dict[str, Any]:
    """What fitting left, as plain values and arrays.

    Raises:
        TypeError: something else is among it (a mistake in our table, not the user's).
    """
    kept: dict[str, Any] = {}
    arguments = estimator.get_params(deep=False)
    for name, value in vars(estimator).items():
        if name in arguments or name in bulk:
            continue
        value = value.item() if isinstance(value, np.generic) else value
        if (isinstance(value, np.ndarray) and value.dtype.kind in "biuf") or isinstance(value, _PLAIN):
            kept[name] = value
        else:
            raise TypeError(f"{type(estimator).__name__}.{name} is {type(value).__name__}, which cannot be stored")
    return kept


def apply_steps(steps: Sequence[FittedStep], matrix: NDArray[Any]) -> NDArray[Any]:
    """Applies the fitted steps, such as PCA, to scaled numbers [rows, ...]: [rows, width]; without steps the input itself."""
    if not steps:
        return matrix
    matrix = np.ascontiguousarray(matrix, np.float32).reshape(len(matrix), -1)
    for step in steps:
        matrix = step.transform(matrix)
    return matrix


def describe_steps(steps: Sequence[FittedStep]) -> list[str]:
    """`then PCA: 20 numbers, BernoulliRBM: 100 numbers`."""
    return [f"then {', '.join(f'{step.name}: {step.width:,} numbers' for step in steps)} (scikit-learn)"] if steps else []


def steps_state(steps: Sequence[FittedStep]) -> tuple[list[dict[str, Any]], dict[str, NDArray[Any]]]:
    """Plain values and arrays that `steps_from` takes."""
    state: list[dict[str, Any]] = []
    arrays: dict[str, NDArray[Any]] = {}
    for index, step in enumerate(steps):
        held = {name: value for name, value in step.attributes.items() if isinstance(value, np.ndarray)}
        plain = {name: value for name, value in step.attributes.items() if name not in held}
        arguments = {name: list(value) if isinstance(value, tuple) else value for name, value in step.arguments.items()}
        state.append(
            {"name": step.name, "arguments": arguments, "width": step.width, "attributes": plain, "arrays": sorted(held)}
        )
        arrays |= {f"step_{index}_{name}": value for name, value in held.items()}
    return state, arrays


def steps_from(state: Any, arrays: Mapping[str, NDArray[Any]]) -> tuple[FittedStep, ...]:
    """What `steps_state` made, again. Any exception means that the state is damaged."""
    if not isinstance(state, list):
        raise TypeError("steps: expected a list")
    return tuple(_step_from(item, index, arrays) for index, item in enumerate(state))


def _step_from(item: Mapping[str, Any], index: int, arrays: Mapping[str, NDArray[Any]]) -> FittedStep:
    name, arguments, attributes, width = item["name"], item["arguments"], dict(item["attributes"]), item["width"]
    entry = load_catalog().find("transformer", str(name))
    if entry is None or entry.name != name or name not in TRANSFORMERS:
        raise ValueError(f"unknown transformer {str(name)[:40]!r}")
    if not isinstance(width, int) or not 0 < width <= MOST_NUMBERS:
        raise ValueError(f"{name}: {width!r} numbers")
    unknown = set(arguments) - set(entry.arguments)
    if unknown:
        raise ValueError(f"{name} takes no {sorted(unknown)[0][:40]}")
    for value in (*arguments.values(), *attributes.values()):
        numbers = isinstance(value, list) and all(isinstance(part, int | float) for part in value)
        if not isinstance(value, _PLAIN) and not numbers:
            raise TypeError(f"{name}: {type(value).__name__} among its values")
    for word in item["arrays"]:
        attributes[word] = arrays[f"step_{index}_{word}"]
        if attributes[word].dtype.kind not in "biuf":
            raise TypeError(f"{name}.{word}: expected numbers")
    if not all(_ATTRIBUTE.fullmatch(word) for word in attributes):
        raise ValueError(f"{name}: not the name of a fitted attribute")
    expected = _bounded_width(name, arguments, attributes)
    if expected is not None and expected != width:
        raise ValueError(f"{name}: {width} numbers, expected {expected}")
    given = {key: tuple(value) if isinstance(value, list) else value for key, value in arguments.items()}
    return FittedStep(name, given, attributes, width)


def _bounded_width(name: str, arguments: Mapping[str, Any], attributes: Mapping[str, Any]) -> int | None:
    """How many numbers the arguments say: what they would allocate must not be more than was stored."""
    before = attributes.get("n_features_in_")
    if not isinstance(before, int) or not 0 < before <= MOST_NUMBERS:
        raise ValueError(f"{name}: made for {before!r} numbers")
    return TRANSFORMERS[name].width(arguments, before, None)
