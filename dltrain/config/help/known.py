"""The components that help speaks of: Keras's, and those that the own code of a config registers, where one is given."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

from dltrain.config.catalog.catalog import Catalog, load_catalog

_given: ContextVar[Catalog | None] = ContextVar("catalog of a config", default=None)


def known_catalog() -> Catalog:
    """The catalog of the config that help was asked with, else Keras's."""
    return _given.get() or load_catalog()


@contextlib.contextmanager
def knowing(catalog: Catalog | None) -> Iterator[None]:
    """Within, help knows the components of this catalog; None: Keras's."""
    token = _given.set(catalog)
    try:
        yield
    finally:
        _given.reset(token)
