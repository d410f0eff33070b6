"""Own code of a config: files of Python that register components with Keras, as bytes that were read once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class CodeFile:
    """A file of own code. What is hashed, looked through, imported and kept in a run are these very bytes.

    Attributes:
        name: of the file, without folders.
        source: its bytes.
        shown: the file as messages name it.
    """

    name: str
    source: bytes = field(repr=False)
    shown: str = field(compare=False)

    @property
    def digest(self) -> str:
        """SHA-256, in hexadecimal digits."""
        import hashlib

        return hashlib.sha256(self.source).hexdigest()


@dataclass(frozen=True, slots=True)
class OwnComponent:
    """A component that a file of own code registers, read from its source.

    Attributes:
        kind: as in `Component.kind`; of a function that may be of several kinds the first.
        name: under which a config names it, and Keras finds it again.
        class_name: of its class, or function, in the file.
        file: the file as messages name it.
        line: of the class.
        base: the class of Keras's own that it is derived from, such as `Dense`; None: only from `Layer`, `Loss`, ...
        entry: what the catalog would hold of it: doc, arguments.
        is_function: whether it is a function, not a class.
        others: further kinds that a function may be of -> what the catalog would hold of it there.
    """

    kind: str
    name: str
    class_name: str
    file: str
    line: int
    base: str | None
    entry: Mapping[str, Any] = field(repr=False)
    is_function: bool = False
    others: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, repr=False)

    @property
    def entries(self) -> dict[str, Mapping[str, Any]]:
        """Each kind that it may be of -> what the catalog would hold of it there."""
        return {self.kind: self.entry, **self.others}


@dataclass(frozen=True, slots=True)
class OwnCode:
    """All own code of a config.

    Attributes:
        files: in the order in which they are imported.
        components: name -> what it is.
    """

    files: tuple[CodeFile, ...]
    components: Mapping[str, OwnComponent] = field(compare=False, repr=False)

    @property
    def digest(self) -> str:
        """One for all files, names and order included."""
        text = "\n".join(f"{file.name} {file.digest}" for file in self.files)
        import hashlib

        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def sources(self) -> dict[str, bytes]:
        """Name of each file -> its bytes."""
        return {file.name: file.source for file in self.files}

    @property
    def plain(self) -> dict[str, str]:
        """As a run's config holds it: where the run keeps each file -> its SHA-256."""
        return {f"{FOLDER}/{file.name}": file.digest for file in self.files}


# Where a run keeps its copies.
FOLDER = "code"
