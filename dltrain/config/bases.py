"""`extends`: the configs that a config begins with, put together before anything of it is read.

Later files win over earlier ones, and the config itself over all: mappings are merged key by key, lists and components are
replaced whole, and null takes a key away. Each value keeps the place at which it stands.
"""

from __future__ import annotations

import contextlib
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from dltrain.config.keys import COMPONENT_PLACES
from dltrain.config.text.nodes import Faults, ListNode, MappingNode, Node, ScalarNode
from dltrain.config.text.paths import why_no_path
from dltrain.config.text.scalars import describe
from dltrain.config.text.yaml_reader import MOST_BYTES, MOST_NODES, read_yaml
from dltrain.errors import ConfigError, reason_of
from dltrain.storage.far.address import is_far
from dltrain.storage.formats.other_files import DATA_SUFFIXES
from dltrain.wording import did_you_mean, without_credentials

EXTENDS = "extends"
MOST_FILES = 100
DEEPEST = 20
CALLED = (".yaml", ".yml", ".json")
# Besides components: what one file says of these is no part of what another says.
_WHOLE = re.compile(r"(?:parameters|model\.inputs)\.[^.]+|sweep\.parameters\..+|sweep\.choices\.[^.]+\.[^.]+")


def read_file(path: Path) -> bytes | str:
    """The bytes of a config file, or why there are none: a sentence."""
    try:
        if os.path.isdir(path):
            return "expected a config file, found a folder"
        if path.suffix.lower() in DATA_SUFFIXES and os.path.isfile(path):
            return "expected a config file, found a file of data"
        with path.open("rb") as stream:
            return stream.read(MOST_BYTES + 1)
    except FileNotFoundError:
        return "no such config file"
    except (OSError, ValueError) as error:
        reason = reason_of(error)
        return f"the config file cannot be read: {reason}"


def near_files(path: Path) -> str | None:
    """A hint with the config file that is meant by the name of one that is not there."""
    full = next((f"{path}{ending}" for ending in (".yaml", ".yml") if os.path.isfile(f"{path}{ending}")), None)
    if full is not None:
        return f'did you mean "{full}"?'
    try:
        names = sorted(other.name for other in path.parent.iterdir() if other.suffix in (".yaml", ".yml"))
    except OSError:
        return f"there is no folder {path.parent}"
    there = "" if names else "; this folder has no .yaml file" if path.parent == Path() else f"; {path.parent} has no .yaml file"
    return did_you_mean(path.name, names[:1000]) or f"`dltrain init DATA` writes a first config for a table or a folder{there}"


def bases_of(file: Path) -> set[str]:
    """The real paths of the files that a config begins with, as far as they can be read."""
    faults = Faults()
    bases = Bases(faults)
    text = read_file(file)
    with contextlib.suppress(ConfigError):
        root = read_yaml(text, str(file), faults) if isinstance(text, bytes) else None
        if isinstance(root, MappingNode):
            bases.put_under(root, file.parent, ((os.path.realpath(file), str(file)),))
    return {os.path.realpath(folder / os.path.basename(name)) for name, folder in bases.folders.items()}


@dataclass(slots=True)
class Bases:
    """Reads what a config extends.

    Attributes:
        faults: where what cannot be read is noted.
        folders: file, as messages name it -> its folder, for the relative paths that stand in it.
        left: how many values may still be read.
        num_read: how many files have been read.
    """

    faults: Faults
    folders: dict[str, Path] = field(default_factory=dict)
    left: int = MOST_NODES
    num_read: int = 0

    def put_under(self, root: MappingNode, folder: Path, above: tuple[tuple[str, str], ...]) -> MappingNode:
        """The tree with what it extends below it; the key itself is taken out.

        Args:
            root: the tree of a file.
            folder: that of the file.
            above: the real path and the name of the file, and of those that extend it.
        """
        node = root.entries.pop(EXTENDS, None)
        root.keys.pop(EXTENDS, None)
        merged: MappingNode | None = None
        for item in self._items(node):
            base = self._read(item, folder, above)
            if base is not None:
                merged = base if merged is None else merge(merged, base)
        return root if merged is None else merge(merged, root)

    def _items(self, node: Node | None) -> list[Node]:
        if node is None or (isinstance(node, ScalarNode) and node.value is None):
            return []
        items = list(node.items) if isinstance(node, ListNode) else [node]
        if len(items) > MOST_FILES:
            self.faults.add(node, EXTENDS, f"expected at most {MOST_FILES} configs, found {len(items):,}")
            return []
        return items

    def _read(self, node: Node, folder: Path, above: tuple[tuple[str, str], ...]) -> MappingNode | None:
        if not isinstance(node, ScalarNode) or not isinstance(node.value, str) or not node.value or "\0" in node.value:
            found = describe(node.plain())
            self.faults.add(node, EXTENDS, f"expected the path of a config, found {found}", "such as extends: base.yaml")
            return None
        if is_far(node.value):
            message = f"expected the path of a config, found the address {without_credentials(node.value)}"
            self.faults.add(node, EXTENDS, message, "data alone is read from elsewhere: fetch the config, and name the file")
            return None
        if (reason := why_no_path(node.value)) is not None:
            self.faults.add(node, EXTENDS, reason)
            return None
        path = (Path.cwd() if node.word is not None else folder) / os.path.expanduser(node.value)
        beside = "" if node.place is None or node.word is not None else os.path.dirname(node.place.file)
        shown = os.path.normpath(os.path.join(beside, os.path.expanduser(node.value)))
        real = os.path.realpath(path)
        chain = [name for other, name in above]
        if real in [other for other, _ in above]:
            round_trip = " → ".join([*chain[[other for other, _ in above].index(real) :], shown])
            self.faults.add(node, EXTENDS, f"the config {shown} extends itself: {round_trip}", "leave one of them out")
            return None
        if len(above) > DEEPEST:
            self.faults.add(node, EXTENDS, f"expected at most {DEEPEST} configs that extend each other, found more")
            self.faults.raise_errors()
        is_other = os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path)
        text = "expected a config file" if is_other else read_file(path)
        hint = near_files(path) if isinstance(text, str) and text.startswith("no such") else None
        if isinstance(text, bytes) and node.word is None and not real.lower().endswith(CALLED):
            # A stranger's config may name any file of the reader's: what is wrong with it as a config shows what it holds.
            text, hint = "expected a config, a file that ends in .yaml", "rename it, if it is one"
        if isinstance(text, str):
            self.faults.add(node, EXTENDS, f"{text}: {shown}", hint)
            return None
        return self._tree(node, text, shown, path.parent, (*above, (real, shown)))

    def _tree(self, node: Node, text: bytes, shown: str, folder: Path, above: tuple[tuple[str, str], ...]) -> MappingNode | None:
        root = read_yaml(text, shown, self.faults)
        self.left -= root.count()
        self.num_read += 1
        self.folders[shown] = folder
        if self.left < 0 or self.num_read > MOST_FILES:
            most = f"{MOST_NODES:,} values" if self.left < 0 else f"{MOST_FILES} configs"
            self.faults.add(node, EXTENDS, f"expected at most {most} in all that is extended, found more")
            self.faults.raise_errors()
        if not isinstance(root, MappingNode):
            self.faults.add(root, None, f"expected a mapping of keys at the top, found {describe(root.plain())}")
            return None
        return self.put_under(root, folder, above)


def merge(base: MappingNode, over: MappingNode, path: str = "") -> MappingNode:
    """Two trees as one, in which `over` wins."""
    entries, keys = dict(base.entries), dict(base.keys)
    for name, value in over.entries.items():
        where = f"{path}.{name}" if path else name
        below = entries.get(name)
        if below is not None and isinstance(value, ScalarNode) and value.value is None and not value.quoted:
            del entries[name], keys[name]
            continue
        is_whole = COMPONENT_PLACES.fullmatch(where) is not None or _WHOLE.fullmatch(where) is not None
        merges = isinstance(below, MappingNode) and isinstance(value, MappingNode) and not is_whole
        entries[name] = merge(below, value, where) if merges else value  # type: ignore[arg-type]
        keys[name] = over.keys[name]
    return MappingNode(over.place, over.word, over.parameter, entries, keys)
