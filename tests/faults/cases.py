"""The kinds of commands that are put into the fault box, and what must be true after each of them."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.faults.box import Box, Case, Ended, Trouble, bits_of_run, differing, left_temporary
from tests.faults.filling import OFTEN, kept, succeed

SWEEP_WORDS = ("--run-dir", "run", "--threads", "1")

# In the place of a tracker, which need not be installed: reads all that it is handed.
TRACKER = """
import dltrain.cli.trackers.send as sending
from dltrain.cli.trackers.told import Logged
class Tracker:
    def send(self, told):
        assert told.values and told.page()
        assert all(file.read_bytes() for file in told.files)
        return Logged(told.path, told.mark, is_new=True)
    def close(self):
        pass
sending.tracker_of = lambda *args: Tracker()
"""


def fits(config: str, *more: str, filled: str = "new") -> Callable[[Box], Case]:
    """A new fit: what is around it stays, and going on with it ends with the bits of one that was left alone.

    Args:
        config: its name, without the suffix.
        more: words of the command.
        filled: name of what the box is filled with before; its run is removed.
    """
    words = ("fit", f"{config}.yaml", "--run-dir", "run", "--resume", "auto", "--threads", "1", *more)

    def case(box: Box) -> Case:
        box.fill(filled)
        if box.run.exists():
            shutil.rmtree(box.run)
        begun = f"before {config}"
        box.keep(begun)
        before = box.surroundings(box.run)
        succeed(box, words, Trouble(code=OFTEN))
        expected = bits_of_run(box.run)
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
                known[state] = go_on(box, words, expected)
            return wrong + known[state]

        return Case(begun, words, look, OFTEN)

    return case


def go_on(box: Box, words: Sequence[str], expected: dict[str, str]) -> list[str]:
    """What is wrong when the command is given once more, with nothing in its way."""
    again = box.command(words)
    if again.code != 0:
        return [f"going on ended with {again.code}: {again.stderr.strip().splitlines()[-2:]}"]
    return [f"after going on: {name}" for name in differing(expected, bits_of_run(box.run))]


def writes_a_file(words: Sequence[str], output: str, filled: str = "finished") -> Callable[[Box], Case]:
    """A command that reads a run and writes one file: the run stays as it was, the file is whole or not there."""

    def case(box: Box) -> Case:
        box.fill(kept(box, filled))
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
            is_told = "could not be read once more" in ended.stderr
            if file.exists() and not is_told and not is_whole(content(file), whole, exact):
                wrong.append(f"{output} is not whole")
            if ended.code == 0 and not file.exists():
                wrong.append(f"ended with 0 without {output}")
            return wrong

        return Case(filled, words, look)

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


def changes_nothing(words: Sequence[str], filled: str = "finished", code: str = "") -> Callable[[Box], Case]:
    """A command that only reads and prints."""

    def case(box: Box) -> Case:
        box.fill(kept(box, filled))
        before = box.surroundings()
        succeed(box, words, Trouble(code=code))
        changed = differing(before, box.surroundings())
        assert changed == [], changed

        def look(box: Box, ended: Ended, trouble: Trouble) -> list[str]:
            temporary = left_temporary(ended, trouble)
            changed = [name for name in differing(before, box.surroundings()) if not name.startswith(temporary)]
            if trouble.fault == "KILL":
                changed = [name for name in changed if ".tmp" not in name]  # of the picture that it draws anew
            return [f"changed {name}" for name in changed]

        return Case(filled, words, look, code)

    return case


def keeps_in_the_run(words: Sequence[str], written: Sequence[str], filled: str = "finished") -> Callable[[Box], Case]:
    """A command that keeps what it found in the run: nothing else there changes, and once more it says what it would have said."""

    def case(box: Box) -> Case:
        box.fill(kept(box, filled))
        before = box.surroundings()
        ended = box.command(words)
        assert ended.code == 0, ended.stderr
        said = ended.stdout
        new = {name[1:].removeprefix("work/run/") for name in differing(before, box.surroundings())}
        assert new <= set(written), new

        def look(box: Box, ended: Ended, trouble: Trouble) -> list[str]:
            temporary = (left_temporary(ended, trouble), *(f"{sign}work/run/{name}" for name in written for sign in "+~"))
            changed = [name for name in differing(before, box.surroundings()) if not name.startswith(temporary)]
            if trouble.fault == "KILL":
                changed = [name for name in changed if ".tmp" not in name]
            wrong = [f"changed {name}" for name in changed]
            again = box.command(words)
            if again.code or again.stdout != said:
                wrong.append(f"a second time it ended with {again.code} and said something else: {again.stderr[-200:]}")
            return wrong

        return Case(filled, words, look)

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


def removes(filled: str, words: Sequence[str]) -> Callable[[Box], Case]:
    """Nothing but the run goes, and a second time removes what the first one left."""

    def case(box: Box) -> Case:
        box.fill(kept(box, filled))
        before = box.surroundings(box.run)

        def look(box: Box, ended: Ended, trouble: Trouble) -> list[str]:
            wrong = [f"changed {name}" for name in differing(before, box.surroundings(box.run)) if name != "-work/run"]
            is_told = "cannot be read: run;" in ended.stderr
            if ended.code == 0 and box.run.exists() and not is_told and trouble.fault not in ("TERM",):
                wrong.append("ended with 0, and the run is there")
            if box.run.exists() and any(box.run.iterdir()):
                again = box.command(words)
                if again.code or box.run.exists():
                    wrong.append(f"a second time ended with {again.code}: {again.stderr.strip()[-200:]}")
            return wrong

        return Case(filled, words, look)

    return case


def sweeps(engine: str, config: str = "sweep", *more: str) -> Callable[[Box], Case]:
    """A sweep: what is around it stays, and going on with it ends with the bits of one that was left alone."""
    words = ("sweep", f"{config}.yaml", *SWEEP_WORDS, "--engine", engine, *more)

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


def continues(filled: str, *more: str) -> Callable[[Box], Case]:
    """A sweep that goes on: the trials that were done stay to the bit, and it can go on once more.

    Args:
        filled: name of what the box is filled with before.
        more: words of the command, such as those that give it more values.
    """
    words = ("sweep", "--resume", "run", "--threads", "1", *more)

    def case(box: Box) -> Case:
        box.fill(kept(box, filled))
        before = box.surroundings(box.run)
        done = {trial.name for trial in (box.run / "trials").glob("*") if (trial / "metrics.json").exists()}
        had = {name: value for name, value in bits_of_trials(box.run).items() if name.split()[0] in done}
        succeed(box, words)
        expected = bits_of_trials(box.run)
        assert len(expected) > len(had)

        def look(box: Box, ended: Ended, trouble: Trouble) -> list[str]:
            temporary = left_temporary(ended, trouble)
            changed = [name for name in differing(before, box.surroundings(box.run)) if not name.startswith(temporary)]
            wrong = [f"changed {name}" for name in changed]
            now = bits_of_trials(box.run)
            wrong += [f"of a trial that was done: {name}" for name in had if now.get(name) != had[name]]
            again = box.command(words)
            if again.code:
                wrong.append(f"going on ended with {again.code}: {again.stderr.strip().splitlines()[-2:]}")
            return wrong + [f"after going on: {name}" for name in differing(expected, bits_of_trials(box.run))]

        return Case(filled, words, look)

    return case


def warms(what: str) -> Callable[[Box], Case]:
    """`dltrain warm`: whatever fails, no process is left that nobody finds, and the next one begins."""

    def case(box: Box) -> Case:
        place = box.root / "own"
        code = f"import os; os.environ.pop('DLTRAIN_WARM', None); os.environ['XDG_RUNTIME_DIR'] = {str(place)!r}"
        usual = Trouble(code=code)
        box.fill("new")
        before = box.surroundings(place)
        if what != "start":
            code += "; from dltrain.processes.warm.manage import start; start()"

        def look(box: Box, ended: Ended, trouble: Trouble) -> list[str]:
            wrong = [f"changed {name}" for name in differing(before, box.surroundings(place))]
            again = box.command(("warm", "start"), usual)
            wrong += [f"warm start ended with {again.code}: {again.stderr[-200:]}"] if again.code else []
            again = box.command(("warm", "stop"), usual)
            left = [pid for pid in _processes_of(place) if not _ends(pid)]
            for pid in left:
                os.kill(pid, signal.SIGKILL)
            return (
                wrong
                + [f"process {pid} is left" for pid in left]
                + ([f"warm stop ended with {again.code}"] if again.code else [])
            )

        return Case("new", ("warm", what), look, code)

    return case


def _processes_of(place: Path) -> list[int]:
    """The warm processes that were started with a folder for their sockets."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            is_warm = entry.name.isdigit() and b"warm_process" in (entry / "cmdline").read_bytes()
            if is_warm and str(place).encode() in (entry / "environ").read_bytes():
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def _ends(pid: int) -> bool:
    """Whether a process is gone within seconds."""
    until = time.monotonic() + 8
    while time.monotonic() < until:
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False


def state_of(box: Box, ended: Ended) -> str:
    """What a command left of a run, by names: where it is the same as before, going on was tried."""
    return repr(
        [sorted(path.relative_to(box.run).as_posix() for path in box.run.rglob("*") if ".tmp" not in path.name), ended.code]
    )


def bits_of_trials(path: Path) -> dict[str, str]:
    """Those of all trials of a sweep."""
    trials = sorted((path / "trials").glob("*")) if (path / "trials").is_dir() else []
    return {f"{trial.name} {name}": value for trial in trials for name, value in bits_of_run(trial).items()}
