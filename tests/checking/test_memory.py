"""What a training takes is held against what the machine has."""

from __future__ import annotations

import subprocess
import sys

import pytest

from dltrain import machine
from dltrain.checking import check_file, memory
from dltrain.checking.check import check_config, raise_for_errors
from dltrain.cli.app import run as command
from dltrain.config import load_config
from dltrain.errors import ConfigError
from dltrain.storage.bounds import CELL_BYTES, ROW_BYTES

CONFIG = """\
data: {source: digits, split: {test: 0.3}}
model:
  layers:
    - Flatten
    - Dense: {units: 100}
    - Dense: {units: UNITS, activation: relu}
training: {epochs: 1, batch_size: 32}
sweep: {parameters: {training.batch_size: [16, 32]}}
"""


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "memory_bytes", lambda: 4_000_000_000)
    monkeypatch.chdir(tmp_path)

    def write(units):
        (tmp_path / "c.yaml").write_text(CONFIG.replace("UNITS", str(units)))
        return tmp_path / "c.yaml"

    return write


@pytest.fixture
def group(tmp_path, monkeypatch):
    """Puts this process into a control group with a limit, as far as its files tell."""
    root, membership = tmp_path / "cgroup", tmp_path / "membership"

    def limit(version, size):
        place = root / ("memory/jobs/7" if version == 1 else "jobs/7")
        place.mkdir(parents=True)
        (place / ("memory.limit_in_bytes" if version == 1 else "memory.max")).write_text(f"{size}\n")
        membership.write_text("4:memory:/jobs/7\n0::/\n" if version == 1 else "0::/jobs/7\n")
        monkeypatch.setattr(machine, "_GROUPS", root)
        monkeypatch.setattr(machine, "_MEMBERSHIP", membership)
        monkeypatch.setattr(memory, "memory_bytes", machine.memory_bytes.__wrapped__)  # which is asked once a process

    return limit


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(("size", "is_refused"), [(1_200_000_000, True), (1_900_000_000, False)])
def test_attack_13_the_limit_of_a_control_group_is_what_there_is(config, group, version, size, is_refused, capsys):
    path = config(500_000)
    group(version, size)
    result = check_file(path)[1]
    [fault] = said(result)
    assert f"of the {size / 1e9:,.1f} GB that this machine has" in fault.message
    assert ("fit refuses it" in str(fault.hint)) == is_refused
    assert command(["check", str(path)]) == 0
    assert f"{size / 1e9:,.1f} GB" in capsys.readouterr().err
    if is_refused:
        assert command(["fit", str(path), "--run-dir", "run", "-q"]) == 2
        assert f"{size / 1e9:,.1f} GB" in capsys.readouterr().err


def said(result):
    return [fault for fault in result.warnings if "this machine has" in fault.message]


def test_attack_13_a_model_that_fits_is_nothing_to_speak_of(config):
    assert said(check_file(config(100_000))[1]) == []


@pytest.mark.parametrize(
    ("words", "copies"),
    [
        ("optimizer: sgd", 2),  # the weights and their gradients
        ("optimizer: adam", 4),
        ("optimizer: sgd, gradient_accumulation: 4", 3),
        ("optimizer: sgd, gradient_accumulation: 1", 2),
        ("optimizer: sgd, average: ema", 3),
        ("optimizer: sgd, average: swa", 3),
    ],
)
def test_what_is_kept_beside_each_weight_is_counted(config, words, copies):
    file = config(10)
    file.write_text(file.read_text().replace("epochs: 1,", f"epochs: 1, {words},"))
    weights = (64 + 1) * 100 + 101 * 10 + 11 * 10
    assert check_file(file)[1].memory.model == 4 * copies * weights


def test_attack_13_from_70_percent_on_it_is_said(config):
    result = check_file(config(1_500_000))[1]
    [fault] = said(result)
    assert (fault.line, fault.path) == (6, "model.layers.2")
    assert "the layer dense_1 takes" in fault.message
    assert result.too_large is None
    assert not result.errors


def test_attack_13_what_does_not_fit_is_refused_by_fit_and_sweep(config, capsys):
    path = config(10_000_000)
    result = check_file(path)[1]
    assert not result.errors
    assert "fit refuses it without --allow-large" in said(result)[0].hint
    for name in ("fit", "sweep"):
        assert command([name, str(path), "--run-dir", "run", "-q"]) == 2
        assert "model.layers.2: training takes about" in capsys.readouterr().err
        assert not path.with_name("run").exists()
    allowed = check_config(load_config(path, ["training.allow_large=true"]))
    assert raise_for_errors(allowed) is allowed
    with pytest.raises(ConfigError, match="this machine has"):
        raise_for_errors(check_config(load_config(path)))


def test_attack_13_data_that_does_not_fit_is_named_as_such(config):
    words = ["data.source=noise", "data.rows=5000000", "data.shape=[200]", "sweep=null", "model.layers.2.units=8"]
    result = check_config(load_config(config(8), words))
    [fault] = said(result)
    assert fault.path == "data"
    assert "the data takes 4.0 GB of it" in fault.message


@pytest.mark.parametrize(
    "word",
    [
        "data.split.folds=100000000",
        "training.epochs=100000000000",
        "training.batch_size=1000000000000",
        "data.rows=1000000000000",
        "data.classes=1000000000",
    ],
)
def test_attack_14_numbers_that_could_only_be_a_slip_are_refused(word, config, capsys):
    words = ["data.source=noise"] if word.startswith(("data.rows", "data.classes")) else []
    assert command(["check", str(config(8)), "sweep=null", *words, word]) == 2
    assert "expected at most" in capsys.readouterr().err


@pytest.mark.parametrize(
    "layer", ["EnsembleDense: {units: 4, members: 1000000000}", "PiecewiseLinearEmbedding: {bins: 1000000000000000000}"]
)
def test_attack_14_a_composed_layer_is_not_written_out_without_end(layer, config, capsys):
    assert command(["check", str(config(8)), "sweep=null", f"model.layers=[Flatten, {{{layer}}}]"]) == 2
    assert "written one by one, more than 2,000,000" in capsys.readouterr().err


def test_attack_14_threads_are_bounded(config, capsys):
    assert command(["check", str(config(8)), "--threads", "100000"]) == 2
    assert "1<=x<=1024" in capsys.readouterr().err


TABLE = """\
data: {source: csv, path: t.csv, target: y, split: {test: 0.3}}
model: {layers: [{Dense: {units: 4}}]}
training: {epochs: 1}
"""


@pytest.fixture
def short_cells(tmp_path, monkeypatch):
    """A config of a table of the shortest cells, 150,000 rows of them in 1 MB of text."""
    (tmp_path / "t.csv").write_text("a,b,y\n" + "1,2,no\n3,4,yes\n" * 75_000)
    (tmp_path / "t.yaml").write_text(TABLE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("dltrain.data.tables.sample.MOST_BYTES", 1 << 16)
    return tmp_path / "t.yaml"


def test_text_of_short_cells_takes_more_to_read_than_to_train_on(short_cells, tmp_path, monkeypatch, capsys):
    there = memory.FRAMEWORK + 16_000_000
    monkeypatch.setattr(memory, "memory_bytes", lambda: there)
    result = check_file(short_cells)[1]
    assert result.memory.reading == pytest.approx(
        150_000 * (3 * CELL_BYTES + ROW_BYTES) + (tmp_path / "t.csv").stat().st_size, rel=0.1
    )
    assert result.memory.total == result.memory.reading
    [fault] = said(result)
    assert fault.message.startswith("reading the data takes about 0.5 GB, 10")
    assert "DLTRAIN_STREAM_BYTES=0 it is streamed from disk" in fault.hint
    assert command(["fit", str(short_cells), "--run-dir", "run", "-q"]) == 2
    told = capsys.readouterr().err
    assert "reading the data takes about" in told
    assert "streamed from disk in little memory; --allow-large tries it all the same" in told
    monkeypatch.setenv("DLTRAIN_STREAM_BYTES", "0")
    result = check_file(short_cells)[1]
    assert result.memory.reading == 0
    assert result.too_large is None
    (tmp_path / "t.csv").write_text("a,b,y\n" + "1,2,no\n3,4,yes\n" * 20)
    monkeypatch.delenv("DLTRAIN_STREAM_BYTES")
    assert check_file(short_cells)[1].too_large is None


@pytest.mark.slow
@pytest.mark.parametrize(("num_rows", "num_columns"), [(1_500_000, 2), (400_000, 12)])
def test_what_reading_takes_is_what_was_said(num_rows, num_columns, tmp_path):
    numbers = ",".join(f"{column}.{column}" for column in range(num_columns))
    names = ",".join(f"x{column}" for column in range(num_columns))
    (tmp_path / "t.csv").write_text(f"{names},y\n" + f"{numbers},no\n1{numbers},yes\n" * (num_rows // 2))
    (tmp_path / "t.yaml").write_text(TABLE)
    code = """
from pathlib import Path
from dltrain.config import load_config
from dltrain.data import load_dataset
def peak():
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) * 1024
config = load_config(Path("t.yaml"))
load_dataset(load_config(Path("small.yaml")).data, seed=0)
before = peak()
load_dataset(config.data, seed=0)
print(peak() - before)
"""
    (tmp_path / "small.csv").write_text("a,b,y\n" + "1,2,no\n3,4,yes\n" * 20)
    (tmp_path / "small.yaml").write_text(TABLE.replace("t.csv", "small.csv"))
    taken = int(subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True).stdout)
    assert 0.5 < taken / check_file(tmp_path / "t.yaml")[1].memory.reading < 1.5


ANSWERS = "data: {{source: noise, rows: 300000, shape: [4], classes: {classes}, split: {{test: 0.9}}}}\n{rest}"
REST = "model: {layers: [Dense: {units: 8}]}\ntraining: {epochs: 1}\n"


def test_what_a_model_says_of_all_rows_is_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "memory_bytes", lambda: 6_500_000_000)
    (tmp_path / "c.yaml").write_text(ANSWERS.format(classes=1000, rest=REST))
    config, result = check_file(tmp_path / "c.yaml")
    assert config is not None
    assert result.memory is not None
    assert result.memory.answers == 270_000 * (100 + 1000 * 20)
    [warning] = [fault for fault in result.warnings if "memory" in fault.message or "takes about" in fault.message]
    assert ("while it is scored" in warning.message, "fewer classes" in str(warning.hint)) == (True, True)
    monkeypatch.setattr(memory, "memory_bytes", lambda: 4_000_000_000)
    with pytest.raises(ConfigError, match="while it is scored"):
        raise_for_errors(check_config(config))


def test_two_classes_take_little(tmp_path):
    (tmp_path / "c.yaml").write_text(ANSWERS.format(classes=2, rest=REST))
    found = check_file(tmp_path / "c.yaml")[1].memory
    assert found is not None
    assert found.answers < 40_000_000
