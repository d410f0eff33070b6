"""Every trial's config is checked before the first trains."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from dltrain.checking.check import check_with_facts
from dltrain.checking.memory import as_refusal, own_bytes
from dltrain.checking.places import place_of
from dltrain.checking.result import Memory
from dltrain.config.catalog.loss_meaning import differing, is_loss, loss_meaning
from dltrain.config.types import Config, DataConfig
from dltrain.data.facts import DataFacts
from dltrain.errors import ConfigError, DataError, DltrainError, Fault
from dltrain.sweep.plan import TRIAL
from dltrain.sweep.space import show
from dltrain.wording import without_override

Facts = Callable[[DataConfig, int], DataFacts]


class TrialChecks:
    """Collects the faults of many trials, each once.

    Args:
        base: the config that they vary; it knows where keys stand.
        facts: what is known of data without reading all of it.
        choices: name -> choice -> the keys that it sets.
        refuses_large: a trial that takes more memory than the machine has is a fault.
        metric: what trials are compared by.

    Attributes:
        largest: config and memory of the trial that takes most, of those that were checked; None: nothing is known.
    """

    def __init__(
        self,
        base: Config,
        facts: Facts,
        *,
        choices: Mapping[str, Any] | None = None,
        refuses_large: bool = False,
        metric: str = "",
    ) -> None:
        self._base, self._choices, self._metric = base, choices or {}, metric
        self._meanings: list[dict[str, str]] = []
        self._facts = facts
        self._refuses_large = refuses_large
        self._known: dict[str, DataFacts] = {}
        self._found: dict[tuple[str, str | None], tuple[Fault, Mapping[str, Any], list[int], int]] = {}
        self._count = 0
        self.largest: tuple[Config, Memory] | None = None

    def check(self, number: int, parameters: Mapping[str, Any], make: Callable[[Mapping[str, Any]], Config]) -> Config | None:
        """Make a trial's config and check it; None where it has faults."""
        self._count += 1
        try:
            config = make(parameters)
        except ConfigError as error:
            self._note(number, parameters, error.faults, error.exit_code)
            return None
        data = config.data
        key = repr((replace(data, places={}, split=replace(data.split, fold=None)), config.seed))
        if key not in self._known:
            self._known[key] = self._facts(data, config.seed)
        # What is required of the best is asked of each: the names of its metrics are to be known before it trains.
        result = check_with_facts(replace(config, evaluation=self._base.evaluation), self._known[key])
        if result.errors:
            self._note(number, parameters, result.errors, result.exit_code)
            return None
        if result.too_large is not None and self._refuses_large:
            self._note(number, parameters, [as_refusal(result.too_large)], ConfigError.exit_code)
            return None
        self._meanings.append(loss_meaning(config.resolved))
        memory = result.memory
        if memory is not None and (self.largest is None or own_bytes(memory) > own_bytes(self.largest[1])):
            self.largest = config, memory
        return config

    def _note(self, number: int, parameters: Mapping[str, Any], faults: Iterable[Fault], exit_code: int) -> None:
        for fault in faults:
            message = without_override(fault.message)
            entry = self._found.setdefault((message, fault.path), (fault, parameters, [], exit_code))
            entry[2].append(number)

    def raise_errors(self) -> None:
        """Raise what was found.

        Raises:
            ConfigError: with each fault once, at the key that is swept over, or where the config has it.
            DataError: only the data is at fault.
        """
        if not self._found:
            return self._refuse_other_losses()
        faults, codes = [], set()
        texts = {TRIAL, *(place.file for place in self._base.places.values())}
        for (message, _), (fault, parameters, numbers, code) in self._found.items():
            codes.add(code)
            if len(numbers) < self._count:
                more = f" and {len(numbers) - 1} more" if len(numbers) > 1 else ""
                message = f"{message}, in trial {numbers[0]}{more} ({show(parameters)})"
                fault = replace(fault, message=message, path=fault.path)
                place = self._place(fault, parameters)
                fault = replace(fault, **place) if fault.line is None or fault.file in texts else fault
            elif fault.line is None or fault.file == TRIAL:
                fault = replace(fault, **self._place(fault, {}))
            faults.append(fault)
        error: type[DltrainError] = DataError if codes == {DataError.exit_code} else ConfigError
        raise error(faults)

    def _refuse_other_losses(self) -> None:
        """Refuse to call a trial the best by a loss that is another one in others: least squares, cross-entropy, other units."""
        keys = differing(self._meanings) if is_loss(self._metric) else []
        if keys:
            message = (
                f"trials that differ in {' and '.join(keys)} cannot be compared by {self._metric}: it is another number in each"
            )
            hint = "compare by what is the same in all, such as `--metric log_loss` or `accuracy` of classes, `rmse` of numbers"
            raise ConfigError(Fault(message, path="sweep.metric", hint=hint, **self._swept_place(keys)))

    def _swept_place(self, keys: Iterable[str]) -> dict[str, Any]:
        found = (self._base.places.get(f"sweep.parameters.{key}") for key in keys)
        place = next((place for place in found if place is not None and place.word is None), None)
        return {} if place is None else {"file": place.file, "line": place.line, "column": place.column}

    def _place(self, fault: Fault, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Where the swept key stands whose value is at fault; else where the config has the fault's key."""
        for name, value in parameters.items():
            for key in self._choices.get(name, {}).get(value, {}) if name in self._choices else ():
                place = self._base.places.get(f"sweep.choices.{name}.{value}.{key}")
                if place is not None and place.word is None and _concerns(fault.path or "", key):
                    return {"file": place.file, "line": place.line, "column": place.column}
            keys = self._base.parameter_keys.get(name.removeprefix("parameters."), (name,))
            place = self._base.places.get(f"sweep.parameters.{name}")
            if (
                place is not None
                and place.word is None
                and (len(parameters) == 1 or any(_concerns(fault.path or "", key) for key in keys))
            ):
                return {"file": place.file, "line": place.line, "column": place.column}
        found = place_of(self._base, fault.path or "")
        there = found is not None and found.word is None
        return (
            {"file": found.file, "line": found.line, "column": found.column} if found and there else {"file": None, "line": None}
        )


def _concerns(path: str, key: str) -> bool:
    """Whether a fault at a path is one of a swept key: at it, within it, or at the component that it is an argument of."""
    return path.startswith(key) or (path != "" and key.startswith(f"{path}."))


def read_facts_here(data: DataConfig, seed: int, *, reporter: Any = None) -> DataFacts:
    """What is known of the data; for a helper process."""
    from dltrain.data.look import read_facts

    return read_facts(data, seed=seed, fetch=False)
