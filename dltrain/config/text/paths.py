"""Relative paths of a config: against its folder, then `$DLTRAIN_DATA`; those of overrides against the working directory."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dltrain import settings
from dltrain.config.text.nodes import Node
from dltrain.storage.far.address import is_far, remember_secret
from dltrain.storage.patterns import is_there
from dltrain.wording import is_text

# No system takes longer ones; what looks for them, or for a pattern of more folders, takes a step for each.
LONGEST = 4096
DEEPEST_PATTERN = 100
_EVERYWHERE = re.compile(r"(?:\*\*/)+")


def why_no_path(text: str) -> str | None:
    """Why a text cannot be a path or a pattern, in words."""
    if len(text) > LONGEST:
        return f"expected a path of at most {LONGEST:,} characters, found one of {len(text):,}"
    depth = text.count("/")
    if depth > DEEPEST_PATTERN and has_pattern(text):
        return f"expected a pattern of at most {DEEPEST_PATTERN} folders in each other, found one of {depth:,}"
    return None


def why_not_held(path: str) -> str | None:
    """Why no config can name an absolute path, in words: YAML is UTF-8, and names of files and folders may be any bytes."""
    return None if is_text(path) else f"expected a path that is UTF-8 text, as a config is, found {path!r}: rename it"


def has_pattern(path: str) -> bool:
    """Whether it may stand for several files."""
    return any(character in path for character in "*?[")


@dataclass(frozen=True, slots=True)
class Paths:
    """How a path that a config names becomes absolute.

    Attributes:
        folder: the config's.
        data_folder: `$DLTRAIN_DATA`, or None.
        others: file that the config extends -> its folder.
    """

    folder: Path
    data_folder: Path | None
    others: Mapping[str, Path] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path, others: Mapping[str, Path] | None = None) -> Paths:
        """For a config in that folder, with the environment's data folder."""
        absolute = {file: Path(os.path.abspath(other)) for file, other in (others or {}).items()}
        return cls(Path(os.path.abspath(folder)), settings.data_folder(), absolute)

    def resolve(self, text: str, node: Node, *, also: str | None = None) -> str:
        """The absolute path (or pattern): the first candidate that is there, else the first.

        Args:
            text: as written; `~` is the home folder.
            node: its node, which knows whether an override brought it.
            also: a folder below `$DLTRAIN_DATA` in which it may be as well.
        """
        if is_far(text):
            remember_secret(text)
            return text
        path = _EVERYWHERE.sub("**/", os.path.expanduser(text))  # twice says no more, and is gone through many times
        if os.path.isabs(path):
            return os.path.normpath(path)
        own = self.folder if node.place is None else self.others.get(node.place.file, self.folder)
        folders = [Path.cwd()] if node.word is not None else [own]
        if self.data_folder is not None:
            folders += [self.data_folder, *([self.data_folder / also] if also else [])]
        candidates = [os.path.normpath(os.path.join(folder, path)) for folder in folders]
        return next((candidate for candidate in candidates if is_there(candidate)), candidates[0])
