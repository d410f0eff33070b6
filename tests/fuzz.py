"""Mutates configs, overrides, tables and the files of a run, and looks for tracebacks and for what takes too long.

python -m tests.fuzz --seconds 60 [--inputs 100000] [--seed 0] [--kinds config,override,data,stored,page,command_line,grown]
python -m tests.fuzz --training --seconds 600 [--seed 0] [--only 17]     (trains: see fuzz_training.py)

Everything runs in this process, without Keras unless it trains. Each failure is printed with its input; the exit code is 1 if there was one.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from dltrain.cli.reports.contents import run_page
from dltrain.cli.reports.html import render_html
from dltrain.cli.reports.markdown import render_markdown
from dltrain.config import load_config, load_config_text
from dltrain.data import load_dataset, read_part
from dltrain.errors import DltrainError
from dltrain.evaluation.load_run import load_run
from dltrain.reporting import Reporter
from dltrain.storage.run_list import list_runs
from tests.fuzz_cases import Growing, output_of
from tests.hostile.test_run_directories import CONFIG, MANIFEST
from tests.support import CONFIGS

MOST_SECONDS = 2.0
WORDS = [
    b"", b"\0", b"\x1b[2J", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"-1", b"0", b"1e999", b"9" * 400, b"null", b"[]", b"{}", b"[[", b"*a", b"&a ",
    b"<<: *a", b"!!python/name:os.system ", b"\t", b"\r", b"\n", b'"', b"'", b",", b":", b"- ", b"$x", b"{a: 1}", b"true", b".nan", b"../..", b"\\ud800",
]  # fmt: skip
KEYS = [
    "name", "seed", "data", "data.split.test", "data.path", "model.layers", "model.layers.0.units", "model.layers.9", "training.optimizer.learning_rate",
    "training.loss", "training.epochs", "training.checkpoint.filepath", "model.layers.-1", "a.b", "parameters.x", "training.early_stopping", "data.features",
]  # fmt: skip


MARKUP = "<script>alert(1)</script>"
VALUES: list[Any] = [
    None, True, -1, 0, 1e308, 10**18, 0.5, "", MARKUP, "a|b\n::error ::x", "\x1b]0;x\x07", "x" * 5000, [], {}, [None], [[]], {"a": {}}, [1, "2"],
]  # fmt: skip
_ROW = {"precision": 0.5, "recall": 0.5, "f1": 0.5, "support": 3}
_TARGET: dict[str, Any] = {
    "labels": ["no", "yes"], "confusion_matrix": [[2, 1], [0, 3]], "classes": {"no": _ROW, "yes": _ROW}, "macro": _ROW, "weighted": _ROW,
    "calibration": {"ece": 0.1, "brier": 0.2, "bins": [{"said": 0.4, "true": 0.5, "rows": 6}]},
    "threshold": {"label": "yes", "value": 0.4, "asked": "f1", "curve": {key: [0.1, 0.9] for key in ("threshold", "precision", "recall", "f1")}},
    "calibrated": {"method": "temperature", "temperature": 2.0, **{key: {"ece": 0.1, "brier": 0.2, "log_loss": 0.3} for key in ("before", "after")}},
    "curves": {"roc": [[0.0, 1.0], [0.0, 1.0]], "precision_recall": [[0.0, 1.0], [1.0, 0.5]]},
    "worst": [{"row": 3, "file": "a.png", "true": "no", "predicted": "yes", "probability": 0.9}],
}  # fmt: skip
_REPORT = {
    **_TARGET, "pairs": {"z": [[1.0, 2.0], [1.5, 2.5]]}, "furthest": {"z": [{"row": 1, "true": 1.0, "predicted": 2.0, "error": 1.0}]},
    "learned": {"linear": {"accuracy": 0.5}}, "baselines": {"the last value": {"rmse": 0.5}}, "scaled": "in words",
    "quantiles": [{"target": "z", "quantile": 0.1, "below": 0.1, "pinball": 0.1}], "series": [{"series": "a", "target": "z", "windows": 3, "mase": 0.5}],
}  # fmt: skip
METRICS: dict[str, Any] = {
    "part": "test", "weights": "best", "epoch": 2, "metrics": {"train": {"accuracy": 0.6}, "test": {"accuracy": 0.5}}, "baseline": {"accuracy": 0.4},
    "report": _REPORT, "reports": {"test": _REPORT, "train": {"y": _TARGET, "z": _TARGET}}, "intervals": {"test": {"accuracy": [0.3, 0.7]}},
    "intervals_of": {"test": {"level": 0.95, "by": "rows", "units": 6, "resamples": 1000}}, "notes": ["A sentence."],
    "gates": [{"require": "accuracy>=0.5", "value": 0.5, "met": True, "part": "test", "metric": "accuracy", "interval": [0.3, 0.7], "old": None}],
    "diagnosis": [{"kind": "dead_units", "sentence": "Some.", "advice": "Fewer.", "figures": {"units": 3}}],
    "members": {"count": 2, "epochs": [1, 2], "metrics": {"test": {"accuracy": {"values": [0.4, 0.6], "mean": 0.5, "min": 0.4, "max": 0.6}}}},
}  # fmt: skip
FINDINGS = {
    "importance": {
        "metric": "accuracy", "whole": 0.5, "rows": 6, "repeats": 5,
        "columns": [{"name": "size", "kind": "number", "value": 0.1, "interval": [0.0, 0.2], "held_by": 2}, {"name": "a", "kind": "token", "value": 0.1}],
    },
    "slices": [
        {"column": "colour", "name": "red", "rows": 3, "metrics": {"accuracy": 0.5}, "intervals": {"accuracy": [0.1, 0.9]}, "baseline": {}, "is_worse": True},
    ],
}  # fmt: skip


class TooSlow(BaseException):
    """What the alarm raises."""


def _alarm(number: int, frame: FrameType | None) -> None:
    raise TooSlow


def mutate_json(content: bytes, chance: random.Random) -> bytes:
    """One value in a JSON document, somewhere within, is another; or a key is gone, or there twice under another name."""
    document = json.loads(content)
    place: Any = document
    while True:
        key = chance.choice(list(place)) if isinstance(place, dict) else chance.randrange(len(place))
        inner = place[key]
        if not (isinstance(inner, dict | list) and inner) or chance.random() < 0.15:
            break
        place = inner
    edit = chance.randrange(6)
    if edit == 0:
        del place[key]
    elif edit == 1 and isinstance(place, dict):
        place[chance.choice([MARKUP, "", "\x1b[2J", "labels", "test", "a\nb"])] = place.pop(key)
    else:
        place[key] = chance.choice(VALUES)
    return json.dumps(document).encode()


def mutate(content: bytes, chance: random.Random) -> bytes:
    """A few edits: bytes and lines changed, moved, doubled, cut off, hostile words put in."""
    data = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        at = chance.randint(0, len(data))
        edit = chance.randrange(7)
        if edit == 0 and data:
            data[at % len(data)] = chance.randrange(256)
        elif edit == 1:
            data[at:at] = chance.choice(WORDS)
        elif edit == 2:
            data[at : at + chance.randint(1, 20)] = b""
        elif edit == 3:
            data[at : at + chance.randint(0, 8)] = chance.choice(WORDS)
        elif edit == 4:
            start = chance.randint(0, len(data))
            data[at:at] = data[start : start + chance.randint(1, 60)]
        elif edit == 5:
            lines = bytes(data).split(b"\n")
            lines.insert(chance.randrange(len(lines) + 1), chance.choice(lines))
            data = bytearray(b"\n".join(lines))
        else:
            del data[at:]
    return bytes(data)


class Fuzzer:
    """One round each of what can be fuzzed; `chance` decides all."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        self.chance = random.Random(seed)
        self.configs = [path.read_bytes() for path in sorted(CONFIGS.glob("*.yaml"))]
        rows = "".join(f"r{i},{i * 7 % 11},{'red' if i % 3 else 'blue'},{'yes' if i % 2 else 'no'}\n" for i in range(60))
        self.table = ("id,size,colour,y\n" + rows).encode()
        (folder / "rows.csv").write_bytes(self.table)
        self.run = folder / "original"
        (self.run / "checkpoints").mkdir(parents=True)
        config = load_config_text(CONFIG, file="mixed.yaml", folder=folder)
        load_dataset(config.data, seed=0).preprocessing.save(self.run)
        (self.run / "config.yaml").write_text(CONFIG.replace("rows.csv", str(folder / "rows.csv")))
        (self.run / "manifest.json").write_text(str(MANIFEST).replace("'", '"'))
        (self.run / "metrics.json").write_text(json.dumps(METRICS))
        (self.run / "history.csv").write_text(
            "epoch,loss,val_loss,learning_rate,seconds\n1,0.5,0.6,0.01,0.2\n2,0.4,0.5,0.01,0.2\n"
        )
        (self.run / "state").mkdir()
        (self.run / "state" / "findings.json").write_text(json.dumps(FINDINGS))
        (self.run / "checkpoints" / "best.h5").write_bytes(bytes(10_000))
        self.copy = folder / "runs" / "copy"
        (folder / "growing").mkdir()
        self.growing = Growing(self.chance, folder / "growing")
        self.changed: str | None = None  # name of the file of the copy that isn't the original's

    def config(self) -> tuple[bytes, Callable[[], object]]:
        """A shipped config, changed."""
        text = mutate(self.chance.choice(self.configs), self.chance)
        return text, lambda: load_config_text(text, file="c.yaml", folder=self.folder)

    def override(self) -> tuple[bytes, Callable[[], object]]:
        """An override of a shipped config."""
        value = mutate(self.chance.choice(WORDS), self.chance).decode(errors="surrogateescape").replace("\0", "")
        words = [f"{self.chance.choice(KEYS)}={value}"]
        path = self.chance.choice(sorted(CONFIGS.glob("*.yaml")))
        return f"{path.name} {words}".encode(errors="replace"), lambda: load_config(path, words)

    def data(self) -> tuple[bytes, Callable[[], object]]:
        """A table that is split, fitted and preprocessed."""
        content = mutate(self.table, self.chance)
        file = self.folder / "fuzzed.csv"
        file.write_bytes(content)
        text = CONFIG.replace("rows.csv", str(file))
        return content, lambda: load_dataset(load_config_text(text, file="c.yaml", folder=self.folder).data, seed=0)

    def _change(self, names: Sequence[str]) -> bytes:
        """Change one of the files of the run's copy, all others of which are as they were; its name and content."""
        if self.changed is None:
            shutil.copytree(self.run, self.copy)
        else:
            shutil.copyfile(self.run / self.changed, self.copy / self.changed)
        name = self.changed = self.chance.choice(names)
        content = (self.run / name).read_bytes()
        content = (
            mutate_json(content, self.chance)
            if name.endswith(".json") and self.chance.random() < 0.7
            else mutate(content, self.chance)
        )
        (self.copy / name).write_bytes(content)
        return name.encode() + b": " + content

    def stored(self) -> tuple[bytes, Callable[[], object]]:
        """A run of which one file was changed."""
        content = self._change(["config.yaml", "manifest.json", "metrics.json", "preprocessing.json", "preprocessing.npz"])

        def use() -> None:
            list_runs(self.copy.parent)
            stored = load_run(self.copy)
            stored.checkpoint(None)
            read_part(stored.preprocessing, [str(self.folder / "rows.csv")], with_targets=True, reporter=Reporter())

        return content, use

    def page(self) -> tuple[bytes, Callable[[], object]]:
        """The report of a run of which one file was changed: no markup of its values is in it."""
        content = self._change(["manifest.json", "metrics.json", "history.csv", "state/findings.json"])

        def use() -> None:
            page = run_page(self.copy)
            html, text = render_html(page), render_markdown(page)
            assert MARKUP not in html
            assert MARKUP not in text
            assert "\x1b" not in html + text

        return content, use

    def command_line(self) -> tuple[bytes, Callable[[], object]]:
        """`check` of a changed config, by the command itself."""
        text = mutate(self.chance.choice(self.configs), self.chance)
        file = self.folder / "fuzzed.yaml"
        file.write_bytes(text)

        return text, lambda: quietly(["check", str(file), "--json"])

    def grown(self) -> tuple[bytes, Callable[[], object]]:
        """`check --data` and `init` of a case that was valid before its last change."""
        case = self.growing.change()
        config = case.folder / "c.yaml"

        def use() -> None:
            code = quietly(["check", "--data", str(config)])
            quietly(["init", str(case.file)])
            if code:
                raise DltrainError("refused")
            self.growing.keep()

        return config.read_bytes() + b"\n" + case.file.read_bytes(), use


def quietly(words: list[str]) -> int:
    """The exit code of a command, which is one of the table."""
    code, text = output_of(words)
    log = re.search(r"traceback is in (\S+)", text)
    assert code in (0, 2, 3), f"{words[0]}: exit code {code}\n{Path(log[1]).read_text()[-1500:] if log else text[-800:]}"
    return code


def attempt(use: Callable[[], object]) -> tuple[str | None, bool]:
    """What is wrong with it, or None; and whether it was taken, not refused."""
    signal.alarm(60)
    start = time.process_time()  # a busy machine is no failure
    taken = False
    try:
        use()
        taken = True
    except DltrainError:
        pass
    except TooSlow:
        return "more than 60 s\n" + traceback.format_exc(limit=-3), False
    except Exception:
        return traceback.format_exc(limit=-6), False
    finally:
        signal.alarm(0)
    seconds = time.process_time() - start
    return f"{seconds:.1f} s of the processor" if seconds > MOST_SECONDS else None, taken


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--inputs", type=int, default=1 << 60, help="of each kind, at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", default="config,override,data,stored,page,command_line,grown")
    parser.add_argument("--training", action="store_true")
    parser.add_argument("--only", type=int)
    arguments = parser.parse_args()
    signal.signal(signal.SIGALRM, _alarm)
    if arguments.training:
        from tests.fuzz_training import run_cases

        return 1 if run_cases(arguments.seconds, arguments.seed, arguments.only, signal.alarm, time.monotonic) else 0
    counts: dict[str, int] = {}
    fine: dict[str, int] = {}
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        fuzzer = Fuzzer(Path(folder), arguments.seed)
        kinds = [getattr(fuzzer, name) for name in arguments.kinds.split(",")]
        for warm_up in kinds:
            attempt(warm_up()[1])  # imports are no part of what is timed
        end = time.monotonic() + arguments.seconds
        while kinds and time.monotonic() < end:
            kind = fuzzer.chance.choice(kinds)
            content, use = kind()
            counts[kind.__name__] = counts.get(kind.__name__, 0) + 1
            if counts[kind.__name__] == arguments.inputs:
                kinds.remove(kind)
            wrong, was_fine = attempt(use)
            fine[kind.__name__] = fine.get(kind.__name__, 0) + was_fine
            if wrong is not None:
                failures += 1
                print(f"--- {kind.__name__}: {wrong}\n{content[:3000]!r}", flush=True)
    print(f"tried {counts}, of them taken {fine}, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
