"""Pictures and other arrays of one shape: each value brought to one scale, as a whole or pixel by pixel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from dltrain.config.catalog.transformers import TRANSFORMERS
from dltrain.config.types.data import PICTURE_SCALES
from dltrain.data.arrays.disk_array import Array, DiskArray, in_memory, rows_in_memory
from dltrain.data.arrays.scaled_pixels import BLOCK_VALUES, ScaledPixels, scale_pixels
from dltrain.data.columns.scaling import nonzero_deviation
from dltrain.data.dataset import IGNORED, InputSpec, Part, Schema, TargetSpec
from dltrain.data.labels.array_targets import have_values
from dltrain.data.pictures.seen_range import notes_of_another_scale, range_of
from dltrain.data.preprocessing import Preprocessing
from dltrain.data.raw import Raw, RawPictures
from dltrain.data.tables.preprocessing import DROP
from dltrain.data.targets import smeared
from dltrain.data.transform import FittedStep, apply_steps, describe_steps, steps_from, steps_state
from dltrain.errors import DataError, Fault, Note, capped, warn
from dltrain.settings import whole_number
from dltrain.storage.values import least_and_largest, one_of, text_map, texts, typed
from dltrain.wording import listed

UNIT_SCALES = ("minmax", "unit")
# Pictures of 8 bits are held as such, and scaled batch by batch, from so many float32 bytes of them on.
KEPT_AS_BYTES = 64 << 20
# Pictures on disk stay there while they are trained on, from so many bytes of them on.
STREAM_BYTES = 1 << 30


@dataclass(frozen=True)
class PicturePreprocessing(Preprocessing):
    """(pixel - center) / spread, float64 inside, float32 out.

    Attributes:
        source: the config's `data.source`.
        shape: of one picture or array.
        targets: what to learn.
        scale: one of `PICTURE_SCALES`.
        center, spread: float64 of `shape` (per pixel), or of shape () for one value.
        reader: how a picture file becomes such an array (see `RawPictures`), or None.
        arguments: the source's own (`inputs` and `targets` of an npz file), with which its files are read again.
        steps: transformers of scikit-learn behind the scaled numbers, which they take as one row.
        missing, replace: of the targets of array files, as the config has them.
        missing_target: "fail", or "drop": rows without a target are left out where targets are needed.
        seen: between which numbers nearly all of the training part's arrays are; None: of pictures, or not known.
    """

    kind: ClassVar[str] = "pictures"
    source: str
    shape: tuple[int, ...]
    targets: tuple[TargetSpec, ...]
    scale: str
    center: NDArray[np.float64]
    spread: NDArray[np.float64]
    reader: Mapping[str, Any] | None = None
    arguments: Mapping[str, Any] | None = None
    steps: tuple[FittedStep, ...] = ()
    missing: tuple[str, ...] = ()
    replace: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    missing_target: str = "fail"
    seen: tuple[float, float] | None = None

    @property
    def schema(self) -> Schema:
        """One input: "image" [height, width, channels], or "features" for arrays of another rank."""
        if self.steps:
            last = self.steps[-1]
            unit_range = TRANSFORMERS[last.name].to_unit
            return Schema((InputSpec("features", (last.width,), columns=last.columns, unit_range=unit_range),), self.targets)
        name = "image" if len(self.shape) == 3 else "features"
        return Schema((InputSpec(name, self.shape, unit_range=self.scale in UNIT_SCALES),), self.targets)

    def unscale(self, images: NDArray[Any]) -> NDArray[np.float64]:
        """Pixels in their own units [rows, ...] from scaled ones."""
        pixels: NDArray[np.float64] = np.asarray(images, np.float64) * self.spread + self.center
        return pixels

    def transform(
        self,
        raw: Raw,
        *,
        with_targets: bool,
        rows: NDArray[np.int64] | None = None,
        notes: list[Note] | None = None,
    ) -> Part:
        """See `Preprocessing.transform`."""
        if not isinstance(raw, RawPictures):
            raise DataError("expected pictures, got a table")
        images = raw.images
        if isinstance(images, np.ndarray) and (*images.shape[1:], 1) == self.shape:
            images = images[..., np.newaxis]  # grey pictures without an axis for their one channel
        if images.shape[1:] != self.shape:
            got = "x".join(map(str, raw.images.shape[1:]))
            raise DataError(
                f"expected arrays of {'x'.join(map(str, self.shape))}, got {got}", hint="the model was built for that shape"
            )
        rows = self._usable_rows(raw, with_targets, notes) if rows is None else rows
        refuse_not_finite(images, rows, raw.parts)
        if notes is not None:
            found = None if self.seen is None else range_of(images, rows)
            notes += notes_of_another_scale(found, self.seen, len(rows) * int(np.prod(images.shape[1:])))
        scaled = self._scaled(images, rows)
        if self.steps:
            scaled = apply_steps(self.steps, in_memory(scaled))
        targets: dict[str, NDArray[Any]] = {}
        for spec in self.targets:
            if spec.is_reconstruction:
                targets[spec.name] = in_memory(scaled)
            elif with_targets:
                targets[spec.name] = _target(raw, spec, rows)
        names: dict[str, Sequence[str]] = {"file": [raw.names[row] for row in rows]} if raw.names else {}
        part = Part({self.schema.inputs[0].name: scaled}, targets, None, rows.astype(np.int64), names)
        part.sizes = tuple(raw.sizes[row] for row in rows) if raw.sizes else ()
        if raw.pictures is not None:
            part.blocks, part.blocks_by = raw.pictures[rows], "pictures"
        return part

    def _usable_rows(self, raw: RawPictures, with_targets: bool, notes: list[Note] | None) -> NDArray[np.int64]:
        """All rows; where targets are needed and may be missing, those that have one."""
        rows = np.arange(len(raw.images))
        if not with_targets or raw.target is None or self.targets[0].is_reconstruction:
            return rows
        is_there = have_values(raw.target, raw.classes)
        if is_there.all():
            return rows
        count = int(np.count_nonzero(~is_there))
        if self.missing_target != DROP or count == len(rows):
            message = f"row {int(np.argmin(is_there)) + 1:,}: no value for the target ({count:,} such rows)"
            raise DataError(message, hint="data.missing_target: drop, when the run was trained, leaves such rows out")
        if notes is not None:
            said = f"rows left out: {count:,} of {len(rows):,} have no value for the target (data.missing_target: drop)"
            notes.append(warn(said, "rows_left_out"))
        return rows[is_there]

    def _scaled(self, images: NDArray[Any] | DiskArray, rows: NDArray[np.int64]) -> Array:
        """float32 rows, or pixels that are scaled when they are read: the values are the same."""
        reconstructs = any(spec.is_reconstruction for spec in self.targets)
        if reconstructs:
            return scale_pictures(images, rows, self.center, self.spread)
        if isinstance(images, DiskArray):
            streamed = images.nbytes > whole_number("DLTRAIN_STREAM_BYTES", STREAM_BYTES)
            return ScaledPixels(images.take(rows), self.center, self.spread, streamed=streamed)
        if images.dtype == np.uint8 and 4 * images.nbytes > KEPT_AS_BYTES:  # of all rows: the parts are of one kind
            is_whole = np.array_equal(rows, np.arange(len(images)))
            return ScaledPixels(images if is_whole else images[rows], self.center, self.spread)
        return scale_pictures(images, rows, self.center, self.spread)

    def with_smearing(self, factors: Mapping[str, float]) -> PicturePreprocessing:
        """See `Preprocessing.with_smearing`."""
        return replace(self, targets=smeared(self.targets, factors))

    def describe(self) -> list[str]:
        """`pictures: 31x23x1, each pixel standardized`."""
        manner = {
            "standard": "each value standardized by the training part",
            "minmax": "each value to 0...1 by the training part",
            "unit": "to 0...1",
            "none": "as they are",
        }[self.scale]
        word = "pictures" if len(self.shape) == 3 else "arrays"
        return [f"{word}: {'x'.join(map(str, self.shape)) or 'single values'}, {manner}", *describe_steps(self.steps)]

    def to_state(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """See `Preprocessing.to_state`."""
        steps, arrays = steps_state(self.steps)
        state = {
            "source": self.source,
            "steps": steps,
            "shape": list(self.shape),
            "scale": self.scale,
            "targets": [spec.to_state() for spec in self.targets],
            "reader": None if self.reader is None else dict(self.reader),
            "arguments": dict(self.arguments or {}),
            "missing": list(self.missing),
            "replace": {name: dict(words) for name, words in self.replace.items()},
            "missing_target": self.missing_target,
            "seen": None if self.seen is None else list(self.seen),
        }
        return state, {"center": self.center, "spread": self.spread, **arrays}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> PicturePreprocessing:
        """See `Preprocessing.from_state`."""
        shape = tuple(int(extent) for extent in typed(state, "shape", list))
        center, spread = np.asarray(arrays["center"], np.float64), np.asarray(arrays["spread"], np.float64)
        if center.shape not in ((), shape) or spread.shape not in ((), shape):
            raise ValueError(f"statistics of shape {center.shape} for arrays of shape {shape}")
        return cls(
            source=typed(state, "source", str),
            shape=shape,
            targets=tuple(TargetSpec.from_state(item) for item in typed(state, "targets", list)),
            scale=one_of(state, "scale", PICTURE_SCALES),
            center=center,
            spread=spread,
            reader=None if state["reader"] is None else typed(state, "reader", dict),
            arguments={key: value for key, value in typed(state, "arguments", dict).items() if isinstance(value, str)},
            steps=steps_from(state.get("steps", []), arrays),
            missing=texts(state, "missing") if "missing" in state else (),
            replace={str(name): text_map(words) for name, words in state.get("replace", {}).items()},
            missing_target=one_of(state, "missing_target", ("fail", DROP)) if "missing_target" in state else "fail",
            seen=None if state.get("seen") is None else least_and_largest(state["seen"]),
        )


def _target(raw: RawPictures, spec: TargetSpec, rows: NDArray[np.int64]) -> NDArray[Any]:
    if raw.target is None:
        raise DataError(f"there is no target {spec.name} beside the arrays")
    if spec.is_mask:
        return _masks(raw, spec, rows)
    target = raw.target[rows]
    if spec.is_multilabel:
        # An array's labels are called by their columns.
        places = [raw.classes.index(label) if raw.labels is not None else int(label) for label in spec.classes]
        if target.ndim != 2 or target.shape[1] <= max(places):
            raise DataError(
                f"the target has the shape {target.shape}, the run needs a column for each of {max(places) + 1} labels"
            )
        return np.ascontiguousarray(target[:, places])
    if spec.task == "regression":
        values = np.asarray(target, np.float64)
        bad = np.flatnonzero(~np.isfinite(values))
        if len(bad):
            raise DataError(
                capped([Fault(f"row {rows[row] + 1:,}: the target is {values[row]}, not a finite number") for row in bad])
            )
        return spec.to_stored(values)
    labels = [raw.classes[int(code)] for code in np.unique(target)] if raw.classes else class_labels(np.unique(target))
    unknown = [label for label in labels if label not in spec.classes]
    if unknown:
        raise DataError(f"training does not know the label {listed(unknown)}", hint=f"labels of training: {listed(spec.classes)}")
    codes = np.array([spec.classes.index(label) for label in labels], np.int32)
    return codes[np.searchsorted(np.unique(target), target)]


def _masks(raw: RawPictures, spec: TargetSpec, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
    """Class codes of pixels in the order of the run's classes, whatever that of the data is."""
    assert raw.target is not None
    if raw.target.ndim != 3:
        raise DataError("there are no masks beside the pictures")
    unknown = [label for label in raw.classes if label not in spec.classes]
    if unknown:
        raise DataError(
            f"training does not know the class {listed(unknown)}", hint=f"classes of training: {listed(spec.classes)}"
        )
    if raw.classes == spec.classes:
        chosen: NDArray[np.uint8] = raw.target[rows]
        return chosen
    table = np.full(256, IGNORED, np.uint8)
    table[: len(raw.classes)] = [spec.classes.index(label) for label in raw.classes]
    coded: NDArray[np.uint8] = table[raw.target[rows]]
    return coded


def class_labels(values: NDArray[Any]) -> list[str]:
    """Names of classes that are numbers: `3` for 3.0 as well."""
    return [str(int(value)) if float(value).is_integer() else str(value) for value in values.tolist()]


def scale_pictures(
    images: NDArray[Any] | DiskArray, rows: NDArray[np.int64], center: NDArray[np.float64], spread: NDArray[np.float64]
) -> NDArray[np.float32]:
    """float32 [rows, ...], worked out in float64 a block of rows at a time."""
    scaled = np.empty((len(rows), *images.shape[1:]), np.float32)
    block = _block(images)
    for start in range(0, len(rows), block):
        scaled[start : start + block] = scale_pixels(rows_in_memory(images, rows[start : start + block]), center, spread)
    return scaled


def _all_finite(values: NDArray[Any]) -> NDArray[np.bool_]:
    return np.asarray(np.isfinite(values).reshape(len(values), -1).all(axis=1))


def _block(images: NDArray[Any] | DiskArray) -> int:
    return max(1, BLOCK_VALUES // max(1, int(np.prod(images.shape[1:]))))


def fit_pixel_scale(
    images: NDArray[Any] | DiskArray, rows: NDArray[np.int64], scale: str, value_range: tuple[float, float] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(center, spread) of the training rows; of each value for "standard" and "minmax", one of all for "unit".

    Raises:
        DataError: values that are not finite.
    """
    if scale == "none":
        return np.array(0.0), np.array(1.0)
    if scale == "unit" and value_range is not None:
        low, high = value_range
        return np.array(float(low)), np.array(float(high) - float(low) or 1.0)
    block = _block(images)
    blocks = [rows[start : start + block] for start in range(0, len(rows), block)]
    if scale == "standard":
        mean = sum(
            (rows_in_memory(images, chosen).astype(np.float64).sum(axis=0) for chosen in blocks), np.zeros(images.shape[1:])
        )
        mean = mean / len(rows)
        squares = sum(
            (((rows_in_memory(images, chosen) - mean) ** 2).sum(axis=0) for chosen in blocks), np.zeros(images.shape[1:])
        )
        center, spread = mean, nonzero_deviation(mean, squares / len(rows), len(rows))
    else:
        low = np.min([rows_in_memory(images, chosen).min(axis=0) for chosen in blocks], axis=0).astype(np.float64)
        high = np.max([rows_in_memory(images, chosen).max(axis=0) for chosen in blocks], axis=0).astype(np.float64)
        if scale == "unit":
            low, high = low.min(), high.max()
        center, spread = np.asarray(low), np.where(high - low < 10 * np.finfo(np.float64).eps, 1.0, high - low)
    if not (np.isfinite(center).all() and np.isfinite(spread).all()):
        refuse_not_finite(images, rows, {})
        raise DataError("the inputs are too large", hint="divide them by a number, or leave out the largest")
    return np.asarray(center), np.asarray(spread)


def refuse_not_finite(images: NDArray[Any] | DiskArray, rows: NDArray[np.int64], parts: Mapping[str, NDArray[np.int64]]) -> None:
    """Refuse rows whose inputs are no finite numbers: what a model answers to them means nothing, even where it is a number.

    Args:
        images: [rows, ...].
        rows: those that are asked for.
        parts: the rows of each part that the source brings, by which a row is told.

    Raises:
        DataError: there are such rows; with their places.
    """
    if images.dtype.kind != "f":
        return
    block = _block(images)
    blocks = [rows[start : start + block] for start in range(0, len(rows), block)]
    odd = [row for chosen in blocks for row in chosen[~_all_finite(rows_in_memory(images, chosen))].tolist()]
    if odd:
        part = next((name for name, places in parts.items() if len(parts) > 1 and odd[0] in places), None)
        place = odd[0] if part is None else int(np.flatnonzero(parts[part] == odd[0])[0])
        told = f"{place + 1:,}" if part is None else f"{place + 1:,} of the {part} part"
        which = f"row {told}" if len(odd) == 1 else f"{len(odd):,} rows, such as {told},"
        message = f"the inputs of {which} hold values that are not finite (NaN or infinite)"
        raise DataError(message, hint="mend or leave out those rows")
