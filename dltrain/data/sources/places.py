"""Where a named dataset may lie, in the order in which the places are looked at, and its download when it lies nowhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from dltrain.config.types import DataConfig, config_fault
from dltrain.errors import ConfigError, DataError
from dltrain.reporting import Reporter
from dltrain.settings import cache_folder, data_folder, is_offline, keras_folder, scikit_learn_folder
from dltrain.storage.download import DownloadError, Remote, download


@dataclass(frozen=True, slots=True)
class Layout:
    """Which files a dataset consists of, and where they are looked for.

    Attributes:
        dataset: its name in a config.
        wanted: what is looked for, in words ("Keras's mnist.npz").
        accepts: whether a path (file or folder) is it; cheap.
        below_data: candidates below `$DLTRAIN_DATA` and below `<cache>/datasets`, which is laid out alike.
        below_scikit_learn: candidates below scikit-learn's data_home.
        below_keras: candidates below Keras's `datasets` folder.
        below_path: candidates below `data.path`, beside the path itself.
        folder: below `<cache>/datasets`: where a download goes.
        remotes: the files that a download fetches; each of them is accepted, or together they make the folder accepted.
    """

    dataset: str
    wanted: str
    accepts: Callable[[Path], bool]
    below_data: tuple[str, ...]
    folder: str
    remotes: tuple[Remote, ...]
    below_scikit_learn: tuple[str, ...] = ()
    below_keras: tuple[str, ...] = ()
    below_path: tuple[str, ...] = ()


def download_folder(layout: Layout) -> Path:
    """Where the dataset's download is kept."""
    return cache_folder() / "datasets" / layout.folder


def find(layout: Layout) -> Path | None:
    """Where the dataset lies on this machine (`data.path` aside), or None."""
    return next((place for place in _usual_places(layout) if _accepted(layout, place)), None)


def require(layout: Layout, config: DataConfig | None, reporter: Reporter) -> Path:
    """The dataset's file or folder: from `data.path` if that is given, else from the usual places, else downloaded.

    Raises:
        DataError: it is nowhere and cannot be downloaded; says what was looked for, where, and how to put it there by hand.
        ConfigError: `data.path` names more than one place.
    """
    if config is not None and config.path:
        return require_given(layout, config)
    found = find(layout)
    if found is None:
        found = _fetch(layout, reporter)
    reporter.detail(f"{layout.dataset}: read from {found}")
    return found


def refuse_path(config: DataConfig, reason: str) -> None:
    """Refuse `data.path` for a source that reads no file of the user's (raises ConfigError)."""
    if config.path:
        raise ConfigError(
            config_fault(config, "data.path", f"the source {config.source} takes no path: {reason}", "remove `data.path`")
        )


def require_given(layout: Layout, config: DataConfig) -> Path:
    """The dataset's file or folder at `data.path`; raises as `require` does."""
    if len(config.path) > 1:
        raise ConfigError(
            config_fault(config, "data.path", f"{layout.dataset} is one folder or file, found {len(config.path)} paths")
        )
    given = Path(config.path[0])
    candidates = [given, *(given / name for name in layout.below_path)]
    for candidate in candidates:
        if _accepted(layout, candidate):
            return candidate
    what = "does not exist" if not _exists(given) else f"does not hold {layout.wanted}"
    looked = "" if not _exists(given) else "; looked at " + ", ".join(str(candidate) for candidate in candidates)
    hint = f"remove `data.path` to have {layout.dataset} looked for in the usual places and downloaded"
    raise DataError(config_fault(config, "data.path", f"{given} {what}{looked}", hint))


def _usual_places(layout: Layout) -> Iterator[Path]:
    if (own := data_folder()) is not None:
        yield from (own / name for name in layout.below_data)
    yield from (cache_folder() / "datasets" / name for name in layout.below_data)
    yield from (scikit_learn_folder() / name for name in layout.below_scikit_learn)
    yield from (keras_folder() / "datasets" / name for name in layout.below_keras)


def _fetch(layout: Layout, reporter: Reporter) -> Path:
    if is_offline():
        raise _missing(layout, "not downloaded: DLTRAIN_OFFLINE is set")
    folder = download_folder(layout)
    for remote in layout.remotes:
        if not (folder / remote.filename).is_file():
            try:
                download(remote, folder, reporter)
            except DownloadError as error:
                raise _missing(layout, f"download of {remote.url} failed: {error}") from error
    found = find(layout)
    if found is None:
        raise _missing(layout, f"what was downloaded to {folder} is not it")
    return found


def _missing(layout: Layout, reason: str) -> DataError:
    places = "".join(f"\n    {folder}" for folder in dict.fromkeys(place.parent for place in _usual_places(layout)))
    files = "".join(f"\n    {remote.url} as {remote.filename} ({remote.checksum})" for remote in layout.remotes)
    into = f"{data_folder() or '$DLTRAIN_DATA'}/{layout.folder}"
    return DataError(
        f"{layout.dataset} is not on this machine and was not downloaded: {reason}\n  looked for {layout.wanted}, in{places}",
        hint=f"by hand, put into {into} or {download_folder(layout)}:{files}\n  or give its folder as `data.path`",
    )


def _accepted(layout: Layout, path: Path) -> bool:
    try:
        return layout.accepts(path)
    except OSError:
        return False


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False
