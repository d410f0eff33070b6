"""The commands that are put into the fault box, and what must be true after each of them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.faults.box import Box, Case, Ended, Trouble, bits_of_run, differing, left_temporary

CONFIG = """
name: tiny
seed: 3
data: {source: csv, path: rows.csv, target: y, split: {validation: 0.2, test: 0.2}}
model: {layers: [{Dense: {units: 3, activation: relu}}]}
training: {epochs: 2, batch_size: 16, jit_compile: false, checkpoint: {filepath: "mine-{epoch}.h5"}}
"""
SWEEP = """
sweep: {parameters: {training.optimizer.learning_rate: [0.01, 0.1]}}
"""
# Saves at each epoch's end and between all calls, so that a signal or a fault meets a run that is half done.
OFTEN = "import dltrain.training.trainer as train; train.EPOCH_SAVE_SECONDS = train.CALL_SECONDS = 0.0"
FIT = ("fit", "tiny.yaml", "--run-dir", "run", "--resume", "auto", "--threads", "1")
SWEEP_WORDS = ("sweep", "sweep.yaml", "--run-dir", "run", "--threads", "1")


def furnish(box: Box) -> None:
    """Put a config, its data, and some things of the user's into an empty box; keep it as "new"."""
    (box.work / "tiny.yaml").write_text(CONFIG)
    (box.work / "sweep.yaml").write_text(CONFIG.replace(', checkpoint: {filepath: "mine-{epoch}.h5"}', "") + SWEEP)
    rows = [
        f"{index * 7 % 11},{index * 5 % 13},{'abc'[index % 3]},{'yes' if index * 7 % 11 > 5 else 'no'}" for index in range(60)
    ]
    (box.work / "rows.csv").write_text("\n".join(["a,b,c,y", *rows]) + "\n")
    (box.work / "letter.txt").write_text("dear reader\n")
    (box.root / "home" / "notes").mkdir()
    (box.root / "home" / "notes" / "mine.txt").write_text("mine\n")
    box.keep("new")


def begin(box: Box) -> None:
    """Furnish the box, and keep a finished run in it as "finished"."""
    furnish(box)
    succeed(box, FIT, Trouble(code=OFTEN))
    shutil.copytree(box.run, box.work / "other")
    box.keep("finished")


def succeed(box: Box, words: Sequence[str], trouble: Trouble | None = None) -> None:
    """Run a command that has no reason to fail."""
    ended = box.command(words, trouble)
    assert ended.code == 0, ended.stderr


def fits(box: Box) -> Case:
    """A new fit: what is around it stays, and going on with it ends with the bits of one that was left alone."""
    box.fill("finished")
    expected = bits_of_run(box.run)
    box.fill("new")
    before = box.surroundings(box.run)
    known: dict[str, list[str]] = {}

    def look(box: Box, ended: Ended, trouble: Trouble) -> list[str]:
        temporary = left_temporary(ended, trouble)
        changed = [name for name in differing(before, box.surroundings(box.run)) if not name.startswith(temporary)]
        wrong = [f"changed {name}" for name in changed]
        missing = {"manifest.json", "history.csv", "metrics.json", "config.yaml"} - {path.name for path in box.run.glob("*")}
        if ended.code == 0 and missing:
            wrong.append(f"ended with 0 without {', '.join(sorted(missing))}")
        state = state_of(box, ended)
        if trouble.fault == "KILL" or state not in known:
            known[state] = go_on(box, FIT, expected)
        return wrong + known[state]

    return Case("new", FIT, look, OFTEN)


def go_on(box: Box, words: Sequence[str], expected: dict[str, str]) -> list[str]:
    """What is wrong when the command is given once more, with nothing in its way."""
    again = box.command(words)
    if again.code != 0:
        return [f"going on ended with {again.code}: {again.stderr.strip().splitlines()[-2:]}"]
    return [f"after going on: {name}" for name in differing(expected, bits_of_run(box.run))]


def writes_a_file(words: Sequence[str], output: str) -> Callable[[Box], Case]:
    """A command that reads a run and writes one file: the run stays as it was, the file is whole or not there."""

    def case(box: Box) -> Case:
        box.fill("finished")
        before = box.surroundings()
        succeed(box, words)
        file = box.work / output
        whole = content(file)
        exact = output.endswith((".csv", ".jsonl", ".yaml"))

        def look(box: Box, ended: Ended, trouble: Trouble) -> list[str]:
            added = f"+work/{output}"
            changed = [name for name in differing(before, box.surroundings()) if f"{name}/".split("/")[:2] != added.split("/")]
            changed = [name for name in changed if not name.startswith(left_temporary(ended, trouble))]
            if trouble.fault == "KILL":
                changed = [name for name in changed if ".tmp" not in name]
            wrong = [f"changed {name}" for name in changed]
            if file.exists() and not is_whole(content(file), whole, exact):
                wrong.append(f"{output} is not whole")
            if ended.code == 0 and not file.exists():
                wrong.append(f"ended with 0 without {output}")
            return wrong

        return Case("finished", words, look)

    return case


def content(path: Path) -> dict[str, bytes]:
    """The bytes of a file, or of each file of a folder, by name."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return {str(file.relative_to(path)): file.read_bytes() for file in files}


def is_whole(found: dict[str, bytes], whole: dict[str, bytes], exact: bool) -> bool:
    """Whether a file or folder is what it would be without a fault; what holds times and random names, nearly so."""
    if exact:
        return found == whole
    return found.keys() == whole.keys() and all(len(found[name]) >= 0.9 * len(whole[name]) for name in whole)


def changes_nothing(words: Sequence[str]) -> Callable[[Box], Case]:
    """A command that only reads and prints."""

    def case(box: Box) -> Case:
        box.fill("finished")
        before = box.surroundings()
        succeed(box, words)
        assert differing(before, box.surroundings()) == []

        def look(box: Box, ended: Ended, trouble: Trouble) -> list[str]:
            temporary = left_temporary(ended, trouble)
            return [f"changed {name}" for name in differing(before, box.surroundings()) if not name.startswith(temporary)]

        return Case("finished", words, look)

    return case


def resumes(box: Box) -> Case:
    """A finished fit that goes on for more epochs: what it had is there or is replaced, and it can go on once more."""
    words = ("fit", "tiny.yaml", "--run-dir", "run", "--resume", "auto", "--threads", "1", "training.epochs=4")
    box.fill("finished")
    before = box.surroundings(box.run)
    kept = {name for name in bits_of_run(box.run) if name.startswith("epoch ")}
    succeed(box, words)
    expected = bits_of_run(box.run)

    def look(box: Box, ended: Ended, trouble: Trouble) -> list[str]:
        temporary = left_temporary(ended, trouble)
        changed = [name for name in differing(before, box.surroundings(box.run)) if not name.startswith(temporary)]
        wrong = [f"changed {name}" for name in changed]
        if kept - bits_of_run(box.run).keys():
            wrong.append("epochs that were there are gone")
        return wrong + go_on(box, words, expected)

    return Case("finished", words, look)


def removes(box: Box) -> Case:
    """Nothing but the run goes, and a second time removes what the first one left."""
    box.fill("finished")
    before = box.surroundings(box.run)
    words = ("runs", "rm", "run")

    def look(box: Box, ended: Ended, trouble: Trouble) -> list[str]:
        wrong = [f"changed {name}" for name in differing(before, box.surroundings(box.run)) if name != "-work/run"]
        if ended.code == 0 and box.run.exists() and trouble.fault not in ("TERM",):
            wrong.append("ended with 0, and the run is there")
        if box.run.exists() and any(box.run.iterdir()):
            again = box.command(words)
            wrong += (
                [f"a second time ended with {again.code}: {again.stderr.strip()[-200:]}"]
                if again.code or box.run.exists()
                else []
            )
        return wrong

    return Case("finished", words, look)


def sweeps(engine: str) -> Callable[[Box], Case]:
    """A sweep: what is around it stays, and going on with it ends with the bits of one that was left alone."""
    words = (*SWEEP_WORDS, "--engine", engine)

    def case(box: Box) -> Case:
        box.fill("new")
        before = box.surroundings(box.run)
        succeed(box, words)
        expected = bits_of_trials(box.run)
        known: dict[str, list[str]] = {}

        def look(box: Box, ended: Ended, trouble: Trouble) -> list[str]:
            temporary = left_temporary(ended, trouble)
            changed = [name for name in differing(before, box.surroundings(box.run)) if not name.startswith(temporary)]
            wrong = [f"changed {name}" for name in changed]
            if not (box.run / "manifest.json").exists():
                return wrong
            state = state_of(box, ended)
            if state not in known:
                again = box.command(("sweep", "--resume", "run", "--threads", "1"))
                known[state] = [f"after going on: {name}" for name in differing(expected, bits_of_trials(box.run))]
                if again.code:
                    known[state].insert(0, f"going on ended with {again.code}: {again.stderr.strip().splitlines()[-2:]}")
            return wrong + known[state]

        return Case("new", words, look)

    return case


def state_of(box: Box, ended: Ended) -> str:
    """What a command left of a run, by names: where it is the same as before, going on was tried."""
    return repr(
        [sorted(path.relative_to(box.run).as_posix() for path in box.run.rglob("*") if ".tmp" not in path.name), ended.code]
    )


def bits_of_trials(path: Path) -> dict[str, str]:
    """Those of all trials of a sweep."""
    trials = sorted((path / "trials").glob("*")) if (path / "trials").is_dir() else []
    return {f"{trial.name} {name}": value for trial in trials for name, value in bits_of_run(trial).items()}


CASES: dict[str, Callable[[Box], Case]] = {
    "fit": fits,
    "resume": resumes,
    "check": changes_nothing(("check", "--data", "tiny.yaml")),
    "evaluate": changes_nothing(("evaluate", "run", "--threads", "1")),
    "evaluate --data": changes_nothing(("evaluate", "run", "--data", "rows.csv", "--json", "--threads", "1")),
    "trace": changes_nothing(("trace", "run", "--row", "0", "--threads", "1")),
    "runs": changes_nothing(("runs", "--runs", ".")),
    "init": writes_a_file(("init", "rows.csv", "--target", "y", "-o", "out.yaml"), "out.yaml"),
    "predict": writes_a_file(("predict", "run", "--data", "rows.csv", "-o", "out.csv", "--threads", "1"), "out.csv"),
    "predict jsonl": writes_a_file(
        ("predict", "run", "--data", "rows.csv", "-o", "out.jsonl", "--format", "jsonl", "--threads", "1"), "out.jsonl"
    ),
    "predict parquet": writes_a_file(
        ("predict", "run", "--data", "rows.csv", "-o", "out.parquet", "--format", "parquet", "--threads", "1"), "out.parquet"
    ),
    "compare": writes_a_file(("compare", "run", "other", "-o", "out.png"), "out.png"),
    "export": writes_a_file(("export", "run", "-o", "out.keras"), "out.keras"),
    "export saved_model": writes_a_file(("export", "run", "--format", "saved_model", "-o", "out"), "out"),
    "export onnx": writes_a_file(("export", "run", "-o", "out.onnx"), "out.onnx"),
    "export tflite": writes_a_file(("export", "run", "-o", "out.tflite"), "out.tflite"),
    "runs rm": removes,
    "sweep": sweeps("stacked"),
    "sweep in processes": sweeps("processes"),
}
