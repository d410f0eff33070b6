"""The types of config values in a short notation, and how a YAML node is read as one.

The notation, used by the catalog, by the keys and by the data sources: alternatives joined by `|`, each one of

    int  number  bool  text  name  mapping  any  none      `name` takes any scalar as the text that was written
    int>=1  number>0  number[0,1)                          with a range; numbers are finite
    'valid'                                                this very word, in any case
    duration                                               `3 epochs`, or `10 %` of the training
    list(...)  map(...)                                    a list of, or a mapping from text to, what stands inside
    initializer  regularizer  constraint  schedule  curve  layer  optimizer  loss  metric  activation
    transformer                                            a component by name
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from dltrain.config.durations import duration
from dltrain.config.old_words.values import KNOWN_VALUES, SAID_OF_VALUES
from dltrain.config.text.nodes import Faults, ListNode, MappingNode, Node, ScalarNode
from dltrain.config.text.scalars import describe, read_scalar
from dltrain.wording import did_you_mean, normalize, without_secrets

COMPONENTS = {
    "initializer",
    "regularizer",
    "constraint",
    "schedule",
    "curve",
    "layer",
    "optimizer",
    "loss",
    "metric",
    "activation",
    "transformer",
}
RANGE = re.compile(r"(int|number)(?:(>=?)(-?[\d.]+)|([\[(])(-?[\d.]+),(-?[\d.]+)([\])]))?")

# (the kinds of component that may stand there, joined by `|`; what is there; its key) -> the component
ReadComponent = Callable[[str, Node, str], Any]


class Mismatch:
    """The result of reading a value that does not fit."""


MISMATCH = Mismatch()


@dataclass(frozen=True, slots=True)
class Range:
    """Bounds of a number; None: no bound."""

    low: float | None = None
    high: float | None = None
    low_open: bool = False
    high_open: bool = False

    def holds(self, value: float) -> bool:
        """Whether the number is finite and inside."""
        if not math.isfinite(value):
            return False
        if self.low is not None and (value < self.low or (self.low_open and value == self.low)):
            return False
        return not (self.high is not None and (value > self.high or (self.high_open and value == self.high)))


@dataclass(frozen=True, slots=True)
class Alternative:
    """One thing that a value may be.

    Attributes:
        word: "int", "number", "bool", "text", "name", "mapping", "any", "none", "word", "list", "map", or a kind of component.
        literal: the word itself, for "word".
        range: for numbers.
        item: what a list or a mapping holds.
    """

    word: str
    literal: str = ""
    range: Range = Range()
    item: Kind | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """What a value may be."""

    alternatives: tuple[Alternative, ...]

    def describe(self) -> str:
        """The alternatives in words: `a whole number of at least 1`, `one of valid, same`."""
        words = [alternative.literal for alternative in self.alternatives if alternative.word == "word"]
        parts = ([f"one of {', '.join(words)}"] if len(words) > 1 else words) + [
            _describe(alternative) for alternative in self.alternatives if alternative.word != "word"
        ]
        return " or ".join(parts)

    def takes(self, word: str) -> bool:
        """Whether one of the alternatives is `word`."""
        return any(alternative.word == word for alternative in self.alternatives)


@lru_cache(maxsize=1024)
def parse_kind(notation: str) -> Kind:
    """The kind that a notation stands for.

    Raises:
        ValueError: the notation is wrong (a mistake in a table of ours, not the user's).
    """
    alternatives = []
    depth, start = 0, 0
    for index, character in enumerate(notation + "|"):
        if character == "|" and depth == 0:
            alternatives.append(_parse_alternative(notation[start:index]))
            start = index + 1
        elif notation[start:].startswith(("list(", "map(")):
            depth += {"(": 1, ")": -1}.get(character, 0)
    return Kind(tuple(alternatives))


def _parse_alternative(text: str) -> Alternative:
    if text.startswith("'") and text.endswith("'"):
        return Alternative("word", literal=text[1:-1])
    for container in ("list", "map"):
        if text.startswith(container + "(") and text.endswith(")"):
            return Alternative(container, item=parse_kind(text[len(container) + 1 : -1]))
    match = RANGE.fullmatch(text)
    if match:
        word, comparison, bound, opening, low, high, closing = match.groups()
        if comparison:
            return Alternative(word, range=Range(low=float(bound), low_open=comparison == ">"))
        if opening:
            return Alternative(word, range=Range(float(low), float(high), opening == "(", closing == ")"))
        return Alternative(word)
    if text in COMPONENTS or text in ("bool", "text", "name", "mapping", "any", "none", "duration"):
        return Alternative(text)
    raise ValueError(f"unknown kind {text!r}")


def _describe(alternative: Alternative) -> str:
    word, limits = alternative.word, alternative.range
    if word in ("int", "number"):
        name = "a whole number" if word == "int" else "a number"
        low = f"{limits.low:g}" if limits.low is not None else ""
        if limits.high is not None:
            below = "to below" if limits.high_open else "to"
            return f"{name} {'above' if limits.low_open else 'from'} {low} {below} {limits.high:g}"
        if low:
            return f"{name} above {low}" if limits.low_open else f"{name} of at least {low}"
        return name
    if word == "list":
        assert alternative.item is not None
        return f"a list of {_plural(alternative.item)}"
    if word == "map":
        assert alternative.item is not None
        return f"a mapping to {alternative.item.describe()}"
    articles = {
        "bool": "true or false",
        "text": "text",
        "name": "a name",
        "mapping": "a mapping",
        "any": "a value",
        "none": "null",
        "duration": "`N epochs`, `N %`",
    }
    return articles.get(word) or f"{'an' if word[0] in 'aeiou' else 'a'} {word}"


def _plural(kind: Kind) -> str:
    described = kind.describe()
    for article, plural in (
        ("a whole number", "whole numbers"),
        ("a number", "numbers"),
        ("a name", "names"),
        ("a layer", "layers"),
        ("a value", "values"),
    ):
        if described.startswith(article):
            return plural + described[len(article) :]
    return described


def read_kind(kind: Kind, node: Node, path: str, faults: Faults, read_component: ReadComponent) -> Any:
    """Reads a node as a value of that kind.

    Args:
        kind: what is expected.
        node: what is there.
        path: its key in override form.
        faults: where a misfit is noted.
        read_component: reads a component of the named kind from a node.

    Returns:
        the value, or `MISMATCH` where it does not fit.
    """
    for each in (node, *_unquoted(node)):
        for alternative in kind.alternatives:
            value = _read_simple(alternative, each)
            if value is not MISMATCH:
                return value
    is_name = isinstance(node, ScalarNode) and isinstance(node.value, str) and not _is_secret(node)
    text_or_mapping = isinstance(node, MappingNode) or is_name
    for alternative in kind.alternatives:
        if alternative.word in COMPONENTS and text_or_mapping:
            words = [other.word for other in kind.alternatives if other.word in COMPONENTS]
            return read_component("|".join(words), node, path)
        if alternative.word == "list" and isinstance(node, ListNode) and alternative.item:
            values = [
                read_kind(alternative.item, item, f"{path}.{index}", faults, read_component)
                for index, item in enumerate(node.items)
            ]
            return MISMATCH if any(value is MISMATCH for value in values) else values
        if alternative.word == "map" and isinstance(node, MappingNode) and alternative.item:
            pairs = {
                key: read_kind(alternative.item, item, f"{path}.{key}", faults, read_component)
                for key, item in node.entries.items()
            }
            return MISMATCH if any(value is MISMATCH for value in pairs.values()) else pairs
    found = node.plain()
    faults.add(
        node,
        path,
        f"expected {kind.describe()}, found {describe(found)}",
        _belongs_elsewhere(node, path) or _hint(kind, node, path),
    )
    return MISMATCH


def _is_secret(node: ScalarNode) -> bool:
    return without_secrets(node.text) != node.text


def _unquoted(node: Node) -> list[ScalarNode]:
    """The value of a variable as it would be read without the quotes, which `{key: "${env:NAME}"}` cannot do without."""
    if not isinstance(node, ScalarNode) or not node.looked_up:
        return []
    return [replace(node, value=read_scalar(node.text.strip()), quoted=False, looked_up=False)]


def _read_simple(alternative: Alternative, node: Node) -> Any:
    """The value, where the alternative is neither a component nor a container and the node fits it; else `MISMATCH`."""
    word = alternative.word
    if word == "any" or (word == "mapping" and isinstance(node, MappingNode)):
        return node.plain()
    if not isinstance(node, ScalarNode):
        return MISMATCH
    value, text = node.value, node.value if isinstance(node.value, str) else ""
    number = value if isinstance(value, int | float) and not isinstance(value, bool) else None
    if word == "duration":
        return (duration(text) if text else None) or MISMATCH
    if word == "name":
        return MISMATCH if value is None or node.text == "" else node.text
    if word == "word":
        return alternative.literal if text.lower() == alternative.literal.lower() and text else MISMATCH
    fits = {
        "none": value is None,
        "bool": isinstance(value, bool),
        "int": isinstance(number, int) and abs(number) < 1 << 63 and alternative.range.holds(number),
        "number": number is not None and abs(number) < 1e308 and alternative.range.holds(number),
        "text": text != "",
    }
    return value if fits.get(word) else MISMATCH


def _belongs_elsewhere(node: Node, path: str) -> str | None:
    """The key that says what was written below another one."""
    if path.startswith("data.encode") and "min_count" in (path.rpartition(".")[2], *getattr(node, "entries", ())):
        return "how many rows a category needs is data.min_count: 10, or of single columns {COLUMN: 10}"
    return None


def _hint(kind: Kind, node: Node, path: str) -> str | None:
    """What to write in the place of a scalar that does not fit."""
    if not isinstance(node, ScalarNode):
        return None
    words = [alternative.literal for alternative in kind.alternatives if alternative.word == "word"]
    takes_text, takes_list = kind.takes("text"), kind.takes("list") and not kind.takes("text")
    meant = _meant(kind, node, path, words)
    if meant is not None:
        return meant
    if isinstance(node.value, str) and words:
        return did_you_mean(node.value, words)
    if kind.takes("duration") and isinstance(node.value, str) and not node.value.strip().isdecimal():
        return "at most 100 %, which is the whole training" if node.value.strip().endswith("%") else "such as 3 epochs, or 10 %"
    if isinstance(node.value, int | float) and kind.takes("regularizer"):
        return f"write {{L2: {{l2: {node.text}}}}}"
    if kind.takes("initializer") and not isinstance(node.value, str) and node.value in (0, 1):
        return f"write {'Ones' if node.value else 'Zeros'}"
    if takes_text and node.value is not None:
        return f'put quotes around it if text is meant: "{node.text}"'
    if node.quoted and any(map(kind.takes, ("int", "number", "bool"))) and not isinstance(_value_without_quotes(node.text), str):
        return "leave the quotes out"
    if takes_list and _may_be_item(kind, node.value):
        return _list_hint(path, node)
    return _bool_hint(node, path) if kind.takes("bool") else None


def _may_be_item(kind: Kind, value: Any) -> bool:
    """Whether a list of this one value may do: of a number that is out of the items' range as well it does not."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return True
    if abs(value) > LARGEST:
        return False
    items = [each for alternative in kind.alternatives if alternative.item is not None for each in alternative.item.alternatives]
    return not items or any(item.word not in ("int", "number") or item.range.holds(value) for item in items)


def _value_without_quotes(text: str) -> Any:
    """What a text is without quotes around it: text still, or a number, a truth, a parameter, which may be any value."""
    return None if re.fullmatch(r"\$[A-Za-z_]\w*", text.strip()) else read_scalar(text.strip())


def _meant(kind: Kind, node: ScalarNode, path: str, words: Sequence[str]) -> str | None:
    """What a value certainly means: a word of another library, a share in percent, Python's None."""
    said = SAID_OF_VALUES.get(path, {}).get(normalize(node.text))
    if said is not None:
        return said
    known = next((word for word in KNOWN_VALUES.get(normalize(node.text), ()) if word in words), None)
    if known is not None:
        return f"write {known}"
    if not kind.takes("text") and _is_secret(node):
        return "a secret is text alone, so that it can be kept out of what is written; ${env:NAME} is any value"
    number = _number_meant(kind, node.value)
    if path.startswith("data.split.") and isinstance(node.value, int) and node.value > 1 and kind.takes("number"):
        share = f"write {number} for {node.value} %" if number is not None else "such as 0.2 for a fifth of them"
        return f"{share}; a part is a share of the rows, not a number of them"
    if number is not None:
        return f"write {number}"
    is_none = node.text == "None" and not kind.takes("text")
    return "Python's None is null here, which takes the default" if is_none else None


def _bool_hint(node: ScalarNode, path: str) -> str | None:
    if str(node.value).lower() in ("yes", "no", "on", "off", "0", "1"):
        return "write true or false"
    if not isinstance(node.value, str):
        return None
    is_color = path.endswith(".color")
    return "write true for three colour channels, false for grey" if is_color else did_you_mean(node.value, ["true", "false"])


MOST_DIGITS = 40  # of a number that a person has written
LARGEST = 10**MOST_DIGITS


def _number_meant(kind: Kind, value: Any) -> str | None:
    """The number that is meant by a share in percent, or by a whole one with a point: 0.25 for `25%` and 25, 30 for 30.0."""
    if kind.takes("duration") or (isinstance(value, str) and len(value) > MOST_DIGITS):
        return None
    if isinstance(value, str) and re.fullmatch(r"\s*\d+(\.\d*)?\s*%\s*", value):
        number = float(value.strip().rstrip("% ")) / 100
    elif isinstance(value, str) and (share := re.fullmatch(r"\s*(\d+\.?\d*)\s*/\s*(\d*[1-9]\d*\.?0*)\s*", value)):
        number = float(share[1]) / float(share[2])
    elif isinstance(value, str) and re.fullmatch(r"\d{1,3}(_\d{3})+", value):
        number = float(value.replace("_", ""))
    elif isinstance(value, float) and value.is_integer() and kind.takes("int"):
        number = value
    elif isinstance(value, int | float) and not isinstance(value, bool) and 10 <= value < 100:
        number = value / 100
    else:
        return None
    number = int(number) if number.is_integer() else float(f"{number:.12g}")
    for alternative in kind.alternatives:
        is_share = alternative.range.high == 1
        fits = alternative.word == "int" or (alternative.word == "number" and (is_share or isinstance(value, str)))
        if fits and alternative.range.holds(number) and (alternative.word != "int" or isinstance(number, int)):
            return str(number)
    return None


def _list_hint(path: str, node: ScalarNode) -> str | None:
    """How the scalar is written as a list: sizes of pictures have two numbers, and YAML knows no round brackets."""
    text = node.text.strip("() ")
    if re.fullmatch(r"\d+\s*[x×*]\s*\d+", text):
        text = re.sub(r"[x×*]", ",", text)
    items = [item.strip() for item in text.split(",") if item.strip()]
    if not items:
        return None
    if node.text.startswith("("):
        return f"write [{', '.join(items)}]" if node.text.endswith(")") else "a list stands in square brackets: [2, 2]"
    if path.rpartition(".")[2] in ("image_size", "picture_size") and len(items) == 1:
        return f"write [{items[0]}, {items[0]}], height and width"
    return f"write [{', '.join(items)}]"
