"""Configs and tables that stay valid long enough to train a step: made from the catalog and from typed columns, then changed.

python -m tests.fuzz --training --seconds 600 [--seed 0] [--only 17]

A case begins as a plain one and is changed in some places, one after the other; a change that `check --data` refuses is undone, so that
most cases train. Each is a function of the seed and its number: `--only` runs one of them again. A case is checked, fitted,
evaluated and predicted with by the command itself; every exit code must be one of the table, and none of them 1.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dltrain.reporting import Reporter
from dltrain.training.saving import pictures
from tests.fuzz_cases import Case, make_case, output_of

_DRAW = pictures.draw_or_warn
CODES = {"check": {0, 2, 3}, "fit": {0, 2, 3, 4, 5, 6}, "evaluate": {0, 2, 3, 5, 6}, "predict": {0, 2, 3, 6}, "init": {0, 2, 3}}


def try_case(case: Case, on_step: Callable[[str], None] = lambda step: None) -> tuple[list[str], dict[str, int]]:
    """What is wrong with it, and the exit codes."""
    config, runs = str(case.folder / "c.yaml"), str(case.folder / "runs")
    steps = [["check", config], ["check", "--data", config], ["init", str(case.file)], ["fit", config, "--runs", runs]]
    wrong, codes = [], {}
    for words in steps:
        codes[" ".join(words[: 1 + words[1].startswith("-")])] = _step(words, wrong, on_step)
    if codes["fit"] == 0:
        run = str(next(path for path in Path(runs).iterdir() if (path / "manifest.json").exists()))
        codes["evaluate"] = _step(["evaluate", run, "--data", str(case.file)], wrong, on_step)
        codes["predict"] = _step(["predict", run, "--data", str(case.file), "-o", str(case.folder / "p.csv")], wrong, on_step)
    return wrong, codes


def _step(words: list[str], wrong: list[str], on_step: Callable[[str], None]) -> int:
    on_step(words[0])
    code, text = output_of(words)
    if code not in CODES[words[0]]:
        log = re.search(r"traceback is in (\S+)", text)
        trace = Path(log[1]).read_text() if log and Path(log[1]).exists() else ""
        if log and "/dltrain-" in log[1]:
            os.unlink(log[1])
        wrong.append(f"{' '.join(words[:2])}: exit {code}\n{text[-600:]}\n{trace[-1500:]}")
    elif "Traceback (most recent call last)" in text:
        wrong.append(f"{' '.join(words[:2])}: a traceback\n{text[-1500:]}")
    return code


def _valid_case(chance: random.Random, folder: Path, codes: dict[str, dict[int, int]]) -> Case:
    """A case of whose changes those stay that `check --data` has nothing against, or ends on in no good way."""
    found = codes.setdefault("change", {})

    def refuses(config: Path) -> bool:
        code = _step(["check", "--data", str(config)], [], lambda step: None)
        found[code] = found.get(code, 0) + 1
        return code in (2, 3)

    return make_case(chance, folder, refuses)


class _Step:
    """What is being done, and for how long it may."""

    def __init__(self, alarm: Callable[[int], object]) -> None:
        self.alarm = alarm
        self.name = "make"

    def __call__(self, name: str) -> None:
        self.name = name
        self.alarm(300)  # a busy machine is no failure


def run_cases(seconds: float, seed: int, only: int | None, alarm: Callable[[int], object], clock: Callable[[], float]) -> int:
    """Tries cases until the time is up; prints each kind of failure once, with its input. Returns the number of kinds."""
    import tempfile

    from dltrain.model.keras_import import import_keras

    import_keras(1)
    import tensorflow as tf

    end, number, kinds = clock() + seconds, only or 0, dict[str, int]()
    reached: dict[str, int] = {}
    codes: dict[str, dict[int, int]] = {}
    while clock() < end:
        with tempfile.TemporaryDirectory() as name:
            step = _Step(alarm)
            # Tracing of functions and drawing take two thirds of the time: four of five cases go without.
            is_quick = number % 5 != 0
            tf.config.run_functions_eagerly(is_quick)
            pictures.draw_or_warn = _draw_nothing if is_quick else _DRAW
            os.environ["DLTRAIN_CACHE"] = str(Path(name) / ".cache")
            os.environ["DLTRAIN_STREAM_BYTES"] = "0" if number % 5 == 4 else ""  # each fifth case is read from disk in pieces
            try:
                case = _valid_case(random.Random(f"{seed}:{number}"), Path(name), codes)
                wrong, found = try_case(case, step)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # the alarm, or what the command let through
                wrong, found = [f"{step.name}: {type(error).__name__} {error}"], {}
            finally:
                alarm(0)
            for name_of_step, code in found.items():
                codes.setdefault(name_of_step, {}).setdefault(code, 0)
                codes[name_of_step][code] += 1
            reached["fitted"] = reached.get("fitted", 0) + (found.get("fit") == 0)
            for text in wrong:
                kind = _kind_of(text)
                kinds[kind] = kinds.get(kind, 0) + 1
                if kinds[kind] == 1 or only is not None:
                    head = case.file.read_bytes()[:300]
                    print(f"--- --seed {seed} --only {number}: {text}\n{json.dumps(case.config)[:1500]}\n{head!r}", flush=True)
            shutil.rmtree(Path(name) / "runs", ignore_errors=True)
        number += 1
        if only is not None:
            break
        if number % 100 == 0:
            print(f"{number} cases, {reached['fitted']} fitted", flush=True)
    print(f"{number - (only or 0)} cases, {reached.get('fitted', 0)} fitted, exit codes {codes}, failures {kinds}", flush=True)
    return len(kinds)


def _draw_nothing(*args: Any, reporter: Reporter) -> None:
    """In the place of `draw_or_warn`."""


def _kind_of(text: str) -> str:
    """The last place of dltrain in a traceback, and what was raised."""
    places = re.findall(r"dltrain/(\S+?\.py)\", line (\d+)", text)
    last = text.strip().splitlines()[-1][:80]
    return f"{places[-1] if places else ''} {last}"
