"""Output that cannot be written is given up: what has more to give goes on, and what has not says so by its exit code."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys

import pytest

from dltrain.cli.app import run
from dltrain.training.environment import LogFile
from tests.storage.test_removal import a_run
from tests.support import REPOSITORY

CONFIG = """\
data: {source: digits, limit: 60, split: {test: 0.3}}
model: {layers: [Flatten, {Dense: {units: 4}}]}
training: {epochs: 1}
"""


def dltrain(folder, command, **streams):
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    script = f"{sys.executable} -m dltrain {command}"
    return subprocess.run(["bash", "-c", script], cwd=folder, env=env, capture_output=True, text=True, timeout=600, check=False)


COMMANDS = ("--json datasets", "datasets", "explain Dense", "--help", "--version", "schema", "--json runs")
ENDS = (">/dev/full", ">&- 2>&- <&-", ">&-", ">/dev/full 2>/dev/full", "2>&-", "1</dev/null")


# One command at all of them, and each at a console that is full and at none.
@pytest.mark.parametrize(
    ("command", "end"),
    [
        pytest.param(command, end, marks=[pytest.mark.slow] * (command != COMMANDS[0] and end not in ENDS[:2]))
        for command in COMMANDS
        for end in ENDS
    ],
)
def test_e7_a_console_that_cannot_be_written(command, end, tmp_path):
    done = dltrain(tmp_path, f"{command} {end}")
    assert done.returncode == (6 if end.startswith((">/dev/full", "1<")) else 0)  # what nobody opened has nobody to miss it
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


ROWS = "".join(f"{x},{x % 7},{'yes' if x % 3 else 'no'}\n" for x in range(60))
ANSWERS = (
    *("init t.csv", "schema", "explain training.epochs", "completion bash", "runs", "datasets", "datasets digits", "--version"),
    *("check c.yaml --resolved", "--json runs", "--json schema", "--help", "fit --help"),
)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no device that is full")
@pytest.mark.parametrize(
    ("command", "code"),
    [
        *((command, 6) for command in ANSWERS),
        *((command, 0) for command in ("check c.yaml", "init t.csv -o new.yaml", "runs rm run")),
        ("check none.yaml", 2),
    ],
)
def test_an_answer_that_is_lost_is_a_failure_where_the_command_has_no_other(command, code, tmp_path, monkeypatch, capsys):
    (tmp_path / "c.yaml").write_text(CONFIG)
    (tmp_path / "t.csv").write_text(f"a,b,y\n{ROWS}")
    if command == "runs rm run":
        a_run(tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    with open("/dev/full", "w", encoding="utf-8") as full:
        monkeypatch.setattr(sys, "stdout", full)
        assert run(command.split()) == code
    said = capsys.readouterr().err
    assert said.count("standard output cannot be written") == 1, said
    assert (tmp_path / "new.yaml").exists() == ("-o" in command)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("end", [pytest.param(">/dev/full 2>/dev/full", marks=pytest.mark.slow), ">&- 2>&- <&-"])
def test_attack_8_a_fit_goes_on_without_a_console(end, tmp_path):
    (tmp_path / "c.yaml").write_text(CONFIG)
    done = dltrain(tmp_path, f"--json fit c.yaml --run-dir run {end}")
    assert done.returncode == 0
    assert json.loads((tmp_path / "run" / "manifest.json").read_text())["status"] == "finished"
    assert (tmp_path / "run" / "history.png").exists()
    assert (tmp_path / "run" / "config.yaml").read_text().startswith("name:")


LEAVE = """
import atexit, sys, threading, time, types
from pathlib import Path
from dltrain.__main__ import leave
sys.modules["tensorflow"] = types.ModuleType("tensorflow")
atexit.register(Path("cleared").touch)
class Slow:
    def __del__(self):
        Path("taken down").touch()
kept = Slow()
if {waits}:
    threading.Thread(target=lambda: (time.sleep(0.5), Path("written").touch())).start()
sys.stdout.write("all of it")
leave(5)
"""


@pytest.mark.parametrize("waits", [False, True])
def test_a_process_that_leaves_has_written_cleared_and_waited(waits, tmp_path):
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    script = LEAVE.format(waits=waits)
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (5, "all of it", "")
    made = {path.name for path in tmp_path.iterdir()}
    assert made == ({"cleared", "written", "taken down"} if waits else {"cleared"})


def test_attack_8_a_log_that_cannot_be_written_is_given_up_and_said_once(tmp_path, capsys, caplog):
    handler = LogFile("/dev/full")
    logger = logging.getLogger("dltrain.test_streams")
    logger.addHandler(handler)
    try:
        with caplog.at_level(logging.WARNING):
            for _ in range(3):
                logger.error("one")
    finally:
        logger.removeHandler(handler)
        handler.close()
    assert [record.message for record in caplog.records if "cannot be written" in record.message] == [
        "/dev/full cannot be written (No space left on device): the run goes on without it"
    ]
    assert "Traceback" not in capsys.readouterr().err


def test_attack_16_the_log_has_a_line_for_each_record(tmp_path):
    handler = LogFile(tmp_path / "log.txt")
    logger = logging.getLogger("dltrain.test_streams")
    logger.addHandler(handler)
    try:
        logger.error("label %s", "a\n::error::x\x1b[31m https://me:secret@host")
    finally:
        logger.removeHandler(handler)
        handler.close()
    [line] = (tmp_path / "log.txt").read_text().splitlines()
    assert line.endswith("ERROR dltrain.test_streams: label a\\n::error::x\\x1b[31m https://***@host")


def test_attack_7_the_log_follows_no_link(tmp_path):
    (tmp_path / "victim").write_text("precious")
    (tmp_path / "log.txt").symlink_to(tmp_path / "victim")
    handler = LogFile(tmp_path / "log.txt")
    handler.emit(logging.LogRecord("x", 10, "", 0, "evil", None, None))
    handler.close()
    assert (tmp_path / "victim").read_text() == "precious"
