"""The best learning rate is not the one that jumps."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from dltrain.cli.sweep import trials_table
from dltrain.sweep.comparison import compare

STEADY = [1.0, 0.6, 0.45, 0.4]
JUMPING = [1.0, 0.3, 1.4, 0.38]


@pytest.fixture
def trials(tmp_path):
    def make(*facts, rate="training.optimizer.learning_rate"):
        made = []
        for number, (value, error, curve) in enumerate(facts, 1):
            path = tmp_path / str(number)
            path.mkdir(exist_ok=True)
            lines = "".join(f"{epoch},{loss}\n" for epoch, loss in enumerate(curve, 1))
            (path / "history.csv").write_text("epoch,val_loss\n" + lines)
            fit = SimpleNamespace(path=path)
            parameters = {rate: 10.0**-number}
            facts_of_trial = {"number": number, "parameters": parameters, "value": value, "standard_error": error, "fits": [fit]}
            made.append(SimpleNamespace(**facts_of_trial, status="finished", spread=None))
        plan = SimpleNamespace(mode="min", fits_per_trial=1, metric="loss", space=[SimpleNamespace(keys=(rate,))])
        return made, plan

    return make


def test_d9_of_two_within_chance_the_steadier_is_the_best(trials):
    made, plan = trials((0.38, 0.05, JUMPING), (0.40, 0.05, STEADY))
    found = compare(made, plan)
    assert found.best.number == 2
    assert found.lowest.number == 1
    assert "trial 1 (learning_rate=0.1) has the better loss, 0.38 against 0.4, which is within chance" in found.sentence(plan)


@pytest.mark.parametrize(
    "facts",
    [
        [(0.38, 0.01, JUMPING), (0.60, 0.01, STEADY)],  # better by more than chance
        [(0.38, None, JUMPING), (0.40, None, STEADY)],  # nothing is known of chance
        [(0.38, 0.05, STEADY), (0.40, 0.05, JUMPING)],
        [(0.38, 0.05, JUMPING), (0.40, 0.05, JUMPING)],
        [(0.38, 0.05, [1.0, 0.5, 0.52, 0.4]), (0.40, 0.05, STEADY)],  # steady enough
        [(1.099, 0.05, [1.099, 1.0990001, 1.0989999]), (1.099, 0.05, [1.099] * 3)],  # nothing was learnt
        [(0.38, 0.05, JUMPING), (0.40, 0.05, [0.4] * 4)],  # and what learnt nothing is not called steady
    ],
)
def test_d9_else_the_lowest_is(facts, trials):
    made, plan = trials(*facts)
    assert compare(made, plan).best.number == 1


def test_d9_other_keys_are_compared_by_their_values(trials):
    made, plan = trials((0.38, 0.05, JUMPING), (0.40, 0.05, STEADY), rate="training.batch_size")
    assert compare(made, plan).best.number == 1


def test_d9_the_table_shows_what_people_ask_for():
    trials = [
        {"number": 1, "parameters": {"a": 1}, "status": "finished", "value": 0.2, "metrics": {"validation": {"accuracy": 0.91}}},
        {"number": 2, "parameters": {"a": 2}, "status": "failed", "value": None, "metrics": {}},
    ]
    lines = trials_table(trials, "loss", trials[0]).splitlines()
    assert lines[0].split() == ["trial", "a", "status", "loss", "accuracy"]
    assert lines[1].split() == ["1", "1", "finished", "0.2000", "0.9100", "best"]
    assert "accuracy" not in trials_table(trials, "rmse", trials[0])
