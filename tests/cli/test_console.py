import os
import pty
import subprocess
import sys

import pytest

from dltrain.cli.console import Console, Settings
from tests.support import REPOSITORY


def train(console, epochs, *, stop_after=None):
    console.run_started("runs/x", 0, epochs, 10)
    for epoch in range(stop_after or epochs):
        for step in range(10):
            console.step(epoch, step + 1, {"loss": 0.5})
        console.epoch_end(epoch, {"loss": 0.5, "val_loss": 0.25, "learning_rate": 1e-3}, 0.1)
    console.finished()


def epoch_lines(capsys):
    return [line for line in capsys.readouterr().err.splitlines() if line.startswith("epoch")]


def test_a_line_for_each_of_few_epochs(capsys):
    train(Console(), 3)
    lines = epoch_lines(capsys)
    assert lines[0] == "epoch 1/3  loss 0.5000  val_loss 0.2500  learning_rate 0.001  0.10 s"
    assert len(lines) == 3


@pytest.mark.parametrize(("epochs", "stop_after"), [(1000, None), (1000, 333), (41, None), (10_000, 9_999)])
def test_many_epochs_are_thinned_and_the_last_is_told(capsys, epochs, stop_after):
    train(Console(), epochs, stop_after=stop_after)
    lines = epoch_lines(capsys)
    assert len(lines) <= 45
    assert lines[0].removeprefix("epoch").lstrip().startswith("1/")
    assert f"{stop_after or epochs}/{epochs}" in lines[-1]
    assert len(set(lines)) == len(lines)


def test_quiet_shows_warnings_only(capsys):
    console = Console(Settings(quiet=True))
    console.status("reading")
    console.data_ready(["rows"])
    console.model_ready([{"name": "a", "class": "Dense", "output_shape": (None, 1), "parameters": 3, "trainable": True}], 3, 3)
    train(console, 3)
    console.warning("odd")
    console.result("0.9")
    assert capsys.readouterr() == ("0.9\n", "warning: odd\n")


def test_details_are_for_verbose(capsys):
    Console().detail("XLA: on")
    Console(Settings(verbose=1)).detail("XLA: off")
    assert capsys.readouterr().err == "XLA: off\n"


def test_a_stage_that_counts_is_told_once(capsys):
    console = Console()
    for size in range(500):
        console.status(f"downloading lfw, {size} of 500 MB")
    console.status("reading lfw")
    assert capsys.readouterr().err.splitlines() == ["downloading lfw, 0 of 500 MB", "reading lfw"]


def test_the_layer_table(capsys):
    layers = [
        {"name": "flatten", "class": "Flatten", "output_shape": (None, 713), "parameters": 0, "trainable": False},
        {"name": "dense", "class": "Dense", "output_shape": (None, 20), "parameters": 14280, "trainable": False},
    ]
    Console().model_ready(layers, 14280, 0)
    assert capsys.readouterr().err.splitlines() == [
        "layer    class    output shape  parameters",
        "flatten  Flatten  (None, 713)            0",
        "dense    Dense    (None, 20)        14,280  frozen",
        "14,280 parameters, 0 of them trainable",
    ]


def test_json_is_strict(capsys):
    console = Console(Settings(json=True))
    console.result("not shown")
    console.document({"loss": float("nan"), "label": "é\ud800", "path": REPOSITORY})
    out = capsys.readouterr().out
    assert out.isascii()
    assert '"loss": null' in out
    assert "not shown" not in out


def on_a_terminal(code, **environment):
    """Run code with stderr on a pseudo-terminal; all bytes that came there."""
    master, slave = pty.openpty()
    env = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    env |= {"TERM": "xterm-256color", "PYTHONPATH": str(REPOSITORY), "COLUMNS": "100", **environment}
    process = subprocess.Popen([sys.executable, "-c", code], stdin=slave, stdout=subprocess.PIPE, stderr=slave, env=env)
    os.close(slave)
    received = b""
    while True:
        try:
            chunk = os.read(master, 65536)
        except OSError:
            break
        if not chunk:
            break
        received += chunk
    os.close(master)
    out = process.stdout.read()
    assert process.wait(timeout=300) == 0
    return out, received


TRAINING = """
import time
from dltrain.cli.console import Console
console = Console()
console.status("reading data")
console.run_started("runs/x", 0, 4, 10)
for epoch in range(4):
    for step in range(10):
        time.sleep(0.02)
        console.step(epoch, step + 1, {"loss": 0.5, "name\\x1b[31m": 1.0})
    console.epoch_end(epoch, {"loss": 0.5, "accuracy": 0.9}, 0.2)
    if epoch == 2:
        console.warning("odd")
console.finished()
console.status("evaluating")
console.result("done")
console.close()
"""


def test_one_live_line_on_a_terminal():
    out, seen = on_a_terminal(TRAINING)
    assert out == b"done\n"
    assert b"\x1b[2K" in seen or b"\x1b[1A" in seen or b"\r" in seen
    assert b"step " in seen
    assert b"compiling" in seen
    assert b"warning: odd" in seen
    assert b"\x1b[31m" not in seen
    assert seen.count(b"4/4") >= 1
    assert seen.rindex(b"\x1b[?25h") > seen.rindex(b"\x1b[?25l")  # the cursor is there at the end
    updates = seen.count(b"step ")
    assert updates <= 10


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_plain_lines_where_no_control_characters_are_wanted(environment):
    _, seen = on_a_terminal(TRAINING, **environment)
    text = seen.replace(b"\r\n", b"\n")  # the terminal's own line ends
    assert not set(text) & set(b"\x1b\r\x08")
    assert text.count(b"\nepoch ") == 4
    assert b"reading data\n" in text
    assert b"compiling" not in text
