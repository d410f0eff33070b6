"""Rows with several labels, and groups of rows, dealt out so that each label has its share of every part.

Iterative stratification: Sechidis, Tsoumakas and Vlahavas, "On the Stratification of Multi-label Data", ECML PKDD 2011
(LNAI 6913, 145-158). The label of which the fewest rows are left is dealt out first, each of its rows to the part that lacks
that label most, of equal ones the part that lacks most rows. Unlike there, no part gets more rows than its size.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def deal_out(labels: NDArray[np.int8], sizes: Sequence[int], generator: np.random.Generator) -> NDArray[np.int64]:
    """The part of each row: int64 [rows].

    Args:
        labels: 1 where a row has a label [rows, labels].
        sizes: rows of each part; their sum is the number of rows.
        generator: decides which rows come first, and between parts that lack the same.
    """
    num_rows, num_labels = labels.shape
    order = generator.permutation(num_rows)
    has = labels[order] > 0
    counts = has.sum(axis=0)
    lacks = [[counts[label] * size / max(num_rows, 1) for size in sizes] for label in range(num_labels)]
    room = list(sizes)
    own = [np.flatnonzero(row).tolist() for row in has]
    part = np.full(num_rows, -1, np.int64)
    left = counts.copy()
    ties: list[float] = np.asarray(generator.random(num_rows)).tolist()
    while (left > 0).any():
        label = int(np.argmin(np.where(left > 0, left, num_rows + 1)))
        for row in np.flatnonzero(has[:, label] & (part < 0)).tolist():
            chosen = _lacking_most(lacks[label], room, ties[row])
            part[row] = chosen
            room[chosen] -= 1
            for other in own[row]:
                lacks[other][chosen] -= 1
                left[other] -= 1
    rest = np.flatnonzero(part < 0)
    part[rest] = np.repeat(np.arange(len(sizes)), room)
    found = np.empty(num_rows, np.int64)
    found[order] = part
    return found


def _lacking_most(lacks: Sequence[float], room: Sequence[int], tie: float) -> int:
    """The part with room that lacks the label most; of equal ones the one with the most room; of these as the tie says."""
    best = max((lacks[part], room[part]) for part in range(len(room)) if room[part] > 0)
    equal = [part for part in range(len(room)) if room[part] > 0 and (lacks[part], room[part]) == best]
    return equal[int(tie * len(equal))]


def deal_groups(groups: NDArray[np.int64], labels: NDArray[np.int64], shares: Sequence[float], seed: int) -> NDArray[np.int64]:
    """The part of each group: int64 [groups]; greedy, so that the shares of the classes are near those of all rows.

    Of several classes, or of many rows, groups come first, each to the part whose classes come nearest to what they should be.

    Args:
        groups: which group a row is of, from 0 on [rows].
        labels: which class a row is of, from 0 on [rows].
        shares: of the rows, of each part; their sum is 1.
        seed: decides which of like groups come first.
    """
    counts = np.zeros((int(groups.max(initial=-1)) + 1, int(labels.max(initial=0)) + 1))
    np.add.at(counts, (groups, labels), 1)
    wanted = np.outer(shares, counts.sum(axis=0))
    weights = 1 / np.maximum(counts.sum(axis=0), 1) ** 2
    order = np.random.default_rng([seed, 0x6E1]).permutation(len(counts))
    order = order[np.argsort(-(counts[order] ** 2 * weights).sum(axis=1), kind="stable")]
    part, lacks = np.zeros(len(counts), np.int64), wanted.copy()
    for group in order:
        # How much farther from what it should be a part is with the group than without, of all classes.
        farther = ((counts[group] * (counts[group] - 2 * lacks)) * weights).sum(axis=1)
        chosen = int(np.argmin(farther))
        part[group] = chosen
        lacks[chosen] -= counts[group]
    return part
