"""Pretrained weights of a `keras.applications` body: where they are looked for, and reading them without believing the file."""

from __future__ import annotations

import contextlib
import io
import re
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dltrain.errors import DataError, Fault, RunError, is_own_bug, reason_of
from dltrain.later import h5py
from dltrain.model.weights.weights import load_keras_file, open_plain
from dltrain.settings import data_folder, is_offline, keras_folder

# Above what the weights and two optimizer slots for each need, a file is not one of these weights.
_EXTRA_BYTES = 16 << 20
NO_TOP, WITH_TOP = "_imagenet_notop.weights.h5", "_imagenet.weights.h5"
_REFUSALS = (
    OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, RuntimeError, MemoryError, zipfile.BadZipFile,
)  # fmt: skip


def pretrained_body(application: str, weights: str, build: Callable[[str | None], Any]) -> Any:
    """A body with the weights that are asked for.

    Args:
        application: name of the network.
        weights: `imagenet`, or a file.
        build: makes the body with Keras's own `weights` argument.

    Raises:
        DataError: the file is missing, unreadable, unsafe or not of this network; or ImageNet's weights cannot be had.
    """
    path = Path(weights) if weights != "imagenet" else find_imagenet(application)
    if path is None:
        return _from_keras(application, build)
    body = build(None)
    load_pretrained(body, path, application)
    return body


def find_imagenet(application: str) -> Path | None:
    """The file of ImageNet's weights in `$DLTRAIN_DATA/weights` or in Keras's cache under a name that says so, or None."""
    return named_file(places_of_weights(), application, NO_TOP)


def is_at_hand(application: str) -> bool:
    """Whether ImageNet's weights of a body need no download."""
    return find_imagenet(application) is not None or is_cached(application, with_top=False)


def load_pretrained(body: Any, path: Path, application: str) -> None:
    """Read a file of weights into a body. Nothing of it is executed; its tree and size are looked at first.

    Raises:
        DataError: it is missing, damaged, unsafe, or not of this network.
    """
    if not path.is_file():
        raise DataError(f"there is no weights file {path}", hint="`weights:` takes a file, imagenet, or none")
    limit = 3 * sum(int(np.prod(weight.shape)) * 4 for weight in body.weights) + _EXTRA_BYTES
    refusal = f"{path} does not hold the weights of {application}"
    hint = f"such a file is written by keras.applications.{application}(include_top=False).save_weights(...)"
    try:
        if path.stat().st_size > limit:
            raise DataError(f"{refusal}: it is larger than they can be", hint=hint)
        if path.suffix == ".keras":
            load_keras_file(body, path, limit)
            return
        with open_plain(path) as file:
            count = _count_arrays(file)
        if count > len(body.weights):
            raise DataError(f"{refusal}: it holds {count:,} arrays, the network has {len(body.weights):,}", hint=hint)
        body.load_weights(str(path))
    except RunError as error:
        raise DataError([Fault(fault.message, hint=fault.hint) for fault in error.faults]) from error
    except _REFUSALS as error:
        if is_own_bug(error):
            raise
        detail = reason_of(error)
        raise DataError(f"{refusal}: {detail}", hint=hint) from error


def _count_arrays(file: Any) -> int:
    """Arrays of weights in a file; those of an optimizer or of random generators left out."""
    names: list[str] = []
    file.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
    return sum(not re.match(r"optimizer", name) and "seed_generator" not in name for name in names)


def places_of_weights() -> list[Path]:
    """Folders in which weights are looked for; the last one is Keras's own."""
    own = data_folder()
    return [*([own / "weights"] if own else []), keras_folder() / "models"]


def named_file(folders: Sequence[Path], application: str, ending: str) -> Path | None:
    """The file that is called after a network, underscores between its words or not, with this ending; None: there is none."""
    for folder in folders:
        for file in sorted(folder.glob(f"*{ending}")):
            if _letters(file.name.removesuffix(ending)) == _letters(application) and file.is_file():
                return file
    return None


def is_cached(application: str, *, with_top: bool) -> bool:
    """Whether Keras has downloaded the weights of a network before."""
    folder = places_of_weights()[-1]
    names = [_letters(file.name) for file in (folder.iterdir() if folder.is_dir() else ())]
    return any(name.startswith(_letters(application)) and ("notop" in name) != with_top for name in names)


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _from_keras(application: str, build: Callable[[str | None], Any]) -> Any:
    """A body with the weights that Keras has in its cache, or downloads; with DLTRAIN_OFFLINE from the cache alone."""
    if is_offline() and not is_cached(application, with_top=False):
        raise _unavailable(application, "not downloaded: DLTRAIN_OFFLINE is set")
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # Keras draws its progress there
            return build("imagenet")
    except OSError as error:
        raise _unavailable(application, str(error)) from error
    except Exception as error:
        if "URL fetch failure" not in str(error):
            raise
        raise _unavailable(application, str(error).rpartition(": ")[2] or "the download failed") from error


def _unavailable(application: str, reason: str) -> DataError:
    where = ", ".join(str(place) for place in places_of_weights())
    message = f"the ImageNet weights of {application} are not here: looked for {application.lower()}{NO_TOP} in {where}; {reason}"
    writer = f"keras.applications.{application}(include_top=False).save_weights(...)"
    return DataError(message, hint=f"put the file there ({writer} writes it), or give `weights:` a path")
