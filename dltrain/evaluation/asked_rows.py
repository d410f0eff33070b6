"""The rows that a run is asked about: a part of its own data, or other rows, read as its own were while Keras is imported."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from dltrain.config.types import DataConfig
from dltrain.data import load_dataset, read_part, read_words, skipping_broken, with_images
from dltrain.data.dataset import Dataset, Part
from dltrain.data.preprocessing import Preprocessing
from dltrain.errors import DataError, RunError, UsageError
from dltrain.evaluation.fingerprints import fingerprint_faults, is_other_data
from dltrain.evaluation.load_run import StoredRun
from dltrain.evaluation.moved_data import find_moved, refuse_strange_arguments, with_places
from dltrain.evaluation.spread_sample import sample_note, spread_rows, take_part
from dltrain.evaluation.training_rows import warn_of_training_rows
from dltrain.model.keras_import import import_keras
from dltrain.parts import PARTS, judged_part
from dltrain.processes.helper import HelperProcess
from dltrain.reporting import Reporter, warn_each

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherRows:
    """Rows that are not of the run's own data.

    Attributes:
        data: files, folders or patterns.
        skip_broken: leave out pictures that cannot be used, and name them, instead of failing.
        images: folders of the pictures that a table names, in place of the run's own.
        words: single words, for runs on words; `data` is then not looked at.
        masks: of pictures whose pixels are told classes: the folder into which the masks go, a PNG of each one's own size.
        tiles: of such pictures: they are told in overlapping tiles so many pixels wide; None: each as a whole.
        windows: of series with one label each: answer each window, not each series.
    """

    data: Sequence[str] = ()
    skip_broken: bool = False
    images: Sequence[str] = ()
    words: Sequence[str] = ()
    masks: Path | None = None
    tiles: int | None = None
    windows: bool = False

    def read(self, stored: StoredRun, threads: int | None, reporter: Reporter, *, with_targets: bool) -> Part:
        """The rows as the run's model takes them.

        Args:
            stored: the run.
            threads: threads for one operation of Keras.
            reporter: is told what happens.
            with_targets: the target must be there; else it is not looked at.

        Raises:
            DataError: the rows cannot be read, or not without a file from an address that is strange to this user.
        """
        refuse_strange_arguments(stored.preprocessing, stored.run)
        if self.words:
            return read_beside_keras(threads, reporter, read_words, stored.preprocessing, list(self.words))
        preprocessing = skipping_broken(stored.preprocessing) if self.skip_broken else stored.preprocessing
        config = stored.config.data if with_targets else None
        reading = functools.partial(read_part, with_targets=with_targets, config=config, images=self.images)
        return read_beside_keras(threads, reporter, reading, preprocessing, list(self.data))


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredRows:
    """The rows that a run is measured on.

    Attributes:
        data: files of other data, read as the run's own was; empty: the run's data, split as in training.
        part: "test", "validation" or "train"; None: the first of these that the run has.
        allow_changed: go on, with a warning, where the data is not what the run was trained on.
        skip_broken: leave out pictures that cannot be used, and name them, instead of failing.
        images: folders of the pictures that a table names, in place of the run's own.
        overrides: where the run's data is now, if it was moved: words such as "data.path=FILE".
        threshold: from which probability on the second of two classes is the answer, in place of the run's own threshold.
    """

    data: Sequence[str] = ()
    part: str | None = None
    allow_changed: bool = False
    skip_broken: bool = False
    images: Sequence[str] = ()
    overrides: Sequence[str] = ()
    threshold: float | None = None

    def read(self, stored: StoredRun, threads: int | None, reporter: Reporter) -> ReadRows:
        """The rows, with what is to be said of them.

        Args:
            stored: the run.
            threads: threads for one operation of Keras.
            reporter: is told what happens.

        Raises:
            DataError: the data is missing, unfit, or not that of the run.
            RunError: the run is damaged.
            UsageError: what was asked for contradicts itself, or the run has no such part.
        """
        return self._read_other(stored, threads, reporter) if self.data else self._read_own(stored, threads, reporter)

    def _read_other(self, stored: StoredRun, threads: int | None, reporter: Reporter) -> ReadRows:
        if self.part is not None:
            raise UsageError("--data and --part exclude each other", hint="--part names a part of the run's own data")
        if self.overrides:
            hint = "data.path says where the run's own data is now"
            raise UsageError(f"--data and {self.overrides[0]} exclude each other", hint=hint)
        other = OtherRows(data=self.data, skip_broken=self.skip_broken, images=self.images)
        part = other.read(stored, threads, reporter, with_targets=True)
        warn_each(reporter, warn_of_training_rows(stored.run.state, part))
        found = ReadRows("data", part, paths=tuple(self.data))
        if not stored.config.evaluation.baselines:
            return found
        try:
            own = MeasuredRows(part="train").read(stored, threads, Reporter())
        except (DataError, UsageError) as error:
            reason = f"the run's own data is not there as it was: {error.faults[0].message}"
            return replace(found, notes=[f"The baselines that learn are left out, because {reason}."])
        return replace(found, train=own.train)

    def _read_own(self, stored: StoredRun, threads: int | None, reporter: Reporter) -> ReadRows:
        before = with_places(stored.run, self.overrides) if self.overrides else stored.config.data
        config, notes = find_moved(before, stored.run.path, self.overrides)
        images = self.images or (config.images.folder if config.images != stored.config.data.images else ())
        preprocessing: Preprocessing = stored.preprocessing
        if images:
            preprocessing = with_images(preprocessing, images)
            config = replace(config, images=replace(config.images, folder=tuple(map(os.path.abspath, images))))
        reading = functools.partial(load_dataset, seed=stored.config.seed, preprocessing=preprocessing)
        dataset = read_beside_keras(threads, reporter, reading, config)
        name, part = self._choose(dataset, stored, reporter)
        notes += [note.text for note in dataset.notes if note.code == "far_data"]
        sample = spread_rows(part) if name == "train" else None
        if sample is not None:
            part, notes = take_part(part, sample), [*notes, sample_note(sample)]
        return ReadRows(name, part, notes, config, train=dataset.parts["train"])

    def _choose(self, dataset: Dataset, stored: StoredRun, reporter: Reporter) -> tuple[str, Part]:
        """The part asked for, of data that is the run's."""
        recorded = stored.manifest.get("data", {})
        if not isinstance(recorded, dict):
            message = f"the manifest of {stored.run.path} does not say what data it was trained on"
            raise RunError(message, hint="the run is damaged")
        if is_other_data(recorded, dataset.fingerprint, dataset.fingerprint_details):
            details = recorded.get("details")
            faults = fingerprint_faults(details if isinstance(details, dict) else {}, dataset.fingerprint_details)
            if not self.allow_changed:
                raise DataError([*faults[:-1], replace(faults[-1], hint="--allow-changed evaluates all the same")])
            for fault in faults:
                reporter.warning(fault.message)
        name = self.part or judged_part(dataset.parts) or PARTS[0]
        if name not in dataset.parts:
            raise UsageError(f"the run has no {name} part", hint=f"it has {', '.join(dataset.parts)}")
        if self.part is None and name != "test":
            reporter.warning(f"the run has no test part: these are the metrics of the {name} part")
        return name, dataset.parts[name]


@dataclass(frozen=True, slots=True)
class ReadRows:
    """Rows that were read.

    Attributes:
        name: "test", "validation", "train", or "data" for other data.
        part: the rows.
        notes: sentences for the user.
        config: of the run's own data, where it is now; None for other data.
        paths: of other data.
        train: the training part, where the run's own data was read.
    """

    name: str
    part: Part
    notes: list[str] = field(default_factory=list)
    config: DataConfig | None = None
    paths: tuple[str, ...] = ()
    train: Part | None = None


def read_beside_keras(threads: int | None, reporter: Reporter, function: Callable[..., T], *arguments: Any) -> T:
    """Calls a function that reads data in a helper process while Keras is imported in this one.

    Args:
        threads: threads for one operation of Keras.
        reporter: is told what happens, here and there.
        function: called with the arguments and a `reporter`.
        arguments: of the function.
    """
    helper = HelperProcess()
    try:
        helper.submit(function, *arguments)
        reporter.status("importing Keras")
        import_keras(threads)
        reporter.status("reading data")
        found: T = helper.result(reporter)
        return found
    finally:
        helper.kill()
