"""`dltrain predict RUN`: predictions from raw input."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import click

from dltrain.cli.console import Console
from dltrain.cli.options import (
    PART_NAMES,
    BestTrialsOption,
    DataOption,
    ForceOption,
    ImagesOption,
    MoreDataArgument,
    RunArgument,
    RunsOption,
    SkipBrokenOption,
    TrustCodeOption,
)
from dltrain.cli.streams import discard
from dltrain.cli.typer_import import typer
from dltrain.errors import RunError, UsageError
from dltrain.storage.formats.other_files import DATA_SUFFIXES
from dltrain.wording import counted, one_line

if TYPE_CHECKING:
    from dltrain.evaluation.predictions.of_outputs import Predictions


PartOption = Annotated[
    str | None,
    typer.Option(
        click_type=PART_NAMES,
        help="The rows of this part of the run's data, with `row`, `true_<target>` and the `error` to sort by.",
    ),
]
WordOption = Annotated[list[str] | None, typer.Option("--word", metavar="W", help="A word, for a model of words (repeatable).")]
TopOption = Annotated[
    int | None,
    typer.Option("--top", min=1, metavar="K", help="The K most probable classes of each row: label_1, probability_1, label_2, …"),
]
StepsOption = Annotated[
    int | None,
    typer.Option(
        "--steps", min=1, metavar="N", help="Of a series: the N rows after the last one of --data, or of the run's own data."
    ),
]
SinceOption = Annotated[
    str | None, typer.Option("--since", metavar="TIME", help="With --steps: begin at this time, from the rows before it.")
]
LayerOption = Annotated[
    str | None, typer.Option("--layer", metavar="NAME", help="What this layer computes instead of the prediction.")
]
MasksOption = Annotated[
    Path | None,
    typer.Option("--masks", metavar="FOLDER", help="Where masks go (task: segmentation): a PNG of each picture's own size."),
]
TilesOption = Annotated[
    int | None,
    typer.Option(
        "--tiles",
        min=1,
        metavar="PIXELS",
        help="Large pictures in overlapping tiles so many pixels wide (task: segmentation), put together again.",
    ),
]
WindowsOption = Annotated[
    bool, typer.Option("--windows", help="Of series that have one label each: the answer of each window, not of each series.")
]
WeightsOption = Annotated[
    str | None,
    typer.Option(
        "--weights",
        metavar="WHICH",
        help="Of a run: best or last; if not given, its model. Of a stock network: imagenet (if not given) or a file.",
    ),
]
OutputOption = Annotated[
    str,
    typer.Option("--output", "-o", metavar="FILE|-", help="Where the predictions go; stdout if not given.", show_default=False),
]
FormOption = Annotated[
    str | None,
    typer.Option(
        "--format", click_type=click.Choice(["csv", "jsonl", "parquet", "npz"]), help="By FILE's suffix if not given, else csv."
    ),
]
RawOption = Annotated[
    bool,
    typer.Option(
        "--raw", help="Leave csv text that a spreadsheet would run as a formula (= + - @ in front) without an apostrophe."
    ),
]


def command(
    context: typer.Context,
    run: RunArgument,
    more_data: MoreDataArgument = None,
    data: DataOption = None,
    part: PartOption = None,
    word: WordOption = None,
    top: TopOption = None,
    trials: BestTrialsOption = None,
    steps: StepsOption = None,
    since: SinceOption = None,
    layer: LayerOption = None,
    masks: MasksOption = None,
    tiles: TilesOption = None,
    windows: WindowsOption = False,
    weights: WeightsOption = None,
    output: OutputOption = "-",
    form: FormOption = None,
    raw: RawOption = False,
    skip_broken: SkipBrokenOption = False,
    images: ImagesOption = None,
    force: ForceOption = False,
    runs: RunsOption = Path("runs"),
    trust_code: TrustCodeOption = False,
) -> int:
    """Predict from raw rows or pictures: the columns that name a row, `prediction`, and `probability_<label>` for each class.

    Where each pixel has a class, the share of each class in the picture; the masks themselves go to `--masks FOLDER`.
    A reconstruction gives the row again in its own units, and its `error`: the larger, the less it is like the training part.
    A picture that is asked about on a terminal is answered in one line; `--format` asks for the columns there as well.

    RUN is a path, `latest`, or the beginning of a run's name; or the name of a network of `keras.applications`, such as Xception,
    which names what pictures show by the classes of ImageNet.
    """
    from dltrain.cli.paths import data_words
    from dltrain.evaluation.predictions.files import choose_format
    from dltrain.storage.outputs import check_output

    console: Console = context.obj
    paths = data_words(data, more_data)
    asked = _Asked(
        weights, top, trials, layer, tuple(word or ()), skip_broken,
        tuple(images or ()), part, steps, since, masks, tiles, windows,
    )  # fmt: skip
    _refuse_rows(run, paths, asked)
    if output != "-":
        check_output(output, force=force, inputs=paths)
    if masks is not None:
        from dltrain.evaluation.masks.predicted import check_folder

        check_folder(masks, force=force, inputs=paths)
    to = _To(output, choose_format(output, form), form is not None, raw)
    path, result = _predict(console, run, runs, paths, asked)
    _give_out(console, path, result, to)
    return 0


@dataclass(frozen=True, slots=True)
class _To:
    """Where predictions go, and how they are written."""

    output: str
    form: str
    is_form_asked: bool
    raw: bool


def _give_out(console: Console, path: Path | str, result: Predictions, to: _To) -> None:
    """Write the predictions into the file, or to stdout."""
    from dltrain.evaluation.predictions.files import (
        control_notes,
        formula_notes,
        picture_lines,
        prediction_columns,
        row_documents,
        write_predictions,
    )

    columns = prediction_columns(result.identifiers, result.prediction, result.probabilities, result.columns)
    num_rows = len(next(iter(columns.values())))
    naming = len(result.identifiers)
    is_document = to.output == "-" and console.settings.json
    notes, is_terminal = list(result.notes), to.output == "-" and console.width is not None
    if to.form == "csv" and not is_document:
        notes += [*([] if to.raw else formula_notes(columns, naming)), *([] if is_terminal else control_notes(columns))]
    for note in notes:
        console.warning(note)
    document = {"status": "finished", "run": str(path), "rows": num_rows, "notes": notes}
    if is_document:
        console.document({**document, "predictions": row_documents(columns)})
        return
    console.close()
    if is_terminal and not to.is_form_asked and (lines := picture_lines(columns)):
        console.result("\n".join(lines))
        return
    try:
        write_predictions(to.output, columns, format=to.form, raw=to.raw, arrays=result.arrays, num_naming=naming)
    except BrokenPipeError:
        discard(sys.stdout)
    if to.output != "-":
        console.goes_on = True
        console.document({**document, "output": to.output, "format": to.form})
        console.result(f"{counted(num_rows, 'prediction')} in {one_line(to.output)}")


@dataclass(frozen=True, slots=True)
class _Asked:
    """The options of one call, beside the rows."""

    weights: str | None
    top: int | None
    trials: int | None
    layer: str | None
    words: tuple[str, ...]
    skip_broken: bool
    images: tuple[str, ...]
    part: str | None
    steps: int | None
    since: str | None
    masks: Path | None
    tiles: int | None
    windows: bool

    @property
    def of_masks(self) -> dict[str, Any]:
        """Options that are of masks, by name."""
        return {"--masks": self.masks, "--tiles": self.tiles}


def _refuse_rows(run: str, paths: Sequence[str], asked: _Asked) -> None:
    """Refuse options that name rows twice, or none."""
    if asked.part is not None and (paths or asked.words or asked.layer is not None):
        option = "--data" if paths else "--word" if asked.words else "--layer"
        raise UsageError(f"{option} and --part exclude each other", hint="--part takes the rows of the run's own data")
    if paths and asked.words:
        raise UsageError("--word and --data exclude each other")
    if asked.since is not None and asked.steps is None:
        raise UsageError("--since needs --steps", hint="--steps N says how many rows from that time on")
    if not paths and not asked.words and asked.part is None and asked.steps is None:
        hint = "name rows or pictures with --data PATH, or a part of the run's own data with --part"
        if Path(run).suffix.casefold() in DATA_SUFFIXES:
            hint = f"`dltrain predict RUN --data {run}`: the run comes first"
        raise UsageError("there is nothing to predict from", hint=hint)


def _predict(console: Console, run: str, runs: Path, paths: Sequence[str], asked: _Asked) -> tuple[Path | str, Predictions]:
    """The run's path, or the stock network's name, and what it says."""
    network = _stock_network(run, runs)
    if network is not None:
        return network, _ask_stock(console, network, paths, asked)
    from dltrain.model.keras_import import open_libraries_beside
    from dltrain.storage.run_list import find_run

    path = find_run(run, runs)
    open_libraries_beside("dltrain.evaluation.predictions.predict")
    from dltrain.evaluation.predictions.predict import predict

    if asked.weights not in (None, "best", "last"):
        raise UsageError(f"a run's --weights are best or last, found {asked.weights!r}")
    if asked.part is not None and asked.trials is not None:
        raise UsageError("--part and --trials exclude each other", hint="the average of several runs takes --data")
    if asked.steps is not None:
        return path, _ask_ahead(console, path, paths, asked)
    shared: dict[str, Any] = {"top": asked.top, "weights": asked.weights, "images": asked.images}
    shared |= {"threads": console.settings.threads, "reporter": console}
    of_masks = next((name for name, value in asked.of_masks.items() if value is not None), None)
    if asked.part is not None and of_masks is not None:
        raise UsageError(f"--part and {of_masks} exclude each other", hint="--data PATH takes the pictures")
    if asked.part is not None:
        from dltrain.evaluation.predictions.stored_part import predict_part

        return path, predict_part(path, asked.part, windows=asked.windows, **shared)
    more: dict[str, Any] = {"trials": asked.trials, "layer": asked.layer, "words": asked.words, "skip_broken": asked.skip_broken}
    more |= {"masks": asked.masks, "tiles": asked.tiles, "windows": asked.windows}
    return path, predict(path, data=paths, **more, **shared)


def _ask_ahead(console: Console, path: Path, paths: Sequence[str], asked: _Asked) -> Predictions:
    """Forecasts of the rows after the last ones of a series."""
    from dltrain.evaluation.predictions.ahead import predict_ahead

    given = {"--part": asked.part, "--word": asked.words, "--top": asked.top, "--layer": asked.layer, "--images": asked.images}
    given["--windows"] = asked.windows
    excluded = next((option for option, value in given.items() if value), None)
    if excluded is not None:
        raise UsageError(f"{excluded} and --steps exclude each other", hint="leave one of them out")
    assert asked.steps is not None
    shared: dict[str, Any] = {"threads": console.settings.threads, "reporter": console}
    return predict_ahead(path, asked.steps, since=asked.since, data=paths, weights=asked.weights, trials=asked.trials, **shared)


def _ask_stock(console: Console, network: str, paths: Sequence[str], asked: _Asked) -> Predictions:
    """What a network of `keras.applications` says."""
    given: dict[str, Any] = {"--word": asked.words, "--layer": asked.layer is not None, "--images": asked.images}
    given |= {"--part": asked.part, "--trials": asked.trials, "--steps": asked.steps, "--windows": asked.windows}
    given |= {name: value is not None for name, value in asked.of_masks.items()}
    if any(given.values()):
        option = next(name for name, is_given in given.items() if is_given)
        raise UsageError(f"{option} needs a run; {network} is a stock network", hint="leave it out")
    from dltrain.evaluation.predictions.predict_stock import predict_stock

    return predict_stock(
        network,
        data=paths,
        weights=asked.weights or "imagenet",
        top=asked.top,
        skip_broken=asked.skip_broken,
        threads=console.settings.threads,
        reporter=console,
    )


def _stock_network(run: str, runs: Path) -> str | None:
    """The network of `keras.applications` that the word names, if no run answers to it."""
    from dltrain.config.catalog.catalog import load_catalog
    from dltrain.storage.run_list import find_run, run_folders
    from dltrain.wording import did_you_mean

    catalog = load_catalog()
    entry = catalog.find("application", run)
    if entry is None:
        near = did_you_mean(run, catalog.names("application"))
        if near and not os.path.lexists(run) and not any(folder.name.startswith(run) for folder in run_folders(runs)):
            raise UsageError(f"no run answers to {run!r}, and there is no stock network of that name", hint=near)
        return None
    try:
        find_run(run, runs)
    except (UsageError, RunError):
        return entry.name
    return None
