"""Pictures and other arrays that are brought to the scale of a run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from dltrain.config.types import DataConfig
from dltrain.data.kept.run import KeptRun, read_kept, require_kind
from dltrain.data.kept.target import keep_targets
from dltrain.data.pictures.preprocessing import PicturePreprocessing
from dltrain.data.pictures.seen_range import FEWEST_VALUES, notes_of_another_scale
from dltrain.errors import ConfigError, Note

# What a reader says of the pixels; the rest is where pictures are, and what they are called.
_FORM = {"size": "image_size", "fit": "fit", "color": "color", "interpolation": "interpolation", "white": "depth"}


def kept_pictures(config: DataConfig, found: PicturePreprocessing) -> tuple[PicturePreprocessing, list[Note]] | None:
    """The preprocessing with the scale and the steps of the run that the config keeps, and what is said of it.

    Args:
        config: the `data:` block.
        found: as fitted to them.

    Returns:
        None where the config keeps none.

    Raises:
        ConfigError: see `read_kept`, or it was trained on something else, or on pictures of another form.
    """
    kept = read_kept(config)
    if kept is None:
        return None
    require_kind(config, kept, PicturePreprocessing.kind)
    there = kept.preprocessing
    assert isinstance(there, PicturePreprocessing)
    _require_form(config, kept, there, found)
    targets, notes = keep_targets(kept, there.targets, found.targets)
    said = Note(f"preprocessing of {kept.name}: {there.describe()[0]}")
    made = replace(found, targets=targets, scale=there.scale, center=there.center, spread=there.spread, steps=there.steps)
    return made, [said, *notes, *notes_of_another_scale(found.seen, there.seen, FEWEST_VALUES)]


def _require_form(config: DataConfig, kept: KeptRun, there: PicturePreprocessing, here: PicturePreprocessing) -> None:
    """Refuse pictures of another form (raises ConfigError)."""
    if there.shape != here.shape:
        shapes = ["x".join(map(str, shape)) or "single values" for shape in (here.shape, there.shape)]
        hint = "data.image_size says how large pictures become" if len(there.shape) == 3 else None
        raise ConfigError(kept.fault(config, f"it is {shapes[0]} here and {shapes[1]} in {kept.name}", hint))
    for name, argument in _FORM.items():
        was, now = ((reader or {}).get(name) for reader in (there.reader, here.reader))
        if was != now and there.reader and here.reader:
            message = f"{name} of the pictures is {_shown(now)} here and {_shown(was)} in {kept.name}"
            raise ConfigError(kept.fault(config, message, f"data.{argument} says it"))


def _shown(value: Any) -> str:
    return "not given" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
