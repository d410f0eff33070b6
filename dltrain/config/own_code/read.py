"""Reads the key `code`: the files that it names, once, and what they register."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from dltrain.config.catalog.catalog import Catalog
from dltrain.config.own_code.files import Refused, read_anywhere, read_below
from dltrain.config.own_code.source import Sources
from dltrain.config.text.nodes import Faults, ListNode, MappingNode, Node, ScalarNode
from dltrain.config.text.scalars import describe
from dltrain.config.types import Place
from dltrain.config.types.own_code import CodeFile, OwnCode
from dltrain.wording import did_you_mean

KEY = "code"
MOST_FILES = 20
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}\.py")
_DIGEST = re.compile(r"[0-9a-f]{64}")


def read_code(
    node: Node | None,
    folder: Path,
    folders: Mapping[str, Path],
    faults: Faults,
    catalog: Catalog,
    known: OwnCode | None = None,
) -> tuple[OwnCode | None, dict[str, Place]]:
    """The own code of a config.

    Args:
        node: what stands at the key: a file, a list of files, or a mapping from files to their SHA-256.
        folder: of the config.
        folders: file that the config extends -> its folder.
        faults: where what is wrong is noted.
        catalog: Keras's components.
        known: code that was read already: a file with its SHA-256 is taken from there.

    Returns:
        the code, None where there is none; and the classes that could be components, but are not registered.

    Raises:
        ConfigError: there are too many.
    """
    items = list(_items(node, faults))
    if len(items) > MOST_FILES:
        faults.add(node, KEY, f"expected at most {MOST_FILES} files of own code, found {len(items):,}")
        faults.raise_errors()
    num_faults = len(faults.errors)
    sources = Sources(catalog, faults)
    files: list[CodeFile] = []
    for item, digest, path in items:
        file = _read(item, digest, path, folder, folders, faults, known)
        if file is None:
            continue
        if any(other.name == file.name for other in files):
            faults.add(item, path, f"two files are called {file.name}", "a run keeps them in one folder: rename one of them")
            continue
        files.append(file)
        sources.add(file)
    if len(faults.errors) > num_faults:
        faults.are_partial = True
    code = OwnCode(tuple(files), sources.components) if files else None
    return code, sources.unregistered


def _items(node: Node | None, faults: Faults) -> Iterator[tuple[ScalarNode, str | None, str]]:
    """The files that are named: the node of the path, the SHA-256 that is said of it, and its key."""
    if node is None or (isinstance(node, ScalarNode) and node.value is None and not node.quoted):
        return
    if isinstance(node, MappingNode):
        for name, value in node.entries.items():
            blame = ScalarNode(node.keys[name], node.word, node.parameter, name, name)
            digest = value.value if isinstance(value, ScalarNode) else None
            if isinstance(digest, str) and _DIGEST.fullmatch(digest):
                yield blame, digest, f"{KEY}.{name}"
            else:
                message = f"expected the SHA-256 of {name}, 64 hexadecimal digits, found {describe(value.plain())}"
                faults.add(value, f"{KEY}.{name}", message, f"or a list of files: code: [{name}]")
        return
    is_list = isinstance(node, ListNode)
    for index, item in enumerate(node.items if isinstance(node, ListNode) else [node]):
        path = f"{KEY}.{index}" if is_list else KEY
        if isinstance(item, ScalarNode) and isinstance(item.value, str) and item.value:
            yield item, None, path
        else:
            faults.add(item, path, f"expected a file of Python, found {describe(item.plain())}", "such as code: [my_layers.py]")


def _read(
    node: ScalarNode,
    digest: str | None,
    path: str,
    folder: Path,
    folders: Mapping[str, Path],
    faults: Faults,
    known: OwnCode | None,
) -> CodeFile | None:
    """One file; None where it cannot be had (noted)."""
    text = node.text
    name = text.replace("\\", "/").rpartition("/")[2]
    if not _NAME.fullmatch(name):
        hint = "letters, digits and _, and .py at the end, such as my_layers.py"
        faults.add(node, path, f"expected a file of Python, found {text[:200]}", hint)
        return None
    there = known.files if known is not None and digest is not None else ()
    own = next((file for file in there if (file.name, file.digest) == (name, digest)), None)
    if own is not None:
        return own
    base = folder if node.place is None else folders.get(node.place.file, folder)
    beside = "" if node.place is None or node.word is not None else os.path.dirname(node.place.file)
    shown = os.path.normpath(os.path.join(beside, text))
    try:
        is_word = node.word is not None
        source = read_anywhere(Path(os.path.expanduser(text)), shown) if is_word else read_below(base, text)
    except Refused as error:
        faults.add(node, path, error.message, error.hint or _near(base, text))
        return None
    file = CodeFile(name, source, shown)
    if digest is not None and file.digest != digest:
        message = f"{text} was changed: its SHA-256 is {file.digest[:12]}…, the config says {digest[:12]}…"
        faults.add(node, path, message, "if the change is meant, say code: [FILE] without a SHA-256")
        return None
    return file


def _near(folder: Path, text: str) -> str | None:
    """The file that may be meant by a name of none."""
    try:
        names = sorted(other.name for other in (folder / text).parent.iterdir() if other.suffix == ".py")
    except (OSError, ValueError):
        return None
    return did_you_mean(os.path.basename(text), names[:1000])
