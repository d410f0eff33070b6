"""What a stranger can put into a run directory: links, pipes, devices, bombs, and values of the wrong kind."""

from __future__ import annotations

import copy
import json
import logging
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest

from dltrain.cli.app import run as command
from dltrain.cli.reports.data import beginning_of
from dltrain.config import load_config_text
from dltrain.data import load_dataset, read_part
from dltrain.errors import DltrainError, RunError
from dltrain.evaluation.drawing.history import read_history
from dltrain.evaluation.load_run import load_run
from dltrain.evaluation.metrics.report import restore_reference
from dltrain.model.weights.checkpoint_size import largest_checkpoint
from dltrain.reporting import Reporter
from dltrain.storage.atomic import unshare
from dltrain.storage.run import Run
from dltrain.training.environment import logging_to

CONFIG = """
name: mixed
data: {source: csv, path: rows.csv, target: y, split: {test: 0.25}, identifiers: [id]}
model: {layers: [{Dense: {units: 6, activation: relu, name: hidden}}]}
training: {epochs: 1}
"""
MANIFEST = {"status": "finished", "name": "mixed", "started": "2026-11-22T15:35:45Z", "threads": 2, "seconds": {"total": 3.0}}


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All of a run that is read before Keras is; its checkpoint is only large enough."""
    folder = tmp_path_factory.mktemp("hostile")
    rows = "".join(
        f"r{index},{index * 7 % 11},{'red' if index % 3 else 'blue'},{'yes' if index % 2 else 'no'}\n" for index in range(60)
    )
    (folder / "rows.csv").write_text("id,size,colour,y\n" + rows)
    run = folder / "runs" / "first"
    (run / "checkpoints").mkdir(parents=True)
    (run / "state").mkdir()
    config = load_config_text(CONFIG, file="mixed.yaml", folder=folder)
    load_dataset(config.data, seed=0).preprocessing.save(run)
    (run / "config.yaml").write_text(CONFIG.replace("rows.csv", str(folder / "rows.csv")))
    (run / "manifest.json").write_text(json.dumps(MANIFEST))
    (run / "metrics.json").write_text(json.dumps({"metrics": {"test": {"accuracy": 0.5}}}))
    (run / "checkpoints" / "best.h5").write_bytes(bytes(10_000))
    return run


@pytest.fixture
def run(original: Path, tmp_path: Path) -> Path:
    shutil.copytree(original, tmp_path / "runs" / "first")
    return tmp_path / "runs" / "first"


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    """What waits for a pipe for ever fails instead."""

    def late(number: int, frame: FrameType | None) -> None:
        pytest.fail("it waits for ever")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(120)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def use(run: Path) -> None:
    """All that happens before Keras is imported."""
    stored = load_run(run)
    stored.checkpoint(None)
    stored.preprocessing.describe()
    assert stored.threads is None or isinstance(stored.threads, int)
    data = str(stored.config.data.path[0])
    read_part(stored.preprocessing, [data], with_targets=True, reporter=Reporter())


def test_the_run_itself_can_be_used(run: Path) -> None:
    use(run)


REPLACED: dict[str, Callable[[Path], None]] = {
    "pipe": lambda path: os.mkfifo(path),
    "device": lambda path: path.symlink_to("/dev/zero"),
    "file outside": lambda path: path.symlink_to("/etc/hostname"),
    "itself": lambda path: path.symlink_to(path.name),
    "nothing": lambda path: path.symlink_to("nothing"),
}


@pytest.mark.parametrize("kind", REPLACED)
@pytest.mark.parametrize(
    "name", ["config.yaml", "manifest.json", "preprocessing.json", "preprocessing.npz", "checkpoints/best.h5", "log.txt", ".lock"]
)
def test_links_pipes_and_devices_are_refused(name: str, kind: str, run: Path) -> None:
    (run / name).unlink(missing_ok=True)
    REPLACED[kind](run / name)
    with pytest.raises(RunError):
        use(run)
    assert command(["runs", "--runs", str(run.parent), "--json"]) == 0


def test_a_folder_of_checkpoints_elsewhere_is_refused(original: Path, run: Path) -> None:
    shutil.rmtree(run / "checkpoints")
    (run / "checkpoints").symlink_to(original / "checkpoints")
    with pytest.raises(RunError, match="leads out of the run"):
        load_run(run)


def test_taking_the_lock_writes_into_no_other_file(run: Path, tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("keep me")
    (run / ".lock").symlink_to(tmp_path / "precious")
    with pytest.raises(RunError), Run(run).locked():
        pass
    assert (tmp_path / "precious").read_text() == "keep me"


def test_what_is_appended_goes_into_no_file_elsewhere(run: Path, tmp_path: Path) -> None:
    """A hard link is a file under two names, one of which may be anybody's."""
    for name in (".lock", "log.txt"):
        (tmp_path / name).write_text("keep me\n")
        (run / name).unlink(missing_ok=True)
        (run / name).hardlink_to(tmp_path / name)
    with Run(run).locked(), logging_to(run / "log.txt"):
        logging.getLogger("dltrain").warning("said")
        assert "process" in (run / ".lock").read_text()
        with pytest.raises(RunError, match="in use"), Run(run).locked():
            pass
    assert {(tmp_path / name).read_text() for name in (".lock", "log.txt")} == {"keep me\n"}
    assert (run / "log.txt").read_text().startswith("keep me\n")
    assert "said" in (run / "log.txt").read_text()
    unshare(run / "nothing")


def test_a_config_of_a_larger_model_is_refused_before_it_is_built(run: Path) -> None:
    text = (run / "config.yaml").read_text()
    (run / "config.yaml").write_text(text.replace("units: 6", "units: 3_000_000_000".replace("_", "")))
    stored = load_run(run)
    with pytest.raises(RunError, match="too small for the"):
        stored.build(stored.checkpoint(None)[1])


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _places(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value[:2]):
            yield from _places(item, (*path, index))


WRONG = [None, True, -1, 10**400, "", "\x1b[31m\ud800", [], {}, [[1]], "a" * 10_000]


@pytest.mark.parametrize("wrong", WRONG, ids=lambda value: str(value)[:8].encode("unicode_escape").decode())
def test_wrong_values_in_the_preprocessing_are_run_or_data_errors(wrong: Any, run: Path) -> None:
    file = run / "preprocessing.json"
    state = json.loads(file.read_text())
    for path in _places(state):
        changed = copy.deepcopy(state)
        place = changed
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = wrong
        file.write_text(json.dumps(changed))
        try:
            use(run)
        except DltrainError as error:
            assert error.exit_code in (3, 6), (path, error)


def test_a_column_that_is_there_twice_is_a_run_error(run: Path) -> None:
    file = run / "preprocessing.json"
    state = json.loads(file.read_text())
    first, second = state["features"]
    first["name"] = second["name"]
    file.write_text(json.dumps(state))
    with pytest.raises(RunError, match="is there twice"):
        use(run)


def test_bombs_in_the_preprocessing_cost_little(run: Path) -> None:
    with np.load(run / "preprocessing.npz") as file:
        arrays = dict(file)
    np.savez_compressed(run / "preprocessing.npz", **arrays, bomb=np.zeros(100 << 20, np.uint8))
    start = time.process_time()
    with pytest.raises(RunError, match="more than"):
        load_run(run)
    (run / "preprocessing.json").write_text('{"a":[' + "[]," * 2_000_000 + "[]]}")
    with pytest.raises(RunError, match="lists and mappings"):
        load_run(run)
    (run / "preprocessing.json").write_text("[" * 100_000)
    with pytest.raises(RunError):
        load_run(run)
    assert time.process_time() - start < 10


@pytest.mark.parametrize(
    "reference", [[1], {"y": 3}, {"y": {}}, {"y": {"counts": ["a"]}}, {"y": {"counts": [10**12]}}, {"y": {"counts": [-1]}}, {"y": {"mean": []}}]
)  # fmt: skip
def test_a_wrong_reference_is_a_run_error(reference: Any) -> None:
    with pytest.raises(RunError):
        restore_reference(reference, ())


@pytest.mark.parametrize("as_json", [False, True])
@pytest.mark.parametrize(
    "changes",
    [
        {"seconds": {"total": "abc"}}, {"seconds": {"total": 10**400}}, {"seconds": {"total": [1]}}, {"task": {"a": [1]}},
        {"name": "\x1b[31mx\r\x08", "status": "\x1b]0;x\x07", "started": "\x9b31m\n"}, {"started": "\ud800", "status": "\udc9b"},
        {"metrics": {"test": {"accuracy": 10**400}}}, {"metrics": {"test": {"accuracy": "\x1b[2J"}}}, {"metrics": [1]},
    ],
)  # fmt: skip
def test_a_list_of_hostile_runs(changes: dict[str, Any], as_json: bool, run: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = run / ("metrics.json" if "metrics" in changes else "manifest.json")
    file.write_text(json.dumps({**MANIFEST, **changes}))
    for more in ([], ["--sort", "accuracy"]):
        assert command(["runs", "--runs", str(run.parent), *more, *(["--json"] if as_json else [])]) == 0
        out, err = capfd.readouterr()
        assert not set(out + err) & set("\x1b\r\x08\x07\x9b")
        if as_json:
            json.loads(out)


@pytest.mark.parametrize("word", ["a" * 5000, "a/" * 3000, "", "\udc9b\x1b[31m", "/dev/zero", "-"])
@pytest.mark.parametrize("words", [["evaluate"], ["runs", "rm"], ["check"], ["fit"], ["explain"], ["fit", "--resume"], ["init"]])
def test_hostile_words(
    words: list[str], word: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    code = command([*words, word, "--json"])
    assert code in (2, 3, 6) or (words, word, code) == (["explain"], "", 0)
    out, err = capfd.readouterr()
    assert "\x1b" not in out + err
    assert json.loads(out)["status"] == ("error" if code else "finished")


@pytest.mark.parametrize("value", ["\udced", "[\udc93]", "'\ud800'"])
def test_an_override_that_is_no_text(value: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "c.yaml").write_text("data: {source: iris}\n")
    assert command(["fit", str(tmp_path / "c.yaml"), f"model.layers={value}", "--json"]) == 2
    assert "not UTF-8" in json.loads(capfd.readouterr().out)["errors"][0]["message"]


def test_data_that_never_ends_is_refused(run: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    stored = load_run(run)
    for path in (tmp_path / "pipe.csv", Path("/dev/zero")):
        with pytest.raises(DltrainError, match="not a file"):
            read_part(stored.preprocessing, [str(path)], with_targets=False, reporter=Reporter())


def test_no_file_without_end_is_read_whole(run: Path) -> None:
    """Files with holes: as large as the disk, and nearly nothing on it."""
    for name in ("log.txt", "history.csv"):
        (run / name).touch()
        os.truncate(run / name, 20 << 30)
    assert len(beginning_of(run / "log.txt")) == 1 << 20
    with pytest.raises(RunError, match="larger than dltrain ever writes it"):
        read_history(run / "history.csv")
    assert not Run(run).is_only_begun()


@pytest.mark.parametrize("kind", [kind for kind in REPLACED if kind != "nothing"])
def test_a_history_elsewhere_or_without_end_is_not_read(kind: str, run: Path) -> None:
    (run / "history.csv").unlink(missing_ok=True)
    REPLACED[kind](run / "history.csv")
    with pytest.raises(RunError, match=r"leads out of the run|neither a file nor a folder|cannot be read"):
        read_history(run / "history.csv")


def test_a_history_of_short_rows_under_a_wide_header_is_refused(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of the cells that are not there takes memory as well."""
    monkeypatch.setattr("dltrain.evaluation.drawing.history._MOST_CELLS", 1000)
    (run / "history.csv").write_text(",".join(f"m{number}" for number in range(100)) + "\n" + "1\n" * 20)
    with pytest.raises(RunError, match="more than 1,000 cells"):
        read_history(run / "history.csv")


def test_cells_that_lack_or_are_too_many_in_a_history(run: Path) -> None:
    (run / "history.csv").write_text("epoch,loss,\n1,0.5\n\n2\n3,0.25,7,8\n")
    found = read_history(run / "history.csv")
    assert list(found) == ["epoch", "loss"]
    assert np.array_equal(found["loss"], [0.5, np.nan, 0.25], equal_nan=True)
    (run / "history.csv").write_text("epoch,loss\n")
    assert read_history(run / "history.csv") == {}


@pytest.mark.parametrize(
    "name",
    ["checkpoints/best.h5", "config.yaml", "metrics.json", "history.csv", "answers.json", "preprocessing.npz", "code/own.py"],
)
def test_no_digest_is_taken_of_a_file_without_end(name: str, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its size is looked at first: to hash holes as large as a disk takes hours."""
    manifest = {**MANIFEST, "files": {name: "0" * 64}, "named": {"code": ["own.py"]}}
    (run / "manifest.json").write_text(json.dumps(manifest))
    (run / name).parent.mkdir(exist_ok=True)
    (run / name).touch()
    with pytest.raises(RunError, match="was changed since"):
        Run(run).check_digests(manifest)
    os.truncate(run / name, 20 << 30)
    monkeypatch.setattr("hashlib.file_digest", lambda *_: pytest.fail("it is hashed"))
    with pytest.raises(RunError, match="larger than dltrain ever writes it"):
        Run(run).check_digests(manifest)


def test_no_digest_is_taken_of_a_checkpoint_larger_than_its_model(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (run / "manifest.json").write_text(json.dumps({**MANIFEST, "files": {"checkpoints/best.h5": "0" * 64}}))
    stored = load_run(run)
    with pytest.raises(RunError, match="was changed since"):
        stored.checkpoint(None)
    os.truncate(run / "checkpoints" / "best.h5", 1 << 30)
    monkeypatch.setattr("hashlib.file_digest", lambda *_: pytest.fail("it is hashed"))
    with pytest.raises(RunError, match="larger than dltrain ever writes it"):
        stored.checkpoint(None)
    most = largest_checkpoint(stored.config, stored.preprocessing.schema, stored.member_heads)
    with pytest.raises(RunError, match="larger than dltrain ever writes it"):
        Run(run).check_digests(stored.manifest, checkpoint=most)
