"""The JSON Schema of the config language, for editors: made from the tables that configs are read by.

It completes and checks keys, components and their arguments while a config is written. It is a little narrower than the
reader: arguments and fixed words must be spelled as Keras and dltrain spell them. What it cannot say (names that must exist
elsewhere in the file, shapes) `dltrain check` says.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dltrain.config.blocks.choices import OWN
from dltrain.config.blocks.phases import PHASE_KEYS, UNFREEZE
from dltrain.config.blocks.swept import RANGE_KEYS, WHERE
from dltrain.config.catalog.catalog import Argument, Catalog, ComponentEntry
from dltrain.config.catalog.sources import SOURCES, SourceArgument
from dltrain.config.components import TARGET_METRICS
from dltrain.config.gates import SCHEMA_PATTERN
from dltrain.config.help.known import known_catalog
from dltrain.config.keys import CALLBACKS, GROUP_KEYS, KEYS, LAYER_KEYS, LAYER_KINDS, LOSS_KEYS, OPTIMIZER_KEYS, keys_of
from dltrain.config.kinds import COMPONENTS, Alternative, Kind, parse_kind
from dltrain.config.load import SAFE_NAME
from dltrain.config.parameters import NAME
from dltrain.config.types import NO_DATA
from dltrain.config.types.key import Key

Schema = dict[str, Any]

# The draft that editors know best (the YAML language server of VS Code, PyCharm).
DRAFT = "http://json-schema.org/draft-07/schema#"
PARAMETER: Schema = {"$ref": "#/definitions/parameter"}


def build_json_schema() -> Schema:
    """The schema as plain values; with the components of a config's own code within `knowing` its catalog."""
    catalog = known_catalog()
    return {
        "$schema": DRAFT,
        "title": "dltrain config",
        "description": f"One experiment of dltrain, with the components of Keras {catalog.keras}.",
        **_block(""),
        "definitions": _definitions(catalog),
    }


def kind_schema(kind: Kind) -> Schema:
    """The schema of a value of that kind, or of a parameter in its place."""
    options = [_alternative(alternative) for alternative in kind.alternatives if alternative.word != "word"]
    words = [alternative.literal for alternative in kind.alternatives if alternative.word == "word"]
    if words:
        options.insert(0, {"enum": words})
    if not any(option == {} or "string" in option.get("type", ()) for option in options):
        options.append(PARAMETER)
    return options[0] if len(options) == 1 else {"anyOf": options}


def _alternative(alternative: Alternative) -> Schema:
    word, limits = alternative.word, alternative.range
    if word in COMPONENTS:
        return _ref(word)
    if word == "list":
        assert alternative.item is not None
        return {"type": "array", "items": kind_schema(alternative.item)}
    if word == "map":
        assert alternative.item is not None
        return {"type": "object", "additionalProperties": kind_schema(alternative.item)}
    if word in ("int", "number"):
        schema: Schema = {"type": "integer" if word == "int" else "number"}
        if limits.low is not None:
            schema["exclusiveMinimum" if limits.low_open else "minimum"] = _plain(limits.low)
        if limits.high is not None:
            schema["exclusiveMaximum" if limits.high_open else "maximum"] = _plain(limits.high)
        return schema
    types: dict[str, Schema] = {
        "bool": {"type": "boolean"},
        "text": {"type": "string", "minLength": 1},
        "duration": {"type": "string", "pattern": r"^ *[0-9]+(\.[0-9]+)? *([Ee]pochs?|%) *$"},
        "name": {"type": ["string", "number", "boolean"], "minLength": 1},
        "mapping": {"type": "object"},
        "any": {},
        "none": {"type": "null"},
    }
    return types[word]


def _plain(number: float) -> int | float:
    return int(number) if number == int(number) else number


def _block(path: str) -> Schema:
    """A mapping of the keys of `keys.py` under a path."""
    keys = keys_of(path)
    properties = {name: _key(key) for name, key in keys.items()}
    return _object(properties, [name for name, key in keys.items() if key.required])


def _key(key: Key) -> Schema:
    special = _SPECIAL.get(key.path)
    schema = special(key) if special else _block(key.path) if key.type == "block" else kind_schema(parse_kind(key.type))
    if not key.required and (key.default is None or key.type == "block"):
        schema = _or(schema, {"type": "null"})
    return _described(schema, key.description, key.default)


def _ref(definition: str) -> Schema:
    return {"$ref": f"#/definitions/{definition}"}


def _object(properties: Schema, required: Sequence[str] = (), **more: Any) -> Schema:
    """A mapping of these keys and no others."""
    needed = {"required": list(required)} if required else {}
    return {"type": "object", "properties": properties, "additionalProperties": False, **needed, **more}


def _typed(told: Key | Argument | SourceArgument) -> Schema:
    """Type, description and default of a key or of an argument."""
    return _described(kind_schema(parse_kind(told.type)), told.description, told.default)


def _described(schema: Schema, description: str, default: Any = None) -> Schema:
    """The schema with what an editor shows; beside a `$ref` draft 7 ignores everything, so that one is wrapped."""
    schema = {"allOf": [schema]} if "$ref" in schema else dict(schema)
    head = {"description": description} if description else {}
    return {**head, **schema, **({"default": default} if default not in (None, {}, []) else {})}


def _or(*schemas: Schema) -> Schema:
    options: list[Schema] = []
    for schema in schemas:
        options += [option for option in schema.get("anyOf", [schema]) if option not in options]
    return options[0] if len(options) == 1 else {"anyOf": options}


def _data(key: Key) -> Schema:
    """The `data:` block: its keys, the arguments of all sources, and for each source what goes with it."""
    schema = _block(key.path)
    arguments: dict[str, list[SourceArgument]] = {}
    for source in SOURCES.values():
        for name, argument in source.arguments.items():
            arguments.setdefault(name, []).append(argument)
    schema["properties"] |= {name: _typed(found[0]) for name, found in arguments.items() if len(found) == 1}
    shared = [name for name, found in arguments.items() if len(found) > 1]  # in order: the file is compared
    schema["properties"] |= {name: {} for name in shared}
    rules = []
    for source in SOURCES.values():
        own: Schema = {name: False for name in arguments if name not in source.arguments}
        own |= {name: _typed(argument) for name, argument in source.arguments.items() if name in shared}
        must = ["path"] * source.needs_path + [name for name, argument in source.arguments.items() if argument.required]
        needed = {"required": must} if must else {}
        condition = {"properties": {"source": {"const": source.name}}, "required": ["source"]}
        rules.append({"if": condition, "then": {"properties": own, **needed}})
    return _or({**schema, "allOf": rules}, {"enum": [NO_DATA]})


def _loss(_key: Key) -> Schema:
    """A loss, or for several targets a mapping of their names to losses, each with a `weight` if wanted."""
    losses = _or(_ref("loss"), _ref("weighted_loss"))
    targets = {"type": "object", "minProperties": 1, "additionalProperties": losses}
    return _or(_ref("loss"), targets, PARAMETER)


def _metrics(_key: Key) -> Schema:
    own = {"enum": [*TARGET_METRICS]}
    named = {name: {"type": ["object", "null"], "properties": {"name": {"type": "string"}}} for name in TARGET_METRICS}
    mapping = _object(named, minProperties=1, maxProperties=1)
    items = _or(own, _ref("metric"), _ref("loss"), mapping, PARAMETER)
    return _or({"type": "array", "items": items}, PARAMETER)


def _threshold(key: Key) -> Schema:
    number = {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}
    return _or(number, {"enum": ["f1"]}, {**_block(key.path), "minProperties": 1, "maxProperties": 1}, PARAMETER)


def _phases(_of: Key) -> Schema:
    """Phases: keys of `training`, and `unfreeze`."""
    given = {name: _key(KEYS[f"training.{name}"]) for name in PHASE_KEYS} | {"unfreeze": _key(KEYS[UNFREEZE])}
    return _or({"type": "array", "items": _object(given)}, PARAMETER)


def _callback(key: Key) -> Schema:
    name = CALLBACKS[key.path.partition(".")[2]]
    return _or({"type": "boolean"}, _ref(f"callback.{name}"), PARAMETER)


def _require(_key: Key) -> Schema:
    gate = {"type": "string", "pattern": SCHEMA_PATTERN}
    return _or(gate, {"type": "array", "items": gate})


def _space(_key: Key) -> Schema:
    values: Schema = {"type": "array", "minItems": 1}
    where: Schema = {WHERE: {"type": "object", "minProperties": 1}}
    range_keys = {name: kind_schema(parse_kind(notation)) for name, notation in RANGE_KEYS.items()} | where
    span, choices = _object(range_keys, ["low", "high"]), _object({"choices": values, **where}, ["choices"])
    return {"type": "object", "additionalProperties": _or(values, span, choices, PARAMETER)}


def _choices(key: Key) -> Schema:
    sets: Schema = {"type": ["object", "null"], "properties": {OWN: _space(key)}}
    return {"type": "object", "additionalProperties": {"type": "object", "minProperties": 1, "additionalProperties": sets}}


_SPECIAL: Mapping[str, Callable[[Key], Schema]] = {
    "name": lambda _key: {"type": "string", "pattern": f"^{SAFE_NAME.pattern}$"},
    "parameters": lambda _key: {"type": "object", "propertyNames": {"pattern": f"^{NAME.pattern}$"}},
    "data": _data,
    "data.source": lambda _key: _or({"enum": list(SOURCES)}, PARAMETER),
    "model.layers": lambda _key: _or({"type": "array", "items": _ref("model_layer")}, PARAMETER),
    "model.output": lambda _key: _or({"enum": ["auto", "none"]}, _ref("model_layer"), PARAMETER),
    "training": lambda key: _or(_block(key.path), {"enum": ["none"]}),
    "training.optimizer": lambda _key: _or(_ref("optimizer"), _ref("grouped_optimizer"), PARAMETER),
    "training.loss": _loss,
    "training.metrics": _metrics,
    "training.checkpoint": lambda key: _or({"enum": [True]}, _block(key.path), PARAMETER),
    "training.members": lambda key: _or({"type": "integer", "minimum": 1}, _block(key.path), PARAMETER),
    "training.phases": _phases,
    **{f"training.{name}": _callback for name in CALLBACKS},
    "evaluation.require": _require,
    "evaluation.threshold": _threshold,
    "sweep.parameters": _space,
    "sweep.choices": _choices,
}


def _definitions(catalog: Catalog) -> dict[str, Schema]:
    definitions: dict[str, Schema] = {
        "parameter": {"description": "A named value.", "type": "string", "pattern": r"^\$[A-Za-z_]"},
        "activation": {"enum": list(catalog.activations)},
        "model_layer": _or(*(_ref(kind) for kind in LAYER_KINDS)),
    }
    for kind in catalog.kinds():
        entries = [entry for name in catalog.names(kind) if (entry := catalog.find(kind, name))]
        definitions |= {f"{kind}.{entry.name}": _arguments(entry) for entry in entries}
        if kind != "callback":
            definitions[kind] = _component(entries, _spellings(catalog, kind))
        if kind == "loss":
            definitions["weighted_loss"] = _weighted(_mapping(entries, _spellings(catalog, kind)))
        if kind == "optimizer":
            definitions["grouped_optimizer"] = _grouped(_mapping(entries, _spellings(catalog, kind)))
    return definitions


def _component(entries: Sequence[ComponentEntry], spellings: Mapping[str, str]) -> Schema:
    """A name alone, where no argument is required, or a mapping of one name to arguments."""
    bare = [entry.name for entry in entries if not any(argument.required for argument in entry.arguments.values())]
    # The list of names is what an editor completes from, the pattern lets the other spellings through.
    others = {"type": "string", "pattern": f"^(?:{'|'.join(spellings[name] for name in bare)})$"}
    return {"anyOf": [*([{"enum": bare}, others] if bare else []), _mapping(entries, spellings), PARAMETER]}


def _mapping(entries: Sequence[ComponentEntry], spellings: Mapping[str, str]) -> Schema:
    """A mapping of one name to arguments."""
    references = {entry.name: _ref(f"{entry.kind}.{entry.name}") for entry in entries}
    patterns = {f"^(?:{spellings[name]})$": reference for name, reference in references.items()}
    return _object(references, minProperties=1, maxProperties=1, patternProperties=patterns)


def _weighted(mapping: Schema) -> Schema:
    """The loss of one target with its weight: beside the name of a loss, or beside `loss:`."""
    own = _own_keys(LOSS_KEYS)
    properties = {**own, "loss": _ref("loss"), **mapping["properties"]}
    return {**mapping, "minProperties": 2, "maxProperties": 2, "properties": properties, "required": list(own)}


def _grouped(mapping: Schema) -> Schema:
    """An optimizer with its groups of weights beside its name."""
    properties = {"groups": _groups(), **mapping["properties"]}
    return {**mapping, "minProperties": 2, "maxProperties": 2, "properties": properties, "required": ["groups"]}


def _groups() -> Schema:
    group = _object(_own_keys(GROUP_KEYS), [name for name, key in GROUP_KEYS.items() if key.required])
    return _described(_or({"type": "array", "items": group}, PARAMETER), OPTIMIZER_KEYS["groups"].description)


def _own_keys(keys: Mapping[str, Key]) -> dict[str, Schema]:
    return {name: _described(kind_schema(parse_kind(key.type)), key.description) for name, key in keys.items()}


def _spellings(catalog: Catalog, kind: str) -> dict[str, str]:
    """Name -> a pattern of all its usual spellings."""
    patterns = {name: [spelling_pattern(name)] for name in catalog.names(kind)}
    for alias, name in catalog.aliases(kind).items():
        patterns[name] += [spelling_pattern(alias), *([alias.upper()] if alias.islower() and len(alias) < 6 else [])]
    return {name: "|".join(found) for name, found in patterns.items()}


def spelling_pattern(name: str) -> str:
    """A pattern of the name as Keras spells it, in small letters, and with underscores between its words."""
    words = re.findall(r"[A-Z]+(?![a-z])[^A-Z]*|[A-Z]?[^A-Z]+", name)
    return "_?".join(_either(word) for word in words)


def _either(word: str) -> str:
    head = re.match(r"[A-Z]*", word)
    capitals = head.group() if head else ""
    rest = re.escape(word[len(capitals) :])
    if len(capitals) == 1:
        return f"[{capitals}{capitals.lower()}]{rest}"
    return f"(?:{capitals}|{capitals.lower()}){rest}" if capitals else rest


def _arguments(entry: ComponentEntry) -> Schema:
    """The arguments of a component; those of a layer with the keys of ours that stand among them."""
    properties = {name: _argument(argument) for name, argument in entry.arguments.items()}
    several = entry.kind in LAYER_KINDS and entry.kind != "layer"  # layers of the model: which weights are whose, is not said
    own = LAYER_KEYS if entry.kind == "layer" else {"from": LAYER_KEYS["from"]} if several else {}
    properties |= _own_keys(own)
    if entry.kind == "optimizer":
        properties["groups"] = _groups()
    required = [argument.name for argument in entry.arguments.values() if argument.required]
    return _object(properties, required, description=entry.doc, **({} if required else {"type": ["object", "null"]}))


def _argument(argument: Argument) -> Schema:
    schema = kind_schema(parse_kind(argument.type))
    if not argument.required and argument.default is None:
        schema = schema if schema == {} else _or(schema, {"type": "null"})
    return _described(schema, argument.description, argument.default)
