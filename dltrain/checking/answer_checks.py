"""Whether calibration and thresholds that a config asks for can be found."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dltrain.checking.places import fault
from dltrain.config.blocks.data_checks import has_validation
from dltrain.config.catalog.sources import SOURCES
from dltrain.config.types import RECONSTRUCTION, Config
from dltrain.data.facts import DataFacts
from dltrain.errors import Fault
from dltrain.model.heads.head import Head
from dltrain.wording import column_hint

THRESHOLD, CALIBRATE, SLICES = "evaluation.threshold", "evaluation.calibrate", "evaluation.slices"
FEW_ROWS = 1000  # for curves
# Keras's metrics of labels that go by another name than those that follow the threshold.
_AT_ONE_HALF = {
    "BinaryAccuracy", "CategoricalAccuracy", "SparseCategoricalAccuracy", "F1Score", "FBetaScore", "TruePositives",
    "TrueNegatives", "FalsePositives", "FalseNegatives", "BinaryIoU", "IoU", "MeanIoU", "OneHotIoU", "OneHotMeanIoU",
}  # fmt: skip


def check_answers(config: Config, facts: DataFacts, heads: Sequence[Head]) -> Iterator[Fault]:
    """Faults of `evaluation.threshold` and `evaluation.calibrate`, and warnings on metrics that they do not change.

    Args:
        config: from `load_config`.
        facts: of the data.
        heads: of the model; empty: not known.
    """
    wanted = config.evaluation
    if wanted.threshold is None and wanted.calibrate is None:
        return
    refused = list(_of_task(config, heads)) if heads else []
    yield from refused
    refused_paths = {item.path for item in refused}
    asked = [(THRESHOLD, wanted.threshold is not None and wanted.threshold.is_chosen), (CALIBRATE, wanted.calibrate is not None)]
    folds = config.training is not None and config.training.members.folds is not None
    for path, needs_rows in asked:
        if needs_rows and path not in refused_paths and not has_validation(config.data) and not folds:
            what = "a threshold is chosen" if path == THRESHOLD else "probabilities are calibrated"
            hint = "`data.split: {validation: 0.2}` keeps rows for it"
            hint += ", and `evaluation.threshold: 0.5` needs none" if path == THRESHOLD else ""
            yield fault(config, path, f"{what} on the validation part, and there is none", hint)
    if not refused:
        yield from _odd(config, facts)


def check_slices(config: Config, facts: DataFacts) -> Iterator[Fault]:
    """Columns of `evaluation.slices` by which no row can be cut: those not there, and any where rows are not told apart."""
    series, source = config.data.series, SOURCES.get(config.data.source)
    for column in config.evaluation.slices:
        path = f"{SLICES}.{column}"
        reason = _why_uncut(config, facts)
        if reason:
            yield fault(config, path, f"slices cut the rows of a part by its columns; {reason}", "leave it out")
        elif series is not None:
            if column not in series.id:
                hint = f"such as {series.id[0]}" if series.id else "the run has one series (data.series.id tells several apart)"
                yield fault(config, path, f"windows of series are cut by what tells these apart, not by {column}", hint)
        elif source is not None and source.holds != "table":
            message = f"slices cut the rows of a table by its columns; {config.data.source} is none"
            yield fault(config, path, message, "leave it out")
        elif facts.columns and not {column, column.strip()} & set(facts.columns):
            yield fault(config, path, f"there is no column {column} to cut by", column_hint(column, facts.columns))


def _why_uncut(config: Config, facts: DataFacts) -> str:
    """Why no threshold can be applied to the answers of single rows, in words; empty where one can."""
    from dltrain.data.tables.streamed.fit import why_streamed  # NumPy, which other configs need not

    task = facts.schema.targets[0].task if facts.schema is not None else config.data.task
    if task == RECONSTRUCTION:
        return "a reconstruction is judged as a whole"
    streamed = why_streamed(config.data)
    return f"this data stays on disk ({streamed})" if streamed else ""


def _of_task(config: Config, heads: Sequence[Head]) -> Iterator[Fault]:
    """Refusals by what is predicted."""
    wanted, name = config.evaluation, heads[0].targets[0].name
    classes = [head for head in heads if head.task == "classification"]
    if heads[0].is_multilabel:
        return
    if not classes:
        task = "the input is reconstructed" if heads[0].is_reconstruction else f"{name} is a number"
        task = "each pixel has a class" if heads[0].is_mask else task
        for path, given in ((THRESHOLD, wanted.threshold), (CALIBRATE, wanted.calibrate)):
            if given is not None:
                what = "a threshold divides two classes" if path == THRESHOLD else "probabilities of classes are calibrated"
                yield fault(
                    config,
                    path,
                    f"{what}, but {task}",
                    "leave it out" if heads[0].classes else "leave it out, or say `data.task: classification`",
                )
    elif wanted.threshold is not None and not any(head.divides_two for head in classes):
        head = classes[0]
        message = f"a threshold divides two classes, but {head.targets[0].name} has {len(head.classes)}"
        yield fault(config, THRESHOLD, message, "leave it out: the most probable class is the answer")


def _odd(config: Config, facts: DataFacts) -> Iterator[Fault]:
    wanted, training = config.evaluation, config.training
    rows = facts.rows.get("validation") if facts.rows else None
    if wanted.calibrate == "isotonic" and rows is not None and rows < FEW_ROWS:
        message = f"curves of {rows:,} rows of validation take chance for truth: they need {FEW_ROWS:,} and more"
        yield fault(config, CALIBRATE, message, "`temperature` needs few", warning=True)
    weighted = training is not None and (training.class_weight is not None or config.data.weight is not None)
    if wanted.calibrate == "temperature" and training is not None and training.class_weight is not None:
        message = "a temperature makes probabilities less sure or surer; what class_weight moves them by, it leaves"
        yield fault(config, CALIBRATE, message, "`isotonic` brings them back to how often the classes are", warning=True)
    if weighted and config.data.weight is not None:
        path = CALIBRATE if wanted.calibrate else THRESHOLD
        message = "each row of validation counts once here, as in the metrics; data.weight weighs the training alone"
        yield fault(config, path, message, warning=True)
    if wanted.threshold is not None and training is not None:
        for index, metric in enumerate(training.metrics):
            if metric.name in _AT_ONE_HALF:
                message = f"{metric.name} is Keras's, of labels as it divides them: evaluation.threshold does not move it"
                hint = "accuracy, precision, recall and f1 are reported at the threshold"
                yield fault(config, f"training.metrics.{index}", message, hint, warning=True)
