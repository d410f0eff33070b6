"""The order of rows of stacked trials is that of their own fits, whatever the sizes of their parts."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dltrain.model.encode import EncodedPart
from dltrain.model.keras_import import import_keras
from dltrain.training.loop import epoch_order
from dltrain.training.stacked.rows import Orders, stack_parts

import_keras()


@given(
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=4),
    chosen=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=6),
    batch_size=st.integers(1, 12),
    epoch=st.integers(0, 3),
    shuffle=st.booleans(),
)
def test_orders(sizes: list[int], chosen: list[tuple[int, int]], batch_size: int, epoch: int, shuffle: bool) -> None:
    parts = []
    for number, size in enumerate(sizes):
        x = 1000.0 * number + np.arange(size, dtype="float32")[:, None]
        parts.append(EncodedPart((x,), (x,), None))
    places = [place % len(sizes) for place, _ in chosen]
    seeds = [seed for _, seed in chosen]
    part = stack_parts(parts, places)
    orders = Orders(part, seeds, batch_size=batch_size, shuffle=shuffle)
    found = orders.of(epoch)
    assert found.shape == (1 if orders.is_shared else len(chosen), orders.num_steps * batch_size)
    values = part.tensors.inputs[0].numpy()[:, 0]
    for index, (place, seed) in enumerate(zip(places, seeds)):
        own = found[0 if orders.is_shared else index]
        expected = 1000.0 * place + epoch_order(sizes[place], seed=seed, epoch=epoch, shuffle=shuffle)
        np.testing.assert_array_equal(values[own[: sizes[place]]], expected)
        assert (own < len(values)).all()
    assert orders.has_gaps == any(sizes[place] != orders.num_steps * batch_size for place in places)
