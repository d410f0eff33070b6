"""Pictures of fits and sweeps, drawn only where a test looks at them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

DRAWN_BY_FITS = ("plot_history", "plot_forecast", "plot_mistakes", "plot_reconstructions", "plot_masks", "_import_plots")
DRAWN_BY_SWEEPS = ("plot_history", "draw_curves", "_draw_parameters")


def leave_empty(*given: Any, **_: Any) -> None:
    """Make the picture an empty file: it is the last path that is given, after the history that it would show."""
    for picture in [value for value in given if isinstance(value, Path)][-1:]:
        picture.touch()


@cache
def _as_they_are() -> list[tuple[ModuleType, str, Any]]:
    """Where each function that draws is called from, its name there, and itself."""
    from dltrain.sweep import pictures as of_sweeps
    from dltrain.sweep import sweep as sweeps
    from dltrain.training.saving import pictures as of_fits

    places = ((of_fits, DRAWN_BY_FITS), (of_sweeps, DRAWN_BY_SWEEPS), (sweeps, ("warm_up",)))
    return [(module, name, getattr(module, name)) for module, names in places for name in names]


@contextmanager
def leaving_pictures_empty() -> Iterator[None]:
    """Nothing is drawn by fits and sweeps."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name, _ in _as_they_are():
            patch.setattr(module, name, leave_empty)
        yield


@contextmanager
def drawing_pictures() -> Iterator[None]:
    """Within `leaving_pictures_empty`: all is drawn after all."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name, draw in _as_they_are():
            patch.setattr(module, name, draw)
        yield
