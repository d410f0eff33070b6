"""What is read back of a run is what dltrain wrote, or it is refused."""

from __future__ import annotations

import json
import re
import shutil

import numpy as np
import pytest

from dltrain.cli.app import run as command
from dltrain.errors import RunError
from dltrain.storage.documents import MANIFEST, METRICS
from dltrain.storage.new_run import create_run
from dltrain.storage.run import Run
from dltrain.storage.stored import depth, read_json
from dltrain.training.saving.state import load_state

CONFIG = """\
data: {source: digits, limit: 80, split: {test: 0.3, validation: 0.2}}
model: {layers: [Flatten, {Dense: {units: 4}}]}
training: {epochs: 2}
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stored")
    (folder / "c.yaml").write_text(CONFIG)
    assert command(["fit", str(folder / "c.yaml"), "--run-dir", str(folder / "run"), "-q"]) == 0
    return folder / "run"


@pytest.fixture
def stored(finished, tmp_path):
    shutil.copytree(finished, tmp_path / "run")
    return tmp_path / "run"


def test_what_is_written_is_what_the_schema_says(finished):
    run = Run(finished)
    manifest = run.read_manifest()
    assert not manifest.keys() - MANIFEST.keys()
    assert not run.read_metrics().keys() - METRICS.keys()
    files = {str(path.relative_to(finished)) for path in finished.rglob("*") if path.is_file()}
    states = {name for name in files if name.startswith("state/state-")}  # each array in them has its checksum
    assert states
    assert files - set(manifest["files"]) == states | {".lock", "log.txt", "manifest.json"} | {
        name for name in files if name.endswith((".png", ".svg"))
    }


def flip(file):
    data = bytearray(file.read_bytes())
    place = len(data) * 3 // 4
    if file.name in ("metrics.json", "sweep.json"):  # in a number, so that it is JSON as before
        place = re.search(rb"\d\.\d(\d)|\": [1-9](\d)|\": (2)", data[len(data) // 4 :]).end() + len(data) // 4 - 1
    data[place] ^= 1
    file.write_bytes(data)


AGAIN = ["training.epochs=9"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("metrics.json", ["fit", "--resume", "RUN"]),
        ("metrics.json", ["compare", "RUN", "OTHER"]),
        ("metrics.json", ["fit", "--resume", "RUN", *AGAIN]),
        ("history.csv", ["fit", "--resume", "RUN", *AGAIN]),
        ("history.csv", ["compare", "RUN", "OTHER", "-o", "OUT"]),
        ("state/best.json", ["fit", "--resume", "RUN", *AGAIN]),
        ("state/parts.npz", ["fit", "--resume", "RUN", *AGAIN]),
        ("state/training_rows.npz", ["evaluate", "RUN"]),
        ("preprocessing.json", ["export", "RUN", "-o", "OUT"]),
        ("checkpoints/last.h5", ["evaluate", "RUN", "--weights", "last"]),
    ],
)
def test_attack_17_a_flipped_bit_of_any_file_that_is_read_back_is_seen(name, words, finished, stored, tmp_path, capsys):
    flip(stored / name)
    places = {
        "RUN": str(stored),
        "OTHER": str(finished),
        "OUT": str(tmp_path / ("out.keras" if "export" in words else "out.png")),
    }
    assert command([*(places.get(word, word) for word in words), "-q"]) == 6
    assert f"{name} was changed since the run ended" in capsys.readouterr().err
    assert not list(tmp_path.glob("out*"))


def test_attack_17_a_run_with_a_flipped_bit_in_its_metrics_is_listed_as_damaged(stored, capsys):
    flip(stored / "metrics.json")
    assert command(["runs", "--runs", str(stored.parent)]) == 0
    assert "damaged" in capsys.readouterr().out


def test_what_was_removed_to_save_space_is_not_missed(stored):
    shutil.rmtree(stored / "state")
    assert command(["evaluate", str(stored), "-q"]) == 0


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    folder = tmp_path_factory.mktemp("swept")
    (folder / "c.yaml").write_text(CONFIG.replace("epochs: 2", "epochs: 1"))
    words = ["--over", "training.optimizer.learning_rate=0.01,0.1", "--run-dir", str(folder / "run"), "-q"]
    assert command(["sweep", str(folder / "c.yaml"), *words]) == 0
    return folder / "run"


@pytest.mark.parametrize("name", ["sweep.json", "metrics.json"])
def test_attack_17_a_flipped_bit_in_a_sweep_is_seen(name, swept, tmp_path, capsys):
    shutil.copytree(swept, tmp_path / "run")
    assert command(["sweep", "--resume", str(tmp_path / "run"), "-q"]) == 0
    flip(tmp_path / "run" / name)
    assert command(["sweep", "--resume", str(tmp_path / "run"), "-q"]) == 6
    assert f"{name} was changed since the run ended" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["checkpoints/best.h5", "preprocessing.npz", "config.yaml"])
def test_attack_17_a_flipped_bit_is_seen(name, stored, capsys):
    file = stored / name
    assert command(["evaluate", str(stored), "-q"]) == 0
    data = bytearray(file.read_bytes())
    data[len(data) * 3 // 4] ^= 1
    file.write_bytes(data)
    capsys.readouterr()
    assert command(["evaluate", str(stored), "-q"]) == 6
    assert "was changed since the run ended" in capsys.readouterr().err


def test_a_file_that_is_gone_is_not_told_as_changed(stored, capsys):
    (stored / "preprocessing.npz").unlink()
    assert command(["evaluate", str(stored), "-q"]) == 6
    assert "preprocessing.npz was there when the run ended, and is gone" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("threads", 100_000),
        ("threads", "two"),
        ("threads", True),
        ("status", "done"),
        ("status", 3),
        ("environment", []),
        ("data", "x"),
        ("epochs", -1),
        ("epochs", 1.5),
        ("epochs", 10**30),
        ("phase", "1"),
        ("argv", "dltrain"),
        ("seconds", {"total": "long"}),
        ("resumed", {}),
        ("files", [1]),
        ("warnings", [[]]),
        ("weights", "../../x"),
        ("stopped_early", "no"),
    ],
)
@pytest.mark.parametrize("words", [["fit", "--resume"], ["evaluate"]])
def test_attack_12_a_manifest_of_other_types_is_refused(key, value, words, stored, capsys):
    run = Run(stored)
    manifest = json.loads(run.manifest_file.read_text())
    run.manifest_file.write_text(json.dumps({**manifest, key: value}))
    assert command([*words, str(stored), "-q"]) == 6
    assert re.search(rf"manifest.json: {key}[\w.]* is not what dltrain writes there", capsys.readouterr().err)


@pytest.mark.parametrize(
    ("key", "value"),
    [("metrics", []), ("metrics", {"test": {"loss": "low"}}), ("gates", "x"), ("notes", [1]), ("reports", {"a": 1})],
)
def test_attack_12_metrics_of_other_types_are_refused(key, value, stored, capsys):
    run = Run(stored)
    metrics = json.loads(run.metrics_file.read_text())
    run.metrics_file.write_text(json.dumps({**metrics, key: value}))
    assert command(["fit", "--resume", str(stored), "-q"]) == 6
    assert re.search(rf"metrics.json: {key}[\w.]* is not what dltrain writes there", capsys.readouterr().err)


def test_attack_12_deep_nesting(tmp_path):
    run = create_run("x", runs=tmp_path)
    for levels in (100, 900, 100_000):
        run.manifest_file.write_text('{"a": ' + "[" * levels + "]" * levels + "}")
        with pytest.raises(RunError):
            run.read_manifest()
    assert depth({"a": [[1], {"b": 2}]}) == 3
    assert depth(1) == 1


def test_attack_12_a_state_that_asks_for_more_arrays_than_there_are(stored, tmp_path):
    [path] = list((stored / "state").glob("state-*.npz"))[:1]
    for change in ({"counts": {"model": 10**12}}, {"counts": {"model": True}}, {"epoch": 1e12}, {"step": -1}, {"epoch": "one"}):
        with np.load(path) as file:
            arrays = dict(file)
        meta = json.loads(arrays["meta"].tobytes())
        meta["counts"] = {**meta["counts"], **change.pop("counts", {})}
        arrays["meta"] = np.frombuffer(json.dumps({**meta, **change}).encode(), np.uint8)
        np.savez(tmp_path / "state.npz", **arrays)
        with pytest.raises(RunError, match="is damaged"):
            load_state(tmp_path / "state.npz")


def test_a_file_that_is_too_large(tmp_path):
    (tmp_path / "x.json").write_text('{"a": "' + "x" * 1000 + '"}')
    with pytest.raises(RunError, match="larger"):
        read_json(tmp_path / "x.json", {}, limit=100)


def test_attack_17_a_resume_does_not_make_a_flipped_bit_its_own(stored, capsys):
    file = stored / "checkpoints" / "best.h5"
    data = bytearray(file.read_bytes())
    data[len(data) * 3 // 4] ^= 1
    file.write_bytes(data)
    assert command(["fit", "--resume", str(stored), "training.epochs=9", "-q"]) == 6
    assert "was changed since the run ended" in capsys.readouterr().err
    assert command(["evaluate", str(stored), "-q"]) == 6


def test_attack_17_a_config_that_was_edited_is_not_the_runs(stored, capsys):
    config = stored / "config.yaml"
    config.write_text(config.read_text().replace("relu", "tanh") + "# mine\n")
    assert command(["evaluate", str(stored), "-q"]) == 6
    assert "data.path=WHERE" in capsys.readouterr().err
