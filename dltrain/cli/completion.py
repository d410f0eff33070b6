"""What may stand where the cursor is: commands, options, runs, data sets, keys of a config and their values, components.

A shell asks at every press of a key, so nothing is imported but what a word needs: what the tables of the config hold is kept
in a file of the cache, made anew when dltrain has changed.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from dltrain.cli.commands import COMMANDS, SHELLS, WARM
from dltrain.settings import cache_folder

PACKAGE = Path(__file__).parent.parent
OF_RUNS = ("evaluate", "predict", "export", "compare", "report", "log", "trace")
RUNS_BEHIND = ("--resume", "--against")
OF_CONFIGS = ("fit", "sweep", "check", "trace", "find-rate")
WORDS_OF = {"completion": SHELLS, "warm": WARM, "runs": ("rm", "prune")}
MOST_RUNS = 500
# Bash puts a word on the line as it is: what is more than a word to a shell, as `$(…)` or `a;b`, is never offered.
_WORD = re.compile(r"(?!-)[\w@%+=:,./-]+")


def answer(words: Sequence[str]) -> int:
    """Print what completes the last word, a line each; nothing where something is wrong: a prompt is no place for it.

    Args:
        words: the shell's name, then the words of the line; of bash the line as a whole, which it would cut at every `=`.
    """
    shell, *rest = words or [""]
    if shell == "bash":
        line = rest[0] if rest else ""
        rest = [*line.split()[1:], *([""] if line[-1:].isspace() else [])]
    found = complete(rest)
    if shell == "bash" and rest:
        cut = max(rest[-1].rfind("="), rest[-1].rfind(":")) + 1
        found = [word[cut:] for word in found]
    with contextlib.suppress(OSError):
        sys.stdout.write("".join(f"{word}\n" for word in found))
        sys.stdout.flush()
    return 0


def complete(words: Sequence[str]) -> list[str]:
    """The words that the last one may become, each whole.

    Args:
        words: those behind `dltrain` up to the cursor; the last one is the one that is being written, and may be empty.
    """
    *before, current = words or [""]
    while before and before[0].startswith("-"):  # options of all commands: `dltrain -q fit`
        del before[0]
    if not before:
        return [name for name in COMMANDS if name.startswith(current)]
    command, last = before[0], before[-1]
    if current.startswith("--"):
        return [word for word in _tables()["options"].get(command, ()) if word.startswith(current)]
    if last.startswith("-") and (words_of := _tables()["options"].get(command, {}).get(last)) is not None:
        if last in RUNS_BEHIND:
            return _runs(current)
        return _overrides(current) if last == "--over" else [word for word in words_of if word.startswith(current)]
    return list(dict.fromkeys(_arguments(command, before, current)))


def _arguments(command: str, before: Sequence[str], current: str) -> list[str]:
    """What a command takes that is no option: runs, configs and their keys, names."""
    found: list[str] = []
    if (command in OF_RUNS and "=" not in current) or before[:2] == ["runs", "rm"]:
        found += _runs(current)
    if command in OF_CONFIGS:
        found += _files(current) + _overrides(current)
    if command == "explain":
        found += _names([word for kind in ("keys", "names", "sources") for word in _tables()[kind]], current)
    if command == "datasets":
        found += [word for word in ("get", *_tables()["datasets"]) if word.startswith(current) and word not in before]
    if len(before) == 1:
        found += [word for word in WORDS_OF.get(command, ()) if word.startswith(current)]
    return found


def _overrides(current: str) -> list[str]:
    """Keys that go on from what is written, up to the next point; behind `=` the values that a key takes."""
    tables = _tables()
    key, sign, value = current.partition("=")
    if sign:
        of_entry = re.fullmatch(r"(.*)\.\d+", key.rstrip("+-"))  # `model.layers.1=` takes what `model.layers` does
        values = tables["keys"].get(of_entry[1] if of_entry else key.rstrip("+-"), ())
        return [f"{key}={word}" for word in _names(values, value)]
    found: dict[str, None] = {}
    for path in tables["keys"]:
        if path.startswith(current):
            rest, point, _ = path[len(current) :].partition(".")
            found[f"{current}{rest}{point}" if point else f"{path}="] = None
    return list(found)


def _names(names: Sequence[str], begun: str) -> list[str]:
    """The names that begin so; where none does, those that do in small letters, in which a config takes them as well."""
    small = (name.lower() for name in names)
    return [name for name in names if name.startswith(begun)] or [name for name in small if name.startswith(begun)]


def _runs(current: str) -> list[str]:
    """Runs below `runs`, newest first, by name and by path."""
    folder, begun = Path("runs"), current.removeprefix("runs/")
    try:
        fitting = [entry for entry in os.scandir(folder) if entry.name.startswith(begun)]
        there = [entry for entry in fitting if os.path.exists(f"{entry.path}/manifest.json")]
        newest = [entry.name for entry in sorted(there, key=lambda entry: entry.stat().st_mtime, reverse=True)[:MOST_RUNS]]
    except OSError:
        return []
    words = ["latest", *newest] if not current.startswith("runs/") else [f"runs/{name}" for name in newest]
    return [word for word in words if word.startswith(current) and _WORD.fullmatch(word)]


def _files(current: str) -> list[str]:
    """Configs, and folders that may hold some."""
    folder, _, name = current.rpartition("/")
    where = f"{folder}/" if folder or current.startswith("/") else ""
    try:
        entries = sorted(os.scandir(where or "."), key=lambda entry: entry.name)
    except OSError:
        return []
    named = [entry for entry in entries if entry.name.startswith(name) and (name or not entry.name.startswith("."))]
    fitting = [entry for entry in named if _WORD.fullmatch(where + entry.name)]
    return [
        f"{where}{entry.name}/" if entry.is_dir() else f"{where}{entry.name}"
        for entry in fitting
        if entry.is_dir() or entry.name.endswith((".yaml", ".yml"))
    ]


def _tables() -> Mapping[str, Any]:
    """Keys with their values, names of components, data sets, options with their values."""
    catalog = PACKAGE / "config" / "catalog" / "catalog.json"
    rooms = ((PACKAGE / "config" / "types").glob("*.py"), (PACKAGE / "cli").glob("commands/*.py"))
    sources = [catalog, *sorted(path for room in rooms for path in room)]
    stamp = [[path.name, path.stat().st_mtime_ns] for path in sources]
    file = cache_folder() / "completion.json"
    with contextlib.suppress(OSError, ValueError):
        stored: Any = json.loads(file.read_bytes())
        if isinstance(stored, dict) and stored.get("stamp") == stamp:
            return stored
    tables = _made_anew()
    from dltrain.errors import RunError
    from dltrain.storage.atomic import write_atomically

    with contextlib.suppress(OSError, RunError):
        file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(file, json.dumps({"stamp": stamp, **tables}).encode())
    return tables


def _made_anew() -> dict[str, Any]:
    from dltrain.config.catalog.catalog import load_catalog
    from dltrain.config.catalog.sources import SOURCES
    from dltrain.config.keys import KEYS
    from dltrain.config.kinds import Alternative, parse_kind
    from dltrain.data.catalogue import list_datasets

    catalog = load_catalog()
    kinds = [kind for kind in catalog.kinds() if kind != "callback"]

    def values(alternative: Alternative) -> list[str]:
        if alternative.word == "word":
            return [alternative.literal]
        if alternative.word == "bool":
            return ["true", "false"]
        if alternative.word == "list" and alternative.item is not None:
            return [word for inner in alternative.item.alternatives for word in values(inner)]
        return catalog.names(alternative.word) if alternative.word in kinds else []

    keys = {
        path: [] if "block" in key.type else [word for inner in parse_kind(key.type).alternatives for word in values(inner)]
        for path, key in KEYS.items()
        if not path.startswith("training.phases.")
    }
    keys["data.source"] = list(SOURCES)
    for name in catalog.names("optimizer"):  # whose arguments an override reaches through its name
        entry = catalog.find("optimizer", name)
        keys |= {f"training.optimizer.{argument}": [] for argument in (entry.arguments if entry is not None else ())}
    keys["training.optimizer.learning_rate"] = ["found"]
    names = sorted({name for kind in kinds for name in catalog.names(kind)} | set(catalog.activations))
    datasets = [one.name for one in list_datasets()]
    return {"keys": keys, "names": names, "sources": list(SOURCES), "datasets": datasets, "options": _options()}


def _options() -> dict[str, dict[str, list[str] | None]]:
    """Of each command its options: the words that each takes, as far as they are known; null where it takes none."""
    import click

    from dltrain.cli.app import Commands

    group = Commands()
    found: dict[str, dict[str, list[str] | None]] = {}
    for name in COMMANDS:
        command = group.get_command(click.Context(group), name)
        options = command.params if command is not None else []
        shown = [each for each in options if isinstance(each, click.Option) and not each.hidden]
        found[name] = {
            word: None if each.is_flag else list(each.type.choices) if isinstance(each.type, click.Choice) else []
            for each in shown
            for word in (*each.opts, *each.secondary_opts)
        } | {"--help": None}
    return found
