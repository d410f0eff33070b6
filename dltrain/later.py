"""Modules that are imported when somebody asks them for what they hold.

`from dltrain.later import polars` costs nothing; the first `polars.DataFrame` of a process imports it.

`LateLoader` is as `importlib.util.LazyLoader`, with two differences: to import such a module once more, which asks it for its
`__spec__`, does not load it; and names can be given to it that are there before it is loaded.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Callable, Mapping
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Any


class _Late:
    """Stands for a module, without which nothing is imported and which `sys.modules` does not hold before it is."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        if name == "_module":  # asked for once; `functools.cached_property` would hold a lock while it is imported
            self._module = importlib.import_module(self._name)
            return self._module
        return getattr(self._module, name)


if TYPE_CHECKING:
    from importlib.abc import Loader

    import h5py as h5py
    import polars as polars
    import tensorflow as tensorflow
else:
    Loader = object  # what `importlib.abc` imports takes longer than all of this file
    h5py, polars, tensorflow = _Late("h5py"), _Late("polars"), _Late("tensorflow")

_lock = threading.RLock()


class LateModule(ModuleType):
    """A module whose code has not run; the first name that it does not have runs it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__all__":  # the system's own questions
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        with _lock:
            if type(self) is LateModule:
                loader = vars(self).pop("_loader_of_late_module")
                self.__class__ = ModuleType  # type: ignore[assignment]  # so that its own code finds what it has just made
                loader.exec_module(self)
        return getattr(self, name)


class LateLoader(Loader):
    """Makes a module that another loader runs when it is asked for something."""

    def __init__(self, loader: Loader, names: Mapping[str, Callable[[], Any]]) -> None:
        """Args:
        loader: of the module.
        names: name -> what makes it; these are there at once.
        """
        self._loader, self._names = loader, names

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """An empty module."""
        return LateModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Runs nothing but what makes the names."""
        vars(module).update({name: made() for name, made in self._names.items()}, _loader_of_late_module=self._loader)
