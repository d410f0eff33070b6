"""What is said of an .npz archive when a config is begun from it."""

import numpy as np
import pytest

from dltrain.reporting import Reporter
from dltrain.starting.start import make_starter


class Listening(Reporter):
    def __init__(self):
        self.heard = []

    def warning(self, warning):
        self.heard.append(str(warning))


@pytest.mark.parametrize(
    ("lengths", "said"),
    [
        ({"x": 50, "y": 40}, ["x has 50 rows and y has 40 rows: `fit` refuses them until each row has its target"]),
        ({"x": 50, "y": 50}, []),
        (
            {"x_train": 50, "y_train": 50, "x_test": 20, "y_test": 30},
            ["x_test has 20 rows and y_test has 30 rows: `fit` refuses them until each row has its target"],
        ),
    ],
    ids=["another length", "the same length", "of a part"],
)
def test_inputs_and_targets_of_different_lengths_are_said(tmp_path, monkeypatch, lengths, said):
    monkeypatch.chdir(tmp_path)
    arrays = {
        name: np.random.default_rng(0).random((rows, 4)) if name.startswith("x") else np.arange(rows) % 3
        for name, rows in lengths.items()
    }
    np.savez("a.npz", **arrays)
    listening = Listening()
    make_starter("a.npz", reporter=listening)
    assert listening.heard == said


def test_what_a_fit_will_say_of_the_values_is_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    x = np.random.default_rng(0).random((200, 4))
    np.savez("a.npz", x=x, y=np.where(x[:, 2] > 0.5, "yes", "Yes "))
    listening = Listening()
    make_starter("a.npz", reporter=listening)
    assert any("different labels" in said for said in listening.heard)


def test_a14_rows_without_a_target_are_left_out_and_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    y = np.arange(60) % 3 * 1.0
    y[[4, 9]] = np.nan
    np.savez("a.npz", x=np.random.default_rng(0).random((60, 4)), y=y)
    text = make_starter("a.npz").text
    assert "  missing_target: drop            # rows without a value for the target are left out" in text
    assert "  task: classification            # 3 classes" in text
