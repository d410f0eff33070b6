"""From the text of a config to one tree: what it extends, the environment, parameters, presets and overrides are put in."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dltrain.config.bases import EXTENDS, Bases
from dltrain.config.catalog.catalog import Catalog, load_catalog
from dltrain.config.environment import Environment
from dltrain.config.groups_key import put_among_arguments
from dltrain.config.keys import key_of
from dltrain.config.overrides import apply_overrides
from dltrain.config.own_code.read import KEY as CODE
from dltrain.config.own_code.read import read_code
from dltrain.config.parameters import Budget, Parameters, put_in, read_parameters
from dltrain.config.presets import decides, expand_preset
from dltrain.config.reading import is_none
from dltrain.config.text.nodes import Faults, ListNode, MappingNode, Node, ScalarNode
from dltrain.config.text.scalars import describe
from dltrain.config.text.yaml_reader import read_yaml
from dltrain.config.types import NO_DATA, Place
from dltrain.config.types.own_code import OwnCode
from dltrain.storage.formats.other_files import DATA_SUFFIXES


@dataclass(frozen=True, slots=True)
class Tree:
    """A config as one tree.

    Attributes:
        root: its top.
        parameters: its named values.
        folders: file that it extends, as messages name it -> its folder.
        catalog: Keras's components and those of its own code.
        code: its own code.
        unregistered: classes there that could be components, but are not registered.
    """

    root: MappingNode
    parameters: Parameters
    folders: Mapping[str, Path]
    catalog: Catalog
    code: OwnCode | None
    unregistered: Mapping[str, Place]


def read_tree(
    text: str | bytes, file: str, folder: Path, overrides: Sequence[str], faults: Faults, known: OwnCode | None = None
) -> Tree:
    """Reads the text of a config into one tree, with bases, environment, parameters, presets and overrides put in.

    Args:
        text: YAML.
        file: what messages call it.
        folder: what its relative paths are relative to.
        overrides: `KEY=VALUE` words, applied in order.
        faults: where what is wrong is noted.
        known: own code that was read already.

    Raises:
        ConfigError: there is no tree to go on with.
    """
    top = read_yaml(text, file, faults)
    if not isinstance(top, MappingNode):
        is_data = Path(file).suffix.lower() in (*DATA_SUFFIXES, ".txt")
        hint = f"dltrain init {file}" if is_data else "such as `data:`, `model:`, `training:`"
        faults.add(top, None, f"expected a mapping of keys at the top, found {describe(top.plain())}", hint)
        faults.raise_errors()
        raise AssertionError("unreachable: a fault was noted")
    root, catalog, environment, bases = top, load_catalog(), Environment(faults), Bases(faults)

    def apply(words: Sequence[str], *, parameters: bool = False) -> None:
        apply_overrides(root, words, faults, catalog, parameters=parameters, environment=environment)

    of_bases = [word for word in overrides if (key_of(word) or "").partition(".")[0] == EXTENDS]
    apply(of_bases)
    if EXTENDS in root.entries:
        root.entries[EXTENDS] = environment.put_in(root.entries[EXTENDS], EXTENDS)
    num_faults = len(faults.errors)
    root = bases.put_under(root, folder, ((os.path.realpath(folder / Path(file).name), file),))
    num_missing = len(faults.errors) - num_faults
    environment.put_in(root, "")
    apply([word for word in overrides if _is_of_code(word)])
    code, unregistered = read_code(root.entries.get(CODE), folder, bases.folders, faults, catalog, known)
    faults.are_partial = faults.are_partial or num_missing > 0
    if code is not None:
        catalog = catalog.with_own(code.components.values())
    words = [word for word in overrides if word not in of_bases and not _is_of_code(word)]
    for optimizer in _optimizers(root):
        put_among_arguments(optimizer)
    apply(words, parameters=True)
    parameters = read_parameters(root, faults)
    budget = Budget()
    _put_in_parameters(root, parameters, faults, budget)
    apply([word for word in words if decides(word)])
    expand_preset(root, faults)
    apply([word for word in words if key_of(word) != "model.preset"])
    expand_preset(root, faults)
    if words:
        _put_in_parameters(root, parameters, faults, budget)
    for optimizer in _optimizers(root):
        put_among_arguments(optimizer)
    _leave_out_data(root)
    _tell_no_model(root, of_bases, faults)
    return Tree(root, parameters, bases.folders, catalog, code, unregistered)


def _is_of_code(word: str) -> bool:
    return (key_of(word) or "").partition(".")[0] == CODE


def _put_in_parameters(root: MappingNode, parameters: Parameters, faults: Faults, budget: Budget) -> None:
    for key, node in root.entries.items():
        if key != "parameters":
            root.entries[key] = put_in(node, key, parameters, faults, budget)


def _optimizers(root: MappingNode) -> list[Node | None]:
    """The optimizer of the training, and those of its phases."""
    training = root.entries.get("training")
    if not isinstance(training, MappingNode):
        return []
    phases = training.entries.get("phases")
    blocks = [training, *(phases.items if isinstance(phases, ListNode) else [])]
    return [block.entries.get("optimizer") for block in blocks if isinstance(block, MappingNode)]


def _leave_out_data(root: MappingNode) -> None:
    """A net that is not trained needs no data: `training: none` alone says `data: none` as well."""
    if "data" not in root.entries and is_none(root.entries.get("training")):
        root.entries["data"] = ScalarNode(text=NO_DATA, value=NO_DATA)
        root.keys["data"] = None


def _tell_no_model(root: MappingNode, of_bases: Sequence[str], faults: Faults) -> None:
    """Warn where an override has taken away the config that says the model."""
    if of_bases and "model" not in root.entries:
        message, hint = (
            "no `model` is left, so that the net is its output layer alone",
            "name a config that has one: extends=FILE",
        )
        faults.add(None, "model", message, hint, word=of_bases[-1], warning=True)
