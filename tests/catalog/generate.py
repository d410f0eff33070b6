"""Writes catalog.json from the installed Keras: `python -m tests.catalog.generate`.

The names, aliases, arguments, defaults and descriptions come from Keras's own signatures and docstrings. What Python
signatures do not say, the type that an argument expects, comes from `argument_types.py`.
"""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import Any

from dltrain.config.catalog.catalog import NAMESPACES
from dltrain.config.catalog.transformers import TRANSFORMERS
from dltrain.wording import normalize
from tests.catalog.argument_types import infer_type

MODULES = {**NAMESPACES, "callback": "callbacks"}

# Base classes, and what would run code, or wrap what a config cannot hold.
LEFT_OUT = {
    "layer": {
        "Layer",
        "Wrapper",
        "Lambda",
        "TFSMLayer",
        "JaxLayer",
        "FlaxLayer",
        "TorchModuleWrapper",
        "InputSpec",
        "InputLayer",
        "Pipeline",
    },
    "optimizer": {"Optimizer", "LossScaleOptimizer", "MultiOptimizer", "OptimizerMap"},
    "schedule": {"LearningRateSchedule"},
    "loss": {"Loss"},
    "metric": {"Metric", "MeanMetricWrapper", "Mean", "Sum"},
    "regularizer": {"Regularizer"},
    "initializer": {"Initializer"},
    "constraint": {"Constraint"},
}
CALLBACKS = {"EarlyStopping", "ModelCheckpoint", "ReduceLROnPlateau", "TensorBoard"}

# Arguments that a config cannot give: they take Python objects, or `dltrain` sets them itself.
HIDDEN_ARGUMENTS = {"input_tensor", "input_shape", "include_top", "classes", "classifier_activation", "include_preprocessing"}
HIDDEN_IN_LAYERS = {"quantization_config", "gptq_unpacked_column_size", "sparse", "ragged", "autocast"}

# Layer -> arguments that Keras wants and that follow from the data where they are not given, with what is said of them.
FROM_DATA = {
    "Embedding": {
        "input_dim": "Size of the vocabulary; by default that of the text or category that it takes.",
        "output_dim": "Dimension of the dense embedding; by default that of the word vectors, or what suits the vocabulary.",
    }
}

TRAINABLE = "Whether training changes its weights; a number: those of so many last layers, batch normalization excepted."
LAYER_BASE = (("name", "text", None), ("trainable", "bool", True), ("dtype", "text|mapping", None))
DOCS = {
    "data_format": "Whether channels stand last or first in the shape.",
    "seed": "Seed of its random draws.",
    "input_axes": "Axes of the weights that count as inputs.",
    "output_axes": "Axes of the weights that count as outputs.",
    "weight_decay": "Weight decay.",
    "clipnorm": "Clip each gradient to this norm.",
    "clipvalue": "Clip each value of the gradients to this.",
    "global_clipnorm": "Clip all gradients together to this norm.",
    "use_ema": "Keep an exponential moving average of the weights.",
    "ema_momentum": "Momentum of that average.",
    "ema_overwrite_frequency": "Overwrite the weights by their average every so many steps.",
    "loss_scale_factor": "Factor on the loss before its gradient is computed.",
    "gradient_accumulation_steps": "Sum the gradients of so many steps before each update.",
    "name": "The layer's own name, unique in the model.",
    "random_state": "Seed of its random draws; by default from the config's seed.",
    "trainable": "Whether training changes its weights.",
    "dtype": "The data type or mixed-precision policy of its computation and weights.",
}


def first_sentence(text: str, limit: int = 200) -> str:
    """The first sentence of a docstring or of an argument's description, on one line, without Markdown links."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", " ".join(text.split()))
    match = re.match(r"(.*?[.!?])(?= [A-Z`]|$)(?<!e\.g\.)(?<!i\.e\.)", text)
    sentence = match.group(1) if match else text
    return sentence if len(sentence) <= limit else sentence[: limit - 1].rsplit(" ", 1)[0] + "…"


# What a sentence is made of that tells of an argument no more than its type and its default.
TYPE_WORDS = frozenset(
    re.findall(
        r"\w+",
        """a an optional python float floats int integer integers bool boolean string str number numbers none tuple list of two
        three single scalar value keras tensor constant default defaults to is or between and in range true false positive unset
        by""",
    )
)


def telling_sentence(text: str, otherwise: str = "") -> str:
    """The first sentence of an argument's description that says more than its type; else `otherwise`, else the first."""
    first = rest = " ".join(text.split())
    while rest:
        sentence = first_sentence(rest, limit=len(rest))
        words = re.findall(r"[a-z]+", sentence.lower())
        if not TYPE_WORDS.issuperset(words):
            return first_sentence(rest)
        rest = rest[len(sentence) :].lstrip() if rest.startswith(sentence) else ""
    return otherwise or first_sentence(first)


def argument_descriptions(doc: str) -> dict[str, str]:
    """The `Args:` (or `Arguments:`) section of a Keras docstring: argument -> first sentence."""
    match = re.search(r"^( *)Arg(?:ument)?s:\n((?:\1 +.*\n|\s*\n)+)", doc + "\n", flags=re.MULTILINE)
    if match is None:
        return {}
    body = inspect.cleandoc("\n" + match.group(2))
    found: dict[str, str] = {}
    for entry in re.split(r"^(?=\S)", body, flags=re.MULTILINE):
        head = re.match(r"([\w, ]+?)\s*(?:\([^)]*\))?:\s*(.*)", entry, flags=re.DOTALL)
        if head:
            for name in head.group(1).split(","):
                found[name.strip()] = telling_sentence(head.group(2), DOCS.get(name.strip(), ""))
    return found


def plain(value: Any) -> Any:
    """A default as JSON holds it."""
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def describe_class(kind: str, name: str, cls: Any) -> dict[str, Any]:
    """One entry of the catalog: {"doc", "arguments": [[name, type, description, default?], ...]}."""
    doc = inspect.getdoc(cls) or ""
    descriptions = {
        **argument_descriptions(inspect.getdoc(cls.__init__) or "" if inspect.isclass(cls) else ""),
        **argument_descriptions(doc),
    }
    arguments: list[list[Any]] = []
    for parameter in list(inspect.signature(cls.__init__ if inspect.isclass(cls) else cls).parameters.values()):
        hidden = HIDDEN_ARGUMENTS if kind in ("application", "layer") else set()
        if parameter.name == "self" or parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            continue
        if parameter.name in hidden or (kind == "layer" and parameter.name in HIDDEN_IN_LAYERS):
            continue
        required = parameter.default is inspect.Parameter.empty
        default = inspect.Parameter.empty if required else parameter.default
        entry = [parameter.name, infer_type(name, parameter.name, default), descriptions.get(parameter.name, "")]
        if kind == "layer" and parameter.name in FROM_DATA.get(name, {}):
            arguments.append([*entry[:2], FROM_DATA[name][parameter.name], None])
        else:
            arguments.append(entry if required else [*entry, plain(parameter.default)])
    if kind == "layer":
        known = {argument[0] for argument in arguments}
        arguments += [[base, types, DOCS[base], default] for base, types, default in LAYER_BASE if base not in known]
    if kind == "application":
        arguments.append(["trainable", "bool|int>=1", TRAINABLE, False])
    for argument in arguments:
        argument[2] = argument[2] or DOCS.get(argument[0], "")
    return {"doc": first_sentence(doc), "arguments": arguments}


def describe_transformer(name: str) -> dict[str, Any]:
    """The entry of a scikit-learn transformer: names, defaults and descriptions are its own, types are ours."""
    import importlib

    entry = TRANSFORMERS[name]
    cls = getattr(importlib.import_module(f"sklearn.{entry.module}"), name)
    doc = inspect.getdoc(cls) or ""
    described = re.findall(
        r"^(\w+) : .*\n((?: {4}.*\n|\s*\n)+)", doc.partition("Parameters\n")[2].partition("Attributes\n")[0], re.M
    )
    descriptions = {argument: first_sentence(inspect.cleandoc(text)) for argument, text in described}
    arguments: list[list[Any]] = []
    for parameter in inspect.signature(cls).parameters.values():
        if parameter.name in entry.arguments:
            text = descriptions.get(parameter.name, "") or DOCS.get(parameter.name, "")
            required = parameter.default is inspect.Parameter.empty
            arguments.append(
                [parameter.name, entry.arguments[parameter.name], text, *([] if required else [plain(parameter.default)])]
            )
    return {"doc": first_sentence(doc), "arguments": arguments}


def aliases_of(kind: str, public: dict[str, Any], names: set[str]) -> dict[str, str]:
    """Other spellings that Keras takes -> canonical name; those that differ in case and underscores alone are left out."""
    import importlib

    by_spelling = {normalize(name): name for name in names}
    found: dict[str, str] = {}
    for spelling, value in public.items():
        if inspect.isclass(value) and value.__name__ in names and normalize(spelling) != normalize(value.__name__):
            found[spelling] = value.__name__
    source = {"schedule": "optimizers.schedules", "layer": None, "callback": None}.get(kind, MODULES[kind])
    if source and source != "optimizers.schedules":
        registered = importlib.import_module(f"keras.src.{source}").ALL_OBJECTS_DICT
        for spelling, value in registered.items():
            canonical = by_spelling.get(normalize(getattr(value, "__name__", str(value))))
            if canonical and normalize(spelling) not in by_spelling:
                found.setdefault(normalize(spelling), canonical)
    return found


def default_sizes(keras: Any, names: list[str]) -> dict[str, int]:
    """The side of the pictures that each application network takes by default, read where Keras itself asks for it."""
    import importlib

    class Asked(Exception):
        pass

    def obtain_input_shape(*_args: Any, default_size: int, **_named: Any) -> None:
        raise Asked(default_size)

    utilities: Any = importlib.import_module("keras.src.applications.imagenet_utils")
    original, utilities.obtain_input_shape = utilities.obtain_input_shape, obtain_input_shape
    sizes = dict.fromkeys(names, 224)  # Keras asks MobileNetV3 for none; its documentation says 224.
    try:
        for name in names:
            try:
                getattr(keras.applications, name)(weights=None)
            except Asked as asked:
                sizes[name] = int(asked.args[0])
    finally:
        utilities.obtain_input_shape = original
    return sizes


def build_catalog() -> dict[str, Any]:
    """The whole catalog as plain values, from the installed Keras (imports it)."""
    import keras
    from keras.src.utils.naming import to_snake_case

    catalog: dict[str, Any] = {"keras": keras.__version__, "components": {}, "aliases": {}, "activations": {}}
    for kind, path in MODULES.items():
        module = keras
        for part in path.split("."):
            module = getattr(module, part)
        public = {name: getattr(module, name) for name in dir(module) if not name.startswith("_")}
        classes = {
            value.__name__ if value.__name__ in public else name: value
            for name, value in public.items()
            if inspect.isclass(value)
        }
        left_out = LEFT_OUT.get(kind, set())
        if kind == "callback":
            classes = {name: value for name, value in classes.items() if name in CALLBACKS}
        entries = {name: describe_class(kind, name, classes[name]) for name in sorted(classes) if name not in left_out}
        if kind == "metric":
            for name, entry in entries.items():
                default = next(
                    (argument[3] for argument in entry["arguments"] if argument[0] == "name" and len(argument) > 3), None
                )
                entry["name"] = default or to_snake_case(name)
        catalog["components"][kind] = entries
        catalog["aliases"][kind] = aliases_of(kind, public, set(entries))
    networks = sorted(name for name in dir(keras.applications) if inspect.isfunction(getattr(keras.applications, name)))
    sizes = default_sizes(keras, networks)
    catalog["components"]["application"] = {
        name: {**describe_class("application", name, getattr(keras.applications, name)), "size": sizes[name]} for name in networks
    }
    catalog["aliases"]["application"] = {}
    catalog["components"]["transformer"] = {name: describe_transformer(name) for name in sorted(TRANSFORMERS)}
    catalog["aliases"]["transformer"] = {}
    for spelling, function in sorted(keras.src.activations.ALL_OBJECTS_DICT.items()):
        catalog["activations"][spelling] = first_sentence(inspect.getdoc(function) or "")
    return catalog


def render(catalog: dict[str, Any]) -> str:
    """The catalog as JSON text, one component a line, so that a new Keras version shows as a readable difference."""
    lines = ["{", f'"keras": {json.dumps(catalog["keras"])},', '"components": {']
    for index, (kind, entries) in enumerate(catalog["components"].items()):
        lines.append(f"{json.dumps(kind)}: {{")
        lines.append(
            ",\n".join(f"{json.dumps(name)}: {json.dumps(entry, ensure_ascii=False)}" for name, entry in entries.items())
        )
        lines.append("}" + ("," if index + 1 < len(catalog["components"]) else ""))
    lines += [
        "},",
        f'"aliases": {json.dumps(catalog["aliases"])},',
        f'"activations": {json.dumps(catalog["activations"], ensure_ascii=False)}',
        "}",
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Writes the package's catalog."""
    from dltrain.config.catalog import catalog
    from dltrain.storage.atomic import write_atomically

    write_atomically(Path(catalog.__file__).with_name("catalog.json"), render(build_catalog()).encode())


if __name__ == "__main__":
    main()
