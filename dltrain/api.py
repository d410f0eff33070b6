"""The Python interface: what the command line does, with paths and `KEY=VALUE` words, or with what Python holds.

    import dltrain

    result = dltrain.fit("config.yaml", "training.epochs=5")
    dltrain.evaluate(result.run).metrics["accuracy"]
    dltrain.predict(result.run, frame).to_frame()
    dltrain.load_run(result.run).history

Nothing heavy is imported before a function is called.
"""

from __future__ import annotations

import datetime
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from numbers import Number
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from dltrain.errors import UsageError
from dltrain.guest import as_guest
from dltrain.later import polars
from dltrain.options import options_of, path_of, words_of
from dltrain.reporting import told
from dltrain.settings import trusting_code
from dltrain.wording import named

if TYPE_CHECKING:
    from dltrain.config.types import Config
    from dltrain.evaluation.evaluate import EvaluateResult
    from dltrain.evaluation.load_run import StoredRun
    from dltrain.evaluation.predictions.of_outputs import Predictions
    from dltrain.sweep.compare import CompareResult
    from dltrain.sweep.sweep import SweepResult
    from dltrain.training.result import FitResult

RUNS = Path("runs")
# What a cell of a table may hold: texts, numbers, dates and times.
_CELLS = (str, bytes, Number, datetime.date, datetime.time, datetime.timedelta, type(None))


# What describes an experiment: a YAML file, the same as a mapping, or what `load_config` gave.
Experiment: TypeAlias = "Config | Mapping[str, Any] | str | os.PathLike[str]"


class LoadedRun:
    """A run on disk, ready to be asked. Reading it executes nothing.

    Attributes:
        path: its directory; of a sweep, that of its best trial.
        config: as it was trained, every default written out.
        manifest: how it came about.
        stored: the same for those who want the Keras model: `stored.build(stored.checkpoint(None)[1])`.
    """

    def __init__(self, stored: StoredRun) -> None:
        self.stored = stored
        self.path: Path = stored.run.path
        self.config: Config = stored.config
        self.manifest: Mapping[str, Any] = stored.manifest

    def __repr__(self) -> str:
        return f"LoadedRun({str(self.path)!r})"

    @property
    def history(self) -> polars.DataFrame:
        """One row an epoch: epoch, Keras's names of loss and metrics, learning_rate, seconds."""
        self.stored.run.check_file(self.stored.run.history_file)
        return polars.read_csv(self.stored.run.history_file, infer_schema_length=None)

    @property
    def metrics(self) -> Mapping[str, Mapping[str, float]]:
        """Part -> metric -> value, as the fit ended with."""
        found: Mapping[str, Mapping[str, float]] = self.stored.run.read_metrics().get("metrics", {})
        return found

    def checkpoint(self, weights: str | None = None) -> tuple[str, Path]:
        """Name and file of the weights: "best", "last", or None for the run's own."""
        return self.stored.checkpoint(weights)

    def build(self, weights: Path | None = None, *, layer: str | None = None, trust_code: bool = False) -> Any:
        """The Keras model, which takes preprocessed input; without a file with the run's own weights."""
        with trusting_code(trust_code), as_guest():
            return self.stored.build(weights or self.stored.checkpoint(None)[1], layer=layer)

    def predict(self, data: Any = (), **options: Any) -> Predictions:
        """As `dltrain.predict` of this run."""
        return predict(self.path, data, **options)

    def evaluate(self, data: Any = (), **options: Any) -> EvaluateResult:
        """As `dltrain.evaluate` of this run."""
        return evaluate(self.path, data, **options)


def fit(config: Experiment | None = None, *overrides: str, trust_code: bool = False, **options: Any) -> FitResult:
    """Train what a config describes and write a run directory.

    Args:
        config: a YAML file; the same as a mapping, whose paths begin in the working directory; or what `load_config` gave.
            None with `resume`: that of the run.
        overrides: `KEY=VALUE` words, such as "training.epochs=5"; for a file or a mapping.
        trust_code: import the own code that the config brings along.
        options: of `dltrain.training.fit.fit`: `run_dir`, `runs`, `resume`, `require`, `threads`, `reporter`.

    Returns:
        With `run`, `metrics`, `baseline`, `epochs`, `weights`.

    Raises:
        DltrainError: ConfigError, DataError, DivergedError, ...: each with `faults` and `exit_code`.
    """
    from dltrain.training.fit import fit as train
    from dltrain.training.session import FitOptions

    given = options_of("fit", options, train, FitOptions)
    with trusting_code(trust_code), as_guest():
        return train(_config(config, overrides, given.get("resume")), **given)


def sweep(config: Experiment | None = None, *overrides: str, trust_code: bool = False, **options: Any) -> SweepResult:
    """Run many fits of a config.

    Args:
        config: as for `fit`; None with `resume`.
        overrides: as for `fit`.
        trust_code: as for `fit`.
        options: of `dltrain.sweep.sweep.sweep`: `over` (such as ["training.batch_size=8,16"]), `strategy`, `trials`, `metric`,
            `jobs`, `engine`, `run_dir`, `runs`, `resume`, `require`, `threads`, `reporter`.

    Returns:
        With `run`, `trials`, `best`.

    Raises:
        DltrainError: as for `fit`.
    """
    from dltrain.sweep.plan import SweepOptions
    from dltrain.sweep.sweep import sweep as run_sweep

    given = options_of("sweep", options, run_sweep, SweepOptions)
    with trusting_code(trust_code), as_guest():
        return run_sweep(None if config is None else _config(config, overrides), **given)


def evaluate(run: str | os.PathLike[str], data: Any = (), *, trust_code: bool = False, **options: Any) -> EvaluateResult:
    """Compute the metrics of a run, on a part of its data or on other data.

    Args:
        run: a path, "latest", or the beginning of a run's name in `runs`.
        data: nothing: the run's own data; else as for `predict`, with the target.
        trust_code: import the own code that the run brings along.
        options: of `dltrain.evaluation.evaluate.evaluate`: `part`, `weights`, `require`, `threshold`, `allow_changed`,
            `threads`, `reporter`.

    Raises:
        DltrainError: as for `fit`.
    """
    from dltrain.evaluation.asked_rows import MeasuredRows
    from dltrain.evaluation.evaluate import evaluate as measure

    path, given = find(run), options_of("evaluate", options, measure, MeasuredRows)
    with trusting_code(trust_code), as_guest(), _as_paths(path, data) as paths:
        return told(measure, path, data=paths, **given)


def predict(run: str | os.PathLike[str], data: Any = (), *, trust_code: bool = False, **options: Any) -> Predictions:
    """Predict from raw rows or pictures.

    Args:
        run: a path, "latest", or the beginning of a run's name in `runs`.
        data: a path or several; a frame of pandas or polars, or a mapping column -> values; a list of rows, each a mapping
            column -> value, with gaps where it lacks one; an array [rows, ...]: pictures or what else an npz file would hold,
            or rows of a table in the order of the run's features.
        trust_code: import the own code that the run brings along.
        options: of `dltrain.evaluation.predictions.predict.predict`: `weights`, `top`, `layer`, `words`, `threads`, `reporter`;
            of a series also `steps`, so many rows after the last one of the data, and `since`.

    Returns:
        With `prediction`, `probabilities`, `columns`, `warnings`, and all of it as a frame of polars by `to_frame()`.

    Raises:
        DltrainError: as for `fit`.
    """
    from dltrain.evaluation.asked_rows import OtherRows
    from dltrain.evaluation.predictions.ahead import predict_ahead
    from dltrain.evaluation.predictions.predict import predict as ask

    path = find(run)
    if options.get("since") is not None and options.get("steps") is None:
        raise UsageError("since needs steps", hint="steps=N says how many rows from that time on")
    if options.get("steps") is not None:
        ask = predict_ahead  # type: ignore[assignment]
        given = options_of("predict, of steps,", options, predict_ahead, ("threads", "reporter"))
    else:
        asked = {name: value for name, value in options.items() if name not in ("steps", "since")}
        given = options_of("predict", asked, ask, OtherRows, ("steps", "since"))
    with trusting_code(trust_code), as_guest(), _as_paths(path, data) as paths:
        return told(ask, path, data=paths, **given)


def compare(*runs: Any, **options: Any) -> CompareResult:
    """Put runs side by side.

    Args:
        runs: paths or names of runs, each by itself or all in one list.
        options: of `dltrain.sweep.compare.compare`: `picture`, `metric`, `force`.

    Raises:
        DltrainError: as for `fit`.
    """
    from dltrain.sweep.compare import compare as put_together

    return put_together([find(word) for word in _words(runs)], **options_of("compare", options, put_together))


def _words(runs: Sequence[Any]) -> list[Any]:
    """Runs that are given each by itself, or all in one list."""
    return [word for item in runs for word in ([item] if isinstance(item, (str, os.PathLike)) else item)]


def report(*runs: Any, output: str | os.PathLike[str] | None = None, against: Any = None, form: str | None = None) -> str:
    """One page of a run, a sweep or several runs.

    Args:
        runs: paths or names of runs, each by itself or all in one list.
        output: a file to write it to; one that is there is not replaced.
        against: an older run or sweep to compare with.
        form: "html" or "md"; None: by the file's suffix, else md.

    Returns:
        The page's text.

    Raises:
        DltrainError: as for `fit`.
    """
    from dltrain.cli.reports.html import render_html
    from dltrain.cli.reports.markdown import render_markdown
    from dltrain.cli.reports.several import form_of, page_of
    from dltrain.storage.atomic import write_atomically
    from dltrain.storage.outputs import check_output

    if not _words(runs):
        raise UsageError("a run is needed", hint='such as report("runs/iris")')
    form = form_of(os.fspath(output or ""), form, "md")
    if output is not None:
        check_output(os.fspath(output), force=False)
    page = page_of([find(word) for word in _words(runs)], None if against is None else find(against))
    text = render_html(page) if form == "html" else render_markdown(page)
    if output is not None:
        write_atomically(Path(output).resolve(), text.encode("utf-8", errors="replace"))
    return text


def load_run(run: str | os.PathLike[str]) -> LoadedRun:
    """A run from disk. Executes nothing.

    Args:
        run: a path, "latest", or the beginning of a run's name in `runs`.

    Returns:
        With `config`, `manifest`, `history`, `metrics`, `predict(data)`, `evaluate(data)`, and the Keras model by `build()`.

    Raises:
        DltrainError: as for `fit`.
    """
    from dltrain.evaluation.load_run import load_run as read

    return LoadedRun(read(find(run)))


def find(run: str | os.PathLike[str]) -> Path:
    """The run's directory, by its path or by a word as on the command line."""
    if not isinstance(run, str):
        return path_of("run", run, 'such as load_run("latest")')
    from dltrain.storage.run_list import find_run

    return find_run(run, RUNS)


def _config(config: Experiment | None, overrides: Sequence[str], resumed: Any = None) -> Config:
    from dltrain.config import dump_yaml, load_config, load_config_text
    from dltrain.config.text.from_python import plain_mapping
    from dltrain.config.types import Config

    words_of("overrides", overrides)
    if config is None and isinstance(resumed, Path):
        from dltrain.evaluation.moved_data import refuse_strange_addresses

        found = load_config(str(resumed / "config.yaml"), overrides)
        refuse_strange_addresses(found.data, resumed, overrides, f"dltrain fit --resume {resumed}")
        return found
    if isinstance(config, Mapping):
        text = dump_yaml(plain_mapping(config))
        return load_config_text(text, file="<mapping>", folder=Path.cwd(), overrides=overrides)
    if isinstance(config, (str, os.PathLike)):
        return load_config(os.fspath(config), overrides)
    if not isinstance(config, Config):
        hint = 'such as fit("config.yaml"), or fit({"data": {...}, "model": {...}})'
        raise UsageError(f"expected a path, a mapping or a config, found {type(config).__name__}", hint=hint)
    if overrides:
        raise UsageError(
            f"a config that was loaded takes no overrides: {' '.join(map(str, overrides))}",
            hint="give them to load_config, or give the file's path",
        )
    return config


@contextmanager
def _as_paths(run: Path, data: Any) -> Iterator[tuple[str, ...]]:
    """Data as paths: its own, or that of a temporary file with what Python holds."""
    if isinstance(data, list) and not data:
        raise UsageError("expected rows, found an empty list", hint="such as predict(run, [{column: value}])")
    if isinstance(data, (str, os.PathLike)):
        yield (os.fspath(data),)
    elif isinstance(data, (list, tuple)) and all(isinstance(item, (str, os.PathLike)) for item in data):
        yield tuple(os.fspath(item) for item in data)
    else:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            file = _write(run, data, Path(folder))
            with named(file, f"the {type(data).__name__} given"):
                yield (file,)


def _write(run: Path, data: Any, folder: Path) -> str:
    """A Parquet file of a frame, or an npz file of an array."""
    import numpy as np

    given = type(data).__name__
    if isinstance(data, (list, tuple)) and all(isinstance(row, Mapping) for row in data):
        data = {name: [row.get(name) for row in data] for name in dict.fromkeys(name for row in data for name in row)}
    if isinstance(data, (np.ndarray, list, tuple)):
        array = np.asarray(data)
        if not array.size:
            raise UsageError(f"expected rows, found an empty {given}")
        names = _feature_names(run)
        if names is None:
            np.savez(folder / "rows.npz", x=array)
            return str(folder / "rows.npz")
        if array.ndim != 2 or array.shape[1] != len(names):
            shape = "x".join(map(str, array.shape))
            raise UsageError(f"expected rows of the {len(names)} columns {', '.join(names)}, found an array of {shape}")
        data = {name: array[:, index] for index, name in enumerate(names)}
    elif isinstance(data, polars.LazyFrame):
        data = data.collect()
    frame = data if isinstance(data, polars.DataFrame) else _frame(data)
    if not frame.height:
        raise UsageError(f"expected rows, found an empty {given}")
    frame.write_parquet(folder / "rows.parquet")
    return str(folder / "rows.parquet")


def _frame(data: Any) -> Any:
    """A frame of polars from one of pandas, or from a mapping of columns."""
    if not hasattr(data, "keys") or getattr(data, "ndim", 2) == 1:
        kind = type(data).__name__
        hint = "a single row: frame.iloc[[0]]" if kind == "Series" else "such as predict(run, frame)"
        raise UsageError(f"expected a path, a frame, a mapping, rows or an array, found {kind}", hint=hint)
    # The csv module leaves the mark at the beginning of a file in the first name.
    columns = [_column(str(name).removeprefix("\ufeff"), data[name]) for name in data.keys()]  # noqa: SIM118 - a frame's are no keys
    lengths = {column.name: len(column) for column in columns}
    if len(set(lengths.values())) > 1:
        found = ", ".join(f"{name} {length:,}" for name, length in lengths.items())
        raise UsageError(f"columns of one length were expected, found {found[:200]}", hint="a single row: {column: [value]}")
    return polars.DataFrame(columns)


def _column(name: str, values: Any) -> Any:
    """A column of polars from one of pandas, an array or a list; NaN, NaT and None are no value."""
    import numpy as np

    array = values.to_numpy() if hasattr(values, "to_numpy") else np.asarray(values)
    if array.dtype.kind in "OUS":
        plain = [None if value is None or value != value else value for value in array.tolist()]
        strange = next((value for value in plain if not isinstance(value, _CELLS)), None)
        if strange is not None:
            raise UsageError(f"{name}: expected values of a table, found {type(strange).__name__}", hint="numbers, texts, dates")
        return polars.Series(name, plain, strict=False)
    return polars.Series(name, array, nan_to_null=True)


def _feature_names(run: Path) -> list[str] | None:
    """The columns of a run on a table; None for pictures and arrays."""
    from dltrain.data.stored import load_preprocessing
    from dltrain.data.tables.preprocessing import TablePreprocessing
    from dltrain.storage.run_list import best_of_sweep

    preprocessing: Any = load_preprocessing(best_of_sweep(run))
    table = getattr(preprocessing, "table", preprocessing)
    return [column.name for column in table.features] if isinstance(table, TablePreprocessing) else None
