"""The prepared data that a model is trained on: arrays of inputs and targets, and what each of them means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from dltrain.config.types.data import MULTILABEL, RECONSTRUCTION, SEGMENTATION
from dltrain.data.series.window_specs import WindowScale, WindowView
from dltrain.errors import DataError, Fault, Note, texts
from dltrain.storage.values import limits_of, one_of, positive, typed
from dltrain.storage.values import texts as texts_of
from dltrain.wording import the_target

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dltrain.data.arrays.curve import Curve
    from dltrain.data.arrays.disk_array import Array, DiskArray
    from dltrain.data.preprocessing import Preprocessing

TASKS = ("classification", MULTILABEL, SEGMENTATION, "regression", RECONSTRUCTION)
# In masks: the code of a pixel that has no class and counts nowhere.
IGNORED = 255
# What blocks of windows are where each series as a whole has a label.
SERIES = "series"


@dataclass(frozen=True, slots=True)
class InputSpec:
    """One input of the model.

    Attributes:
        name: "features" (the numbers and one-hot columns of a table), a column's name (an embedded category, a text), "image".
        shape: without the batch; () for an embedded category's index, (length,) for a text's tokens.
        dtype: "float32" or "int32".
        vocabulary_size: how many indices an embedded category has, the unknown bucket (index 0) included, or a text, padding
            (index 0) and unknown tokens (index 1) included; else None.
        embedding_dimension: suggested size of its embedding; else None.
        columns: for "features": what each of the numbers is (`age`, `workclass=Private`, ...); else empty.
        unit_range: every number is scaled to 0...1.
        vectors: float32 [vocabulary_size, embedding_dimension] with which the embedding begins; None: at random.
        trainable: whether training changes the embedding.
        window_scale: of a series whose windows are scaled by themselves.
        views: of a series: parts of its windows that layers can take by `from:`.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"
    vocabulary_size: int | None = None
    embedding_dimension: int | None = None
    columns: tuple[str, ...] = ()
    unit_range: bool = False
    vectors: NDArray[np.float32] | None = field(default=None, compare=False, repr=False)
    trainable: bool = True
    window_scale: WindowScale | None = None
    views: tuple[WindowView, ...] = ()

    @property
    def holds_tokens(self) -> bool:
        """Whether it is a text: a row of indices."""
        return self.vocabulary_size is not None and len(self.shape) == 1


@dataclass(frozen=True, slots=True)
class TargetSpec:
    """One target.

    Attributes:
        name: the column, or "target".
        task: "classification", "multilabel", "segmentation", "regression" or "reconstruction".
        classes: label names in index order, for classification, several labels and masks; else empty.
        mean, scale: the stored regression target is (value - mean) / scale, 0 and 1 where it is not scaled; of its logarithm
            where `transform` says so.
        reason: why this task, in one sentence ("`income` holds text of 2 values").
        column: of a series, the column whose value some steps ahead it is; else empty.
        transform: "standard"; "log": it is the natural logarithm of the value that is scaled and learned; "quantile": what is
            scaled is put on a curve, on which the training part is distributed as normal.
        curve: that one; None: there is none.
        smearing: what a prediction is multiplied by once it is back in its own units. The exponential of a mean of logarithms is
            below the mean of the values; the mean of the exponentials of the training part's residuals makes up for that,
            whatever their distribution (Duan, "Smearing Estimate", JASA 78, 1983). 1 until a fit has found it.
        limits: the least and the largest stored value of the training part, between which a prediction is kept. That is usual
            where the logarithm is learned: a little too much of that would be a multiple of the value. None: it is not kept.
        separator: of several labels: what stands between them in a cell, and in predictions.
        ahead: of a series: how many rows ahead it is; else 0.
        quantile: of a series: which quantile of the column is foretold; None: its mean, or what the loss makes of it.
        columns: of several labels: the columns of 0 and 1 that hold them, in the order of the classes; empty: one of text does.
        empty: of several labels: "none": an empty cell has no label, "missing": no value.
    """

    name: str
    task: str
    classes: tuple[str, ...] = ()
    mean: float = 0.0
    scale: float = 1.0
    reason: str = ""
    column: str = ""
    transform: str = "standard"
    smearing: float = 1.0
    limits: tuple[float, float] | None = None
    separator: str = ""
    columns: tuple[str, ...] = ()
    empty: str = "none"
    ahead: int = 0
    quantile: float | None = None
    curve: Curve | None = None

    @property
    def is_middle(self) -> bool:
        """Whether it is the forecast itself: the median among quantiles."""
        return self.quantile in (None, 0.5)

    @property
    def plain_name(self) -> str:
        """The target's name without the quantile that it is one of."""
        return self.name if self.is_middle else self.name.removesuffix(f" quantile {self.quantile:g}")

    @property
    def is_multilabel(self) -> bool:
        """Whether a row may have several labels, or none."""
        return self.task == MULTILABEL

    @property
    def is_reconstruction(self) -> bool:
        """Whether the input itself is what should come out."""
        return self.task == RECONSTRUCTION

    @property
    def is_mask(self) -> bool:
        """Whether each pixel of a row has a class."""
        return self.task == SEGMENTATION

    @property
    def is_one_of_classes(self) -> bool:
        """Whether a row, or each of its pixels, has one of several classes."""
        return self.is_mask or self.task == "classification"

    @property
    def columns_read(self) -> tuple[str, ...]:
        """The columns of a table that it is read from."""
        return self.columns or (self.name,)

    @property
    def is_scaled(self) -> bool:
        """Whether stored values and predictions are scaled, or logarithms, rather than the values themselves."""
        return self.is_bent or self.scale != 1.0 or self.mean != 0.0 or self.limits is not None

    @property
    def is_log(self) -> bool:
        """Whether it is the logarithm that is learned."""
        return self.transform == "log"

    @property
    def is_bent(self) -> bool:
        """Whether the stored values are a nonlinear function of the target, such as its logarithm."""
        return self.is_log or self.curve is not None

    def to_stored(self, values: NDArray[np.float64]) -> NDArray[np.float32]:
        """Values in their own units as the model learns them: scaled, or as logarithms.

        Raises:
            DataError: a logarithm is to be learned of a number that has none.
        """
        import numpy as np

        if self.is_log:
            if (values <= 0).any():
                raise DataError(self.no_logarithm(float(values[values <= 0][0])))
            values = np.log(values)
        scaled = (values - self.mean) / self.scale
        return np.asarray(scaled if self.curve is None else self.curve.to_scores(scaled), np.float32)

    def to_own(self, stored: Any, ops: Any = None) -> Any:
        """Values in their own units of what is stored: float64, or tensors where `ops` are Keras's."""
        import numpy as np

        if ops is None:
            scaled = np.asarray(stored, np.float64) if self.curve is None else self.curve.to_values(stored)
            values = scaled * self.scale + self.mean
            return np.exp(values) if self.is_log else values
        if self.curve is not None:
            from dltrain.data.arrays.curve import CurveTables

            stored = CurveTables(self.curve).to_values(stored, ops)
        values = stored * np.float32(self.scale) + np.float32(self.mean)
        return ops.exp(values) if self.is_log else values

    def to_prediction(self, outputs: Any, ops: Any = None) -> Any:
        """A model's outputs in the target's own units, held within its limits and with its smearing."""
        import numpy as np

        if self.limits is not None:
            outputs = (np if ops is None else ops).clip(outputs, *self.limits)
        if not self.is_log:
            return self.to_own(outputs, ops)
        return self.to_own(outputs, ops) * (self.smearing if ops is None else np.float32(self.smearing))

    def to_state(self) -> dict[str, Any]:
        """The target as plain values; the numbers come back with the same bits."""
        return {
            "name": self.name,
            "task": self.task,
            "classes": list(self.classes),
            "mean": self.mean,
            "scale": self.scale,
            "reason": self.reason,
            **({"transform": self.transform, "smearing": self.smearing} if self.is_log else {}),
            **({"transform": self.transform, "curve": self.curve.to_state()} if self.curve is not None else {}),
            **({"limits": self.limits} if self.is_log or self.limits is not None else {}),
            **({"separator": self.separator, "columns": list(self.columns), "empty": self.empty} if self.is_multilabel else {}),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> TargetSpec:
        """What `to_state` made, again.

        Raises:
            ValueError, TypeError, KeyError: it is damaged.
        """
        from dltrain.data.arrays.curve import Curve

        classes = texts_of(state, "classes")
        columns = texts_of(state, "columns") if "columns" in state else ()
        if columns and len(columns) != len(classes):
            raise ValueError("columns: expected one for each label")
        if state["task"] in ("classification", MULTILABEL, SEGMENTATION) and (not classes or len(set(classes)) < len(classes)):
            raise ValueError("classes: expected one label or more, each once")
        return cls(
            typed(state, "name", str),
            one_of(state, "task", TASKS),
            classes,
            float(state["mean"]),
            float(state["scale"]),
            typed(state, "reason", str),
            transform=one_of(state, "transform", ("standard", "log", "quantile")) if "transform" in state else "standard",
            curve=Curve.from_state(state["curve"]) if "curve" in state else None,
            smearing=positive(state["smearing"]) if "smearing" in state else 1.0,
            limits=limits_of(state.get("limits")),
            separator=typed(state, "separator", str) if "separator" in state else "",
            columns=columns,
            empty=one_of(state, "empty", ("none", "missing")) if "empty" in state else "none",
        )

    def mean_of(self, stored: Any, weights: Any = None) -> float:
        """The mean of a target's values, as it is stored: of a logarithm it is not the mean of what is stored."""
        import numpy as np

        if self.is_log:
            return float((np.log(np.average(self.to_own(stored), weights=weights)) - self.mean) / self.scale)
        if self.curve is not None:
            return float(self.to_stored(np.average(self.to_own(stored), weights=weights)))
        if weights is None:
            return float(np.mean(stored, dtype=np.float64))
        return float(np.average(np.asarray(stored, np.float64), weights=np.asarray(weights, np.float64)))

    def with_smearing(self, stored: Any, outputs: Any, weights: Any = None) -> TargetSpec:
        """The target with the smearing that the training part asks for.

        Args:
            stored: the training part's stored values [rows].
            outputs: what the model says of them [rows].
            weights: of the rows, or None.
        """
        import numpy as np

        if not self.is_log or self.quantile is not None:  # a quantile of logarithms is the logarithm of the quantile
            return self
        said = np.asarray(outputs, np.float64) if self.limits is None else np.clip(np.asarray(outputs, np.float64), *self.limits)
        residuals = (np.asarray(stored, np.float64) - said) * self.scale
        with np.errstate(over="ignore"):
            smearing = float(np.average(np.exp(residuals), weights=weights))
        # A model that learnt nothing sensible is not made up for.
        return replace(self, smearing=smearing) if np.isfinite(smearing) else self

    def deviation_at(self, values: NDArray[np.float64]) -> Any:
        """The derivative of the target in its own units by what is stored of it, at the given values."""
        import numpy as np

        if self.curve is not None:
            return self.curve.steepness((values - self.mean) / self.scale) * self.scale
        return np.abs(values) * self.scale if self.is_log else self.scale

    def no_logarithm(self, value: float) -> Fault:
        """The error for a target that has no logarithm."""
        message = f"{the_target(self.name)} is {value:g}, which has no logarithm"
        return Fault(message, path="data.scale_target", hint="data.scale_target: standard takes every number")


RECONSTRUCTED = TargetSpec(RECONSTRUCTION, RECONSTRUCTION, reason="data.task says so")


@dataclass(frozen=True, slots=True)
class Schema:
    """What goes into the model and what should come out."""

    inputs: tuple[InputSpec, ...]
    targets: tuple[TargetSpec, ...]


@dataclass(slots=True)
class SeriesRows:
    """Which series the windows of a part are of, and what their errors are measured in.

    Attributes:
        codes: int64 [windows]: index into `names`.
        names: of each series, one text for each column of `data.series.id`.
        season: of `absolute`; None: that is not known.
        absolute, squared: column that is foretold -> float64 [names]: errors of naive forecasts in the training part, see
            `NaiveErrors`; NaN where a series has none.
    """

    codes: NDArray[np.int64]
    names: list[tuple[str, ...]]
    season: int | None = None
    absolute: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    squared: dict[str, NDArray[np.float64]] = field(default_factory=dict)


@dataclass(slots=True)
class Part:
    """One part of the data, preprocessed.

    Attributes:
        inputs: input name -> array [rows, *shape].
        targets: target name -> int32 class indices [rows], int8 0 or 1 for each of several labels [rows, labels], or
            float32 scaled values [rows];
            for reconstruction the input itself (on disk where that is); of masks uint8 class indices [rows, height, width],
            `IGNORED` where a pixel has none.
        weights: float32 [rows], or None.
        row_ids: int64 [rows]: 0-based row in the source's whole order (files in order, header not counted);
            empty where the rows are on disk: see `row_file`.
        identifiers: columns that name the rows in predictions (column -> text of each row); often empty.
        row_file: the row ids of a part whose rows are on disk, else None.
        references: of a series, what simple forecasts say: their name -> target name -> float32 scaled values [rows].
        series: which series each window is of; None: it is none of a series.
        num_unforeseen: of these forecasts' name -> the windows in which the last value stands for what it does not know.
        blocks: int64 [rows]: rows of one number belong together (a group, neighbours in time); None: each stands alone.
        blocks_by: what they are, in words.
        sizes: (height, width) of the picture file of each row, where masks of that size are to be made; else empty.
    """

    inputs: dict[str, Array]
    targets: dict[str, Any]
    weights: NDArray[np.float32] | None
    row_ids: NDArray[np.int64]
    identifiers: dict[str, Sequence[str]] = field(default_factory=dict)
    row_file: DiskArray | None = None
    references: dict[str, dict[str, NDArray[np.float32]]] = field(default_factory=dict)
    num_unforeseen: dict[str, int] = field(default_factory=dict)
    blocks: NDArray[np.int64] | None = None
    blocks_by: str = "rows"
    series: SeriesRows | None = None
    sizes: tuple[tuple[int, int], ...] = ()

    @property
    def num_rows(self) -> int:
        """How many rows the part has."""
        return len(self.row_ids if self.row_file is None else self.row_file)


@dataclass(slots=True)
class Dataset:
    """Data ready for a model.

    Attributes:
        schema: inputs and targets.
        parts: "train" and, where they exist, "validation" and "test".
        preprocessing: fitted on the training part alone; turns raw rows or pictures into `Part`s.
        fingerprint: hex digest of the raw data and of what was asked of it (not of the paths); equal data, equal digest.
        fingerprint_details: file name -> digest/size, rows, columns: what to show when the fingerprint differs.
        notes: what the user should know: what was read, kinds of columns, classes with counts, inferences; and warnings.
        resolved: values inferred here that go back into the resolved config, by key path
            (`data.task`, `data.features`, `data.separator`, ...).
        columns: of a table, all that it has; else none.
        kept: the run whose preprocessing is kept, for the manifest, see `data.kept`; None: all was fitted here.
    """

    schema: Schema
    parts: dict[str, Part]
    preprocessing: Preprocessing
    fingerprint: str
    fingerprint_details: Mapping[str, Any]
    notes: tuple[Note, ...] = ()
    resolved: Mapping[str, Any] = field(default_factory=dict)
    columns: tuple[str, ...] = ()
    kept: Mapping[str, Any] | None = None

    @property
    def summary(self) -> tuple[str, ...]:
        """The facts of the notes, a line each."""
        return tuple(texts(self.notes, "note"))

    @property
    def warnings(self) -> tuple[str, ...]:
        """The sentences of the notes that warn."""
        return tuple(texts(self.notes, "warning"))
