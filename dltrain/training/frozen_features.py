"""Features of a model's frozen part: computed once for all rows, found again by every later epoch, run and trial."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dltrain.data.arrays.disk_array import DiskArray
from dltrain.data.arrays.feature_store import FeatureStore, digest_rows
from dltrain.errors import DataError, InterruptedRun
from dltrain.model.encode import EncodedPart
from dltrain.model.forward import Forward, evaluation_batch_size
from dltrain.model.frozen import FrozenPrefix
from dltrain.processes.signals import StopSignals
from dltrain.reporting import Reporter
from dltrain.storage.removal import remove_paths
from dltrain.training.environment import describe_environment
from dltrain.training.loop import CallLength
from dltrain.training.saving.manifest import Manifest

# A signal waits for the call that is running; what was computed is stored so often.
CALL_SECONDS = 1.0
STORE_SECONDS = 60.0
STORE_BYTES = 64 << 20
_READ_BYTES = 32 << 20


def features_bytes(frozen: FrozenPrefix, parts: Mapping[str, EncodedPart]) -> int:
    """Bytes of the features of all rows."""
    return 4 * math.prod(frozen.shape) * sum(part.num_rows for part in parts.values())


def with_features(
    frozen: FrozenPrefix,
    parts: Mapping[str, EncodedPart],
    *,
    threads: int,
    reporter: Reporter,
    weights: str | None = None,
    signals: StopSignals | None = None,
) -> dict[str, EncodedPart]:
    """The parts with features in place of their inputs: what `frozen.rest` takes.

    Features that were computed before are found in dltrain's cache. The others are computed in batches of the size in which a
    whole model is evaluated; a row's features do not depend on the batch that it is in. What is computed is stored from time
    to time and when a signal ends the work.

    Args:
        frozen: from `find_frozen_prefix`.
        parts: part -> its rows, of one input.
        threads: of the run, which the description of the environment asks for.
        reporter: hears how far it is.
        weights: from `weights_digest`, if it is known already.
        signals: where they are deferred, so that one does not end the work by itself.

    Raises:
        InterruptedRun: a signal came; what was computed till then is stored.
    """
    arrays = {name: part.inputs[0] for name, part in parts.items()}
    batch_size = evaluation_batch_size([arrays["train"]])
    store = FeatureStore(_key(frozen, arrays["train"], threads, weights or weights_digest(frozen)), frozen.shape, reporter)
    total = sum(part.num_rows for part in parts.values())
    features = np.empty((total, *frozen.shape), np.float32)
    with store.locked():
        reporter.status("looking for stored features")
        digests = np.concatenate([_digests(array) for array in arrays.values()])
        found = store.find(digests, features)
        reporter.detail(
            f"the frozen layers {frozen.name} are computed once: {total:,} rows of {math.prod(frozen.shape):,} numbers, "
            f"{int(found.sum()):,} of them stored in {store.folder}, {int((~found).sum()):,} to compute"
        )
        if not found.all():
            missing = _Missing(np.flatnonzero(~found), digests, features, store)
            _compute(frozen, arrays, missing, batch_size, reporter, signals)
    ends = np.cumsum([part.num_rows for part in parts.values()]).tolist()
    return {
        name: replace(part, inputs=(features[end - part.num_rows : end],))
        for (name, part), end in zip(parts.items(), ends, strict=True)
    }


@dataclass(frozen=True, slots=True)
class _Missing:
    """Rows whose features are not stored.

    Attributes:
        rows: their numbers over all parts.
        digests, features: of all rows; the features of these are filled in.
        store: where they come to.
    """

    rows: NDArray[np.int64]
    digests: NDArray[np.uint64]
    features: NDArray[np.float32]
    store: FeatureStore

    def add(self, first: int, end: int) -> Path | None:
        """Store the features of some of the rows."""
        rows = self.rows[first:end]
        return self.store.add(self.digests[rows], self.features[rows])


def _compute(
    frozen: FrozenPrefix,
    arrays: Mapping[str, Any],
    missing: _Missing,
    batch_size: int,
    reporter: Reporter,
    signals: StopSignals | None,
) -> None:
    """Fill in the features that are missing, a call of about a second at a time."""
    forward = Forward(frozen.prefix, batch_size)
    num_rows = len(missing.rows)
    starts = dict(zip(arrays, np.cumsum([0, *(len(array) for array in arrays.values())]).tolist(), strict=False))
    done = stored = 0
    most = max(1, _READ_BYTES // _row_bytes(arrays) // batch_size)
    length, last_stored = CallLength(CALL_SECONDS, growth=2), time.monotonic()
    pieces: list[Path | None] = []
    try:
        while done < num_rows:
            if signals is not None and signals.received is not None:
                raise InterruptedRun("interrupted while features were computed", signal_number=signals.received)
            rows = missing.rows[done : done + batch_size * min(length.steps, most)]
            started = time.monotonic()
            [missing.features[rows]] = forward.outputs([_rows(arrays, starts, rows)])
            done += len(rows)
            length.note(len(rows) / batch_size, time.monotonic() - started)
            reporter.status(f"computing the features of {frozen.name}: {done:,} of {num_rows:,} rows")
            if time.monotonic() - last_stored > STORE_SECONDS or (done - stored) * missing.store.row_bytes > STORE_BYTES:
                pieces.append(missing.add(stored, done))
                stored, last_stored = done, time.monotonic()
    except BaseException:
        missing.add(stored, done)
        raise
    # One file is quicker to read than many small ones.
    if missing.add(0, num_rows) is not None:
        remove_paths(piece for piece in pieces if piece is not None)


def _row_bytes(arrays: Mapping[str, Any]) -> int:
    return 4 * int(math.prod(arrays["train"].shape[1:]))


def _rows(arrays: Mapping[str, Any], starts: Mapping[str, int], rows: NDArray[np.int64]) -> NDArray[Any]:
    """Rows by their number over all parts, as the model takes them."""
    pieces = []
    for name, array in arrays.items():
        chosen = rows[(rows >= starts[name]) & (rows < starts[name] + len(array))] - starts[name]
        if len(chosen):
            pieces.append(array[chosen] if isinstance(array, np.ndarray) else array.take(chosen).read(0, len(chosen)))
    return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)


def _digests(array: Any) -> NDArray[np.uint64]:
    """Digests of an array's rows, read piece by piece where they are on disk."""
    if isinstance(array, np.ndarray):
        return digest_rows(array)
    size = max(1, _READ_BYTES // max(1, array.nbytes // max(1, len(array))))
    read = getattr(array, "read_pixels", array.read)
    return np.concatenate([digest_rows(read(start, min(start + size, len(array)))) for start in range(0, len(array), size)])


def _key(frozen: FrozenPrefix, array: Any, threads: int, weights: str) -> str:
    """What features depend on beside the row: layers, weights, the form of the row, and what may change their last bits.

    How many threads work changes no bit of a pass forward, so it stays out.
    """
    environment = {name: value for name, value in describe_environment(threads).items() if name not in ("threads", "dltrain")}
    form = "float32" if isinstance(array, (np.ndarray, DiskArray)) else "pixels"
    scale = [] if form == "float32" else [hashlib.blake2b(value.tobytes()).hexdigest() for value in (array.center, array.spread)]
    text = json.dumps([1, frozen.prefix.get_config(), environment, form, scale], sort_keys=True, default=str)
    digest = hashlib.blake2b(text.encode(), digest_size=16)
    digest.update(weights.encode())
    return digest.hexdigest()


def weights_digest(frozen: FrozenPrefix) -> str:
    """A digest of the frozen weights."""
    digest = hashlib.blake2b(digest_size=16)
    for weight in frozen.prefix.weights:
        digest.update(np.ascontiguousarray(weight.numpy()).data)
    return digest.hexdigest()


def note_features(manifest: Manifest, frozen: FrozenPrefix, weights: str) -> None:
    """Keep in a run's manifest what is computed once.

    Args:
        manifest: is changed.
        frozen: from `find_frozen_prefix`.
        weights: from `weights_digest`.

    Raises:
        DataError: a run that goes on finds other pretrained weights than it began with. Its states do not hold them.
    """
    before = manifest.features
    if before is not None and before.get("weights") not in (None, weights):
        message = f"the weights of the frozen layers {frozen.name} are not those with which the run began"
        raise DataError(message, hint="put the file of pretrained weights back, or begin a new run")
    manifest.features = {"layers": list(frozen.layers), "shape": list(frozen.shape), "weights": weights}
