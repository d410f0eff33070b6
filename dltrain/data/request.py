"""What a fit asks of the data, and the reading of it once for all fits that ask for the same."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

from dltrain.config.catalog.sources import is_generated
from dltrain.config.types import Config, DataConfig, ModelConfig
from dltrain.data.dataset import Dataset
from dltrain.data.load import SILENT, load_dataset, prepare, read_raw
from dltrain.data.tables.streamed.fit import why_streamed
from dltrain.reporting import Reporter


def data_for_model(data: DataConfig, model: ModelConfig) -> DataConfig:
    """The data block as the model needs it: a `keras.applications` body takes pixels unscaled and preprocesses them itself."""
    body = any(layer.component.kind == "application" for layer in model.layers)
    return replace(data, scale="none") if body and data.scale is None else data


@dataclass(frozen=True, slots=True)
class DataRequest:
    """The data of a fit.

    Attributes:
        data: the data block as the model needs it.
        seed: of the fit.
    """

    data: DataConfig
    seed: int

    @classmethod
    def of(cls, config: Config) -> DataRequest:
        """The data that a config asks for, as its model takes it."""
        return cls(data_for_model(config.data, config.model), config.seed)

    @property
    def key(self) -> str:
        """Requests with equal keys get the same data set, to the bit."""
        # With a seed of its own the split is the same for every fit, unless something else is drawn as well.
        fixed = self.data.split.seed is not None and not is_generated(self.data.source) and not self.data.transform
        return repr((replace(self.data, places={}), None if fixed else self.seed))

    @property
    def files_key(self) -> str:
        """A key that requests share where they read the same rows from the same files, however these are split."""
        split = replace(self.data.split, seed=None, fold=None)
        return repr((replace(self.data, places={}, split=split), self.seed if is_generated(self.data.source) else None))

    @property
    def is_shared(self) -> bool:
        """Whether the data is held in memory, where several fits can have it; else each reads its own from disk."""
        return not why_streamed(self.data)

    @property
    def has_more_folds(self) -> bool:
        """Whether a further fold is likely to be asked for."""
        return self.data.split.fold is not None and self.data.split.fold != self.data.split.folds


class SharedReader:
    """Loads data sets, one after the other; files are read once for requests that differ in their parts alone."""

    def __init__(self) -> None:
        self._raws: dict[str, Any] = {}

    def load(self, request: DataRequest, *, reporter: Reporter = SILENT, coming: Collection[DataRequest] = ()) -> Dataset:
        """As `load_dataset`, and the same to the bit.

        Args:
            request: what to load.
            reporter: hears of the stages.
            coming: what will be asked for after it, as far as that is known.

        Raises:
            DataError, ConfigError: as `load_dataset`.
        """
        if not request.is_shared or (request.data.split.folds is not None and request.data.split.fold is None):
            return load_dataset(request.data, seed=request.seed, reporter=reporter)
        key = request.files_key
        raw, details = self._raws.get(key) or read_raw(request.data, seed=request.seed, reporter=reporter)
        wanted = {other.files_key for other in coming} | ({key} if request.has_more_folds else set())
        self._raws = {name: value for name, value in (self._raws | {key: (raw, details)}).items() if name in wanted}
        return prepare(request.data, raw, details, seed=request.seed, reporter=reporter)
