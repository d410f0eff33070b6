"""Data: read by a source, split into parts, preprocessed by statistics of the training part. Never imports Keras.

A source each stands in `sources`, what it gives in `tables`, `pictures`, `series` and `arrays`; what a column means in `columns`,
labels in `labels`, the preprocessing of an earlier run in `kept`. What needs numpy is loaded when it is first asked for, so that
a config can be checked without it. The model sees a `Dataset` alone; begin with `dataset.py`, then `load.py`; `new_rows.py` reads
for a run that is trained.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from dltrain.data.dataset import Dataset, InputSpec, Part, Schema, TargetSpec

if TYPE_CHECKING:
    from dltrain.data.load import load_dataset
    from dltrain.data.new_rows import read_part, read_words, skipping_broken, with_images
    from dltrain.data.preprocessing import Preprocessing

__all__ = [
    "Dataset",
    "InputSpec",
    "Part",
    "Preprocessing",
    "Schema",
    "TargetSpec",
    "load_dataset",
    "read_part",
    "read_words",
    "skipping_broken",
    "with_images",
]
_LATER = {
    "load_dataset": "load",
    "read_part": "new_rows",
    "read_words": "new_rows",
    "skipping_broken": "new_rows",
    "with_images": "new_rows",
    "Preprocessing": "preprocessing",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
