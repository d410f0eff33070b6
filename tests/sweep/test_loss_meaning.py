from __future__ import annotations

import pytest

from dltrain.config.catalog.loss_meaning import differing, is_loss, loss_meaning, penalties
from dltrain.config.types import Config
from dltrain.errors import ConfigError
from dltrain.sweep.checks import TrialChecks, read_facts_here
from dltrain.sweep.plan import base_text, plan_sweep, trial_config
from tests.training.support import config_of

TEXT = """
data: {source: iris, split: {test: 0.3}}
model: {layers: [{Dense: {units: 4, kernel_regularizer: {L2: {l2: 0.01}}}}]}
training: {epochs: 1, loss: mse}
"""


@pytest.mark.parametrize(
    ("override", "keys"),
    [
        ("training.loss=mean_squared_error", []),
        ("training.loss=mae", ["training.loss"]),
        ("training.loss={CategoricalCrossentropy: {label_smoothing: 0.1}}", ["training.loss"]),
        ("data.scale_target=true", []),
        ("data.scale_target=false", ["data.scale_target"]),
        ("data.scale_target=log", ["data.scale_target"]),
        ("training.optimizer=SGD", []),
        ("model.layers.0.units=8", []),
    ],
)
def test_losses_of_other_things_are_told_apart(override: str, keys: list[str]) -> None:
    assert differing([loss_meaning(config_of(TEXT, *words).resolved) for words in ([], [override])]) == keys


def test_penalties_are_part_of_a_loss() -> None:
    first = config_of(TEXT)
    assert penalties(first.resolved) == penalties(config_of(TEXT, "model.layers.0.units=8").resolved)
    assert penalties(first.resolved) != penalties(config_of(TEXT, "model.layers.0.kernel_regularizer.L2.l2=0.1").resolved)
    assert penalties(first.resolved) != penalties(config_of(TEXT, "model.layers+={ActivityRegularization: {l1: 0.1}}").resolved)


@pytest.mark.parametrize(
    ("name", "expected"), [("loss", True), ("val_loss", True), ("test.loss", True), ("log_loss", False), ("hamming_loss", False)]
)
def test_the_loss_itself_is_meant(name: str, expected: bool) -> None:
    assert is_loss(name) is expected


def _check(metric: str) -> None:
    config: Config = config_of(TEXT + f"sweep: {{metric: {metric}, parameters: {{training.loss: [mse, mae]}}}}")
    plan = plan_sweep(config)
    checks, text = TrialChecks(plan.config, read_facts_here, metric=plan.metric), base_text(plan.config)
    for number, loss in enumerate(("mse", "mae"), 1):
        checks.check(number, {"training.loss": loss}, lambda values: trial_config(plan, values, text))
    checks.raise_errors()


def test_trials_of_other_losses_are_not_compared_by_loss() -> None:
    _check("accuracy")
    with pytest.raises(ConfigError, match=r"trials that differ in training\.loss cannot be compared by loss"):
        _check("loss")
