"""The run whose preprocessing is kept, and whether config and data fit it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dltrain.config import load_config
from dltrain.config.types import DataConfig, config_fault
from dltrain.config.types.key import default_of
from dltrain.data.preprocessing import ARRAYS_FILE, JSON_FILE, Preprocessing
from dltrain.data.series.preprocessing import SeriesPreprocessing
from dltrain.data.stored import load_preprocessing
from dltrain.data.tables.preprocessing import TablePreprocessing
from dltrain.errors import ConfigError, DltrainError, Fault
from dltrain.storage.run import Run
from dltrain.storage.stored import check_digest
from dltrain.storage.stored import digests as digests_of
from dltrain.wording import listed, shown

KEY = "data.preprocessing"
# What is learnt, and how: it is the run's, so that the config can only say the same.
_LEARNT = ("scale", "impute", "encode", "min_count", "embedding_size", "transform")
_TEXT = ("max_tokens", "standardize", "split", "vocabulary", "ngrams", "output_sequence_length")
_WINDOW = ("history", "sampling", "scale", "known", "static")
_KINDS = {"table": "a table", "pictures": "pictures", "series": "a series"}


@dataclass(frozen=True, slots=True)
class KeptRun:
    """A run whose preprocessing is kept.

    Attributes:
        folder: of the run.
        preprocessing: as it was fitted there.
    """

    folder: Path
    preprocessing: Preprocessing

    @property
    def name(self) -> str:
        """The name of the run as users type it."""
        return self.folder.name

    def fault(self, config: DataConfig, message: str, hint: str | None = None) -> Fault:
        """A fault of the key that names the run."""
        return config_fault(config, KEY, message, hint)

    def source(self) -> dict[str, Any]:
        """Which run it is, for the manifest: the folder, and the SHA-256 of what was read there."""
        files = [self.folder / JSON_FILE, self.folder / ARRAYS_FILE]
        return {"run": str(self.folder), "files": digests_of(self.folder, files)}


def read_kept(config: DataConfig) -> KeptRun | None:
    """The run that the config names, read; None where it names none.

    Raises:
        ConfigError: there is none, or it cannot be used.
    """
    if config.preprocessing is None:
        return None
    folder = Path(config.preprocessing).parent
    try:
        run = Run(folder)
        run.refuse_foreign_files()
        recorded = run.read_manifest().get("files") if run.manifest_file.exists() else None
        for file in (JSON_FILE, ARRAYS_FILE):
            check_digest(folder, folder / file, recorded)
        return KeptRun(folder, load_preprocessing(folder))
    except DltrainError as error:
        hint = error.faults[0].hint or "a run, as in model.weights; without the key the preprocessing is fitted to this data"
        said = f"the preprocessing of {shown(str(folder))} cannot be kept: {error.faults[0].message}"
        raise ConfigError(config_fault(config, KEY, said, hint)) from error


def check_kept(config: DataConfig) -> KeptRun | None:
    """`read_kept`, held against the block.

    Raises:
        ConfigError: it cannot be used, is of data of another kind, or the block asks for what was learnt otherwise there.
    """
    kept = read_kept(config)
    if kept is None:
        return None
    try:
        faults = list(_contradictions(config, kept))
    except DltrainError as error:
        said = f"the config of {shown(str(kept.folder))} cannot be used: {error.faults[0].message}"
        raise ConfigError(kept.fault(config, said, error.faults[0].hint)) from error
    if faults:
        raise ConfigError(faults)
    return kept


def require_kind(config: DataConfig, kept: KeptRun, kind: str) -> None:
    """Refuse a run on data of another kind (raises ConfigError)."""
    there = kept.preprocessing.kind
    if there != kind:
        said = f"{kept.name} was trained on {_KINDS[there]}, this is {_KINDS[kind]}"
        raise ConfigError(kept.fault(config, said, "leave it out: the preprocessing is then fitted to this data"))


def _contradictions(config: DataConfig, kept: KeptRun) -> Iterator[Fault]:
    """Faults of keys of the `data:` block that differ from those of the run."""
    written = kept.folder / "config.yaml"
    there = load_config(written).data if written.is_file() else None
    if there is not None:
        for name in _LEARNT:
            yield from _differing(config, kept, f"data.{name}", config, there, name)
        for name in _TEXT:
            yield from _differing(config, kept, f"data.text.{name}", config.text, there.text, name)
    preprocessing = kept.preprocessing
    if isinstance(preprocessing, SeriesPreprocessing) and config.series is not None:
        for name in _WINDOW:
            yield from _differing(config, kept, f"data.series.{name}", config.series, preprocessing.series, name, always=True)
    table = preprocessing.table if isinstance(preprocessing, SeriesPreprocessing) else preprocessing
    if isinstance(table, TablePreprocessing):
        yield from _other_features(config, kept, table)


def _differing(
    config: DataConfig, kept: KeptRun, path: str, here: Any, there: Any, name: str, *, always: bool = False
) -> Iterator[Fault]:
    """A fault where a key is given, or `always`, and is not what the run has."""
    said, was = getattr(here, name), getattr(there, name)
    is_given = path in config.places or said != "none"  # a network of `keras.applications` asks for pixels as they are
    if said == was or (not always and (said == default_of(here, name) or not is_given)):
        return
    told = _told(was)
    hint = "leave it out" if not always else f"write {path.rpartition('.')[2]}: {told}" if told else f"leave {KEY} out"
    what = f" ({told})" if told else ""
    yield config_fault(config, path, f"{KEY} keeps what {kept.name} has learnt, where this is something else{what}", hint)


def _told(value: Any) -> str:
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, tuple) and value and all(isinstance(item, str | int) for item in value):
        return f"[{', '.join(map(str, value))}]"
    return ""


def _other_features(config: DataConfig, kept: KeptRun, table: TablePreprocessing) -> Iterator[Fault]:
    """Features that the config names and the run does not have, or the other way round, or of another kind; and other roles."""
    kinds = {column.name: column.kind for column in table.features}
    for name, kind in (config.features or {}).items():
        if name not in kinds:
            yield config_fault(
                config, f"data.features.{name}", f"{name} is no feature of {kept.name}, whose preprocessing is kept"
            )
        elif kind not in (None, kinds[name]):
            message = f"{name} is a {kinds[name]} in {kept.name}, whose preprocessing is kept"
            yield config_fault(config, f"data.features.{name}", message, f"write {name}: {kinds[name]}")
    lacking = [name for name in kinds if name not in config.features] if config.features is not None else []
    if lacking:
        message = f"{kept.name}, whose preprocessing is kept, learns from {listed(lacking)} as well"
        yield config_fault(config, "data.features", message, "leave it out")
    is_series = config.series is not None
    roles = dict.fromkeys(config.drop, "data.drop") | ({} if is_series else dict.fromkeys(config.target, "data.target"))
    roles |= {config.weight: "data.weight"} if config.weight else {}
    roles |= dict.fromkeys(config.identifiers, "data.identifiers")
    splits = {key: getattr(config.split, key) for key in ("column", "group", "time")}
    roles |= {} if is_series else {name: f"data.split.{key}" for key, name in splits.items() if name}
    for name in kinds.keys() & roles.keys():
        message = f"{name} is a feature of {kept.name}, whose preprocessing is kept"
        yield config_fault(config, roles[name], message, f"leave {KEY} out: the preprocessing is then fitted to this data")
