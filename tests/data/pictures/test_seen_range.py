"""Arrays on another scale than those of the training."""

from __future__ import annotations

import numpy as np

from dltrain.data.pictures.seen_range import notes_of_another_scale, range_of


def test_one_number_far_out_is_no_other_scale() -> None:
    rng = np.random.default_rng(0)
    training, asked = rng.normal(size=(400, 8)), rng.normal(size=(50, 8))
    training[3, 4] = 5000
    seen = range_of(training, np.arange(400))
    assert notes_of_another_scale(range_of(asked, np.arange(50)), seen, asked.size) == []
    (note,) = notes_of_another_scale(range_of(255 * asked, np.arange(50)), seen, asked.size)
    assert "scaled otherwise" in note.text


def test_of_few_numbers_the_range_is_all_of_them() -> None:
    assert range_of(np.array([[0.0, 3.0], [255.0, 7.0]]), np.arange(2)) == (0.0, 255.0)
    assert range_of(np.zeros((0, 2)), np.arange(0)) is None
