"""Named values: `$name` as a whole plain scalar stands for the parameter of that name."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from dltrain.config.keys import IN_CHOICE, replace_scalars
from dltrain.config.text.nodes import Faults, MappingNode, Node, ScalarNode
from dltrain.config.text.scalars import describe
from dltrain.config.text.yaml_reader import DEEPEST, MOST_NODES
from dltrain.wording import did_you_mean, one_of

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
REFERENCE = re.compile(r"\$([A-Za-z_][^\s]*)")


@dataclass(slots=True)
class Parameters:
    """The parameters of a config.

    Attributes:
        nodes: name -> value, references inside already put in.
        uses: name -> key paths at which it stands.
    """

    nodes: dict[str, Node] = field(default_factory=dict)
    uses: dict[str, list[str]] = field(default_factory=dict)

    def keys(self) -> dict[str, tuple[str, ...]]:
        """Parameter -> the keys of the config it stands at; those of a parameter that it stands in are among them.

        Where it stands in what a choice of a sweep sets, `sweep.choices.NAME.CHOICE.` is in front of the key.
        """
        return {name: tuple(dict.fromkeys(self._keys_of(name))) for name in self.uses}

    def _keys_of(self, name: str) -> list[str]:
        found: list[str] = []
        for path in self.uses[name]:
            head, _, rest = path.partition(".")
            choice = IN_CHOICE.match(path)
            if head == "sweep" and (choice is None or path[choice.end() :].startswith("parameters.")):
                continue  # among values that are tried: it has been put in there
            if head != "parameters":
                found.append(path)
                continue
            other, _, inner = rest.partition(".")
            found += [f"{place}.{inner}" if inner else place for place in self._keys_of(other)]
        return found


def read_parameters(root: MappingNode, faults: Faults) -> Parameters:
    """Takes the `parameters:` block of a config; references among them are put in, circles are noted."""
    block = root.entries.get("parameters")
    if block is None or (isinstance(block, ScalarNode) and block.value is None):
        return Parameters()
    if not isinstance(block, MappingNode):
        faults.add(block, "parameters", f"expected a mapping of names to values, found {describe(block.plain())}")
        return Parameters()
    declared: dict[str, Node] = {}
    for name, value in block.entries.items():
        if not NAME.fullmatch(name):
            faults.add(
                block.keys[name],
                f"parameters.{name}",
                f"expected a name, found {describe(name)}",
                "letters, digits and _, beginning with a letter",
            )
        elif not (isinstance(value, ScalarNode) and value.removed):
            declared[name] = value
    parameters = Parameters(uses={name: [] for name in declared})
    budget = Budget()
    for name in declared:
        _settle(name, declared, parameters, faults, (), budget)
    return parameters


@dataclass(slots=True)
class Budget:
    """How many nodes may still be written out."""

    left: int = MOST_NODES

    def take(self, node: Node, faults: Faults) -> None:
        """Counts a node that is about to be copied; stops where it is too much."""
        self.left -= node.count()
        if self.left < 0:
            faults.add(node.place, "parameters", f"expected at most {MOST_NODES:,} values, parameters written out, found more")
            faults.raise_errors()


def _settle(
    name: str, declared: dict[str, Node], parameters: Parameters, faults: Faults, above: tuple[str, ...], budget: Budget
) -> None:
    if name in parameters.nodes:
        return
    if name in above:
        faults.add(
            declared[name],
            f"parameters.{name}",
            f"the parameter {name} is defined by itself: {' → '.join((*above[above.index(name) :], name))}",
        )
        faults.raise_errors()
    if len(above) > DEEPEST:
        faults.add(declared[name], f"parameters.{name}", f"expected at most {DEEPEST} parameters in a chain, found more")
        faults.raise_errors()
    for used in _references(declared[name]):
        if used in declared:
            _settle(used, declared, parameters, faults, (*above, name), budget)
    found = put_in(declared[name], f"parameters.{name}", parameters, faults, budget)
    if found.depth() > DEEPEST:
        faults.add(found, f"parameters.{name}", f"expected at most {DEEPEST} levels, parameters written out, found more")
        faults.raise_errors()
    parameters.nodes[name] = found


def _references(node: Node) -> list[str]:
    if isinstance(node, ScalarNode):
        match = None if node.quoted else REFERENCE.fullmatch(node.text)
        return [match.group(1)] if match else []
    return [name for child in node.children() for name in _references(child)]


def put_in(node: Node, path: str, parameters: Parameters, faults: Faults, budget: Budget) -> Node:
    """The node with its references replaced by the values they name; unknown names are noted.

    Args:
        node: any tree; it is changed in place below its top.
        path: its key, for messages and to remember where a parameter is used.
        parameters: their values; `uses` grows.
        faults: where unknown names are noted.
        budget: bounds what may be written out.
    """
    return replace_scalars(node, path, lambda scalar, where: _put_in_scalar(scalar, where, parameters, faults, budget))


def _put_in_scalar(node: ScalarNode, path: str, parameters: Parameters, faults: Faults, budget: Budget) -> Node:
    if node.quoted or not node.text.startswith("$"):
        return node
    if node.text.startswith("$$"):
        return ScalarNode(node.place, node.word, node.parameter, node.text[1:], node.text[1:], quoted=True)
    match = REFERENCE.fullmatch(node.text)
    if match is None:
        return node
    name = match.group(1)
    value = parameters.nodes.get(name)
    if value is None and not faults.is_open(f"parameters.{name}"):
        known = list(parameters.uses)
        hint = did_you_mean(name, known) or (f"parameters: {one_of(known)}" if known else "the config declares no `parameters:`")
        faults.add(node, path, f"unknown parameter {name}", f'{hint}; text that begins with $ is written "${name}" in quotes')
    if value is None:
        faults.leave_open(path)
        return ScalarNode(node.place, node.word, None, "", None, removed=True)
    parameters.uses[name].append(path)
    budget.take(value, faults)
    copy = value.copy()
    if isinstance(copy, ScalarNode):
        copy.place = node.place
    copy.word = copy.word or node.word
    copy.parameter = name
    return copy


def warn_unused(root: MappingNode, parameters: Parameters, swept: set[str], faults: Faults) -> None:
    """Warns of parameters that stand nowhere."""
    block = root.entries.get("parameters")
    for name, uses in parameters.uses.items():
        if not uses and isinstance(block, MappingNode):
            text = "swept over, but used nowhere" if name in swept else "used nowhere"
            faults.add(
                block.keys[name],
                f"parameters.{name}",
                f"the parameter {name} is {text}",
                f"write ${name} where it belongs",
                warning=True,
            )
