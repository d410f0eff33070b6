"""`${env:NAME}`, `${env:NAME, default}` and `${secret:NAME}`: values of the environment, whole or inside of text.

What the environment holds is not looked through again. A run holds what an ordinary variable said, and of a secret only the
reference, which is looked up anew when the run is used.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from dltrain.config.keys import replace_scalars
from dltrain.config.text.nodes import Faults, MappingNode, Node, ScalarNode
from dltrain.config.text.scalars import read_scalar
from dltrain.config.text.yaml_reader import MOST_BYTES, find_forbidden
from dltrain.wording import hide_secret, without_secrets

_REFERENCE = re.compile(r"\$(\$\{(?:env|secret):)|\$\{(env|secret):([^{},]*)(?:,([^{}]*))?\}|(\$\{(?:env|secret):)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Variables that hold a secret, by what they are usually called.
_SECRET_NAMES = re.compile(r"(?i)token|secret|passw(or)?d|credential|(api|access|private)_?key")
_OF_A_SHELL = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
SHORTEST_SECRET = 6
LONGEST_NAME = 1000


@dataclass(slots=True)
class Environment:
    """Puts values of the environment into trees.

    Attributes:
        faults: where what is not set is noted.
        left: how many characters may still be put in.
    """

    faults: Faults
    left: int = MOST_BYTES
    variables: Mapping[str, str] = field(default_factory=lambda: os.environ)

    def put_in(self, node: Node, path: str) -> Node:
        """The tree with its references replaced; it is changed in place below its top."""
        return replace_scalars(node, path, self._scalar)

    def _scalar(self, node: ScalarNode, path: str) -> ScalarNode:
        if "${" not in node.text:
            return node
        shell = None if node.quoted else _OF_A_SHELL.fullmatch(node.text)
        if shell is not None:
            hint = f"write ${{env:{shell[1]}}}, or put quotes around it if this very text is meant"
            self.faults.add(node, path, f"{node.text} is no value of the environment here", hint)
        found = [self._value(match, node, path) for match in _REFERENCE.finditer(node.text)]
        if None in found:
            self.faults.leave_open(path)
            return ScalarNode(node.place, node.word, None, "", None, removed=True)
        values = iter(found)
        text = _REFERENCE.sub(lambda _match: str(next(values)), node.text)
        if text == node.text:
            return node
        whole = _REFERENCE.fullmatch(node.text)
        is_plain = whole is not None and whole[2] == "env" and without_secrets(text) == text
        value = read_scalar(text.strip()) if is_plain and not node.quoted else text
        quoted = node.quoted or not is_plain
        return ScalarNode(node.place, node.word, node.parameter, text, value, quoted, looked_up=is_plain and quoted)

    def _value(self, match: re.Match[str], node: ScalarNode, path: str) -> str | None:
        """The value of one `${NAME}`; None where there is none (noted)."""
        escaped, kind, name, default, torn = match.groups()
        if escaped:
            return escaped
        name = (name or "").strip()
        if torn or not _NAME.fullmatch(name):
            message = f"expected the name of an environment variable, found {node.text[match.start() :][:60]}"
            self.faults.add(node, path, message, f"such as ${{{'env' if torn else kind}:NAME}} or ${{env:NAME, default}}")
            return None
        if len(name) > LONGEST_NAME:
            message = f"expected the name of an environment variable, found {name[:60]}… of {len(name):,} characters"
            self.faults.add(node, path, message)
            return None
        value = self.variables.get(name)
        if value is None and default is not None and kind == "env":
            return default.strip()
        reference = f"${{{kind}:{name}}}"
        if value is None or (value == "" and kind == "secret"):
            is_there = "is not set" if value is None else "is empty"
            hint = f"set it, or give a default: ${{env:{name}, default}}" if kind == "env" else "set it where dltrain is started"
            self.faults.add(node, path, f"the environment variable {name} {is_there}", hint)
            return None
        if find_forbidden(value):
            self.faults.add(node, path, f"the environment variable {name} holds characters that are no text")
            return None
        self.left -= len(value)
        if self.left < 0:
            self.faults.add(node, path, f"expected at most {MOST_BYTES:,} characters from the environment, found more")
            self.faults.raise_errors()
        if kind == "secret" or _SECRET_NAMES.search(name):
            if len(value) < SHORTEST_SECRET:
                message = f"the secret {name} has fewer than {SHORTEST_SECRET} characters"
                self.faults.add(node, path, message, "so short a text could not be kept out of what is shown and written")
                return None
            hide_secret(value, reference)
        return value


def refuse_secrets(root: MappingNode, faults: Faults) -> None:
    """Note secrets where files of the run, or their names, would hold them as they are: `.h5` files say how layers are called."""
    data = root.entries.get("data")
    places = {key: root.entries.get(key) for key in ("name", "model", "training")}
    if isinstance(data, MappingNode):
        places["data.target"] = data.entries.get("target")

    def refuse(node: ScalarNode, path: str) -> ScalarNode:
        is_secret = isinstance(node.value, str) and without_secrets(node.text) != node.text
        if is_secret and "weights" not in path.split("."):
            hint = "secrets may stand in paths and addresses of data and weights"
            faults.add(node, path, f"the run would hold the secret {node.text}", hint)
        return node

    for path, tree in places.items():
        if tree is not None:
            replace_scalars(tree, path, refuse)


def as_written(value: Any) -> Any:
    """Plain values of a config as a text may hold them: secrets by their references, other text that looks like one escaped."""
    if isinstance(value, str):
        return without_secrets(re.sub(r"(\$\{(?:env|secret):)", r"$\1", value)) if "${" in value else without_secrets(value)
    if isinstance(value, Mapping):
        return {key: as_written(item) for key, item in value.items()}
    return [as_written(item) for item in value] if isinstance(value, list | tuple) else value
