"""What a fit leaves to its helper process: reading the data and drawing."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import replace
from pathlib import Path

from dltrain.checking.check import check_dataset, raise_for_errors
from dltrain.config.types import Config, DataConfig, ModelConfig
from dltrain.data.dataset import Dataset
from dltrain.data.fold_reader import FoldReader
from dltrain.errors import Fault
from dltrain.evaluation.plots import plot_history
from dltrain.reporting import Reporter

# What a helper process read for one fold it keeps for the next.
_FOLDS = FoldReader()


def data_for_model(data: DataConfig, model: ModelConfig) -> DataConfig:
    """The data block as the model needs it: a `keras.applications` body takes pixels unscaled and preprocesses them itself."""
    body = any(layer.component.kind == "application" for layer in model.layers)
    return replace(data, scale="none") if body and data.scale is None else data


def load_and_check(data: DataConfig, config: Config, *, reporter: Reporter) -> tuple[Dataset, tuple[Fault, ...]]:
    """Read the data, hold the config against it, and say what is odd."""
    dataset = _FOLDS.load(data, seed=config.seed, reporter=reporter)
    return dataset, raise_for_errors(check_dataset(config, dataset)).warnings


def warm_up_plots(*, reporter: Reporter) -> None:
    """Import what drawing needs while training goes on elsewhere."""
    if "tensorflow" not in sys.modules:
        with contextlib.suppress(Exception):  # said where something is to be drawn
            import matplotlib.backends.backend_agg
            import matplotlib.figure  # noqa: F401


def plot(history: Path, picture: Path, title: str, best_epoch: int | None) -> None:
    """Draw the training history."""
    plot_history(history, picture, title=title, best_epoch=best_epoch)
