"""What the fault box is filled with before a command."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from tests.faults.box import Box, Trouble
from tests.own_code import SOURCE

CONFIG = """
name: tiny
seed: 3
data: {source: csv, path: rows.csv, target: y, split: {validation: 0.2, test: 0.2}}
model: {layers: [{Dense: {units: 3, activation: relu}}]}
training: {epochs: 2, batch_size: 16, jit_compile: false, checkpoint: {filepath: "mine-{epoch}.h5"}}
"""
PLAIN = CONFIG.replace(', checkpoint: {filepath: "mine-{epoch}.h5"}', "")
# What a config of its own has in place of, or besides, what all have.
CONFIGS = {
    "tiny": CONFIG,
    "sweep": PLAIN + "sweep: {parameters: {training.optimizer.learning_rate: [0.01, 0.1]}}\n",
    "answers": PLAIN + "evaluation: {calibrate: temperature, threshold: f1}\n",
    "code": PLAIN.replace("[{Dense", "[Scale, {Dense") + "code: [mine.py]\n",
    "weights": PLAIN.replace("model: {", "model: {weights: other, "),
    "members": PLAIN.replace("epochs: 2", "epochs: 2, members: 2"),
    "labels": PLAIN.replace("target: y", 'target: tags, task: multilabel, labels: {separator: "|"}, features: [a, b, c]'),
    "series": PLAIN.replace(
        "path: rows.csv, target: y,", "path: shops.csv, target: sold, series: {id: shop, time: day, history: 3, horizon: 2},"
    ).replace("[{Dense", "[Flatten, {Dense"),
    "quantiles": PLAIN.replace(
        "path: rows.csv, target: y,",
        "path: shops.csv, target: sold, series: {id: shop, time: day, history: 3, horizon: 2, quantiles: [0.1, 0.5, 0.9]},",
    ).replace("[{Dense", "[Flatten, {Dense"),
    "masks": PLAIN.replace(
        "source: csv, path: rows.csv, target: y,",
        "source: image_folder, path: shapes, task: segmentation, image_size: [8, 8], classes: [ground, cell],",
    ).replace("[{Dense: {units: 3,", "[{Conv2D: {filters: 2, kernel_size: 3, padding: same,"),
    "tracked": PLAIN.replace("epochs: 2", "epochs: 2, track: mlflow"),
    "boards": PLAIN.replace("epochs: 2", "epochs: 2, tensorboard: {}"),
    "plane": PLAIN.replace("target: y", "target: y, features: [a, b]"),
    "base": PLAIN.replace("seed: 3", "seed: ${env:SEED, 4}"),
    "extends": "extends: base.yaml\ntraining: {optimizer: {Adam: {learning_rate: 0.02}}}\n",
}
ONE = ("--threads", "1")
# Saves at each epoch's end and between all calls, so that a signal or a fault meets a run that is half done.
OFTEN = "import dltrain.training.trainer as train; train.EPOCH_SAVE_SECONDS = train.CALL_SECONDS = 0.0"
FIT = ("fit", "tiny.yaml", "--run-dir", "run", "--resume", "auto", "--threads", "1")


def furnish(box: Box) -> None:
    """Put configs, their data, and some things of the user's into an empty box; keep it as "new"."""
    for name, text in CONFIGS.items():
        (box.work / f"{name}.yaml").write_text(text)
    (box.work / "mine.py").write_text(SOURCE)
    rows = [
        f"{index * 7 % 11},{index * 5 % 13},{'abc'[index % 3]},{'yes' if index * 7 % 11 > 5 else 'no'}"
        f",{['red', 'red|blue', '', 'blue'][index * 3 % 4]}"
        for index in range(60)
    ]
    (box.work / "rows.csv").write_text("\n".join(["a,b,c,y,tags", *rows]) + "\n")
    days = [f"s{shop},2024-01-{day:02d},{shop * 10 + day % 7}" for shop in range(2) for day in range(1, 31)]
    (box.work / "shops.csv").write_text("\n".join(["shop,day,sold", *days]) + "\n")
    for number in range(10):
        save_shape(box.work / "shapes", number)
    for number in range(3):
        save_shape(box.work / "asked", number)
    (box.work / "letter.txt").write_text("dear reader\n")
    (box.root / "home" / "notes").mkdir()
    (box.root / "home" / "notes" / "mine.txt").write_text("mine\n")
    (box.root / "own").mkdir(mode=0o700)
    box.keep("new")


def save_shape(folder: Path, number: int) -> None:
    """A picture of 12×10 and its mask: a bright box on dark ground."""
    mask = np.zeros((12, 10), np.uint8)
    mask[number % 5 : number % 5 + 6, 2:8] = 1
    for kind, content in (("pictures", 30 + 150 * mask), ("masks", mask)):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        Image.fromarray(content).save(folder / kind / f"{number}.png")


def begin(box: Box) -> None:
    """Furnish the box, and keep a finished run in it as "finished"."""
    furnish(box)
    succeed(box, FIT, Trouble(code=OFTEN))
    shutil.copytree(box.run, box.work / "other")
    box.keep("finished")


def kept(box: Box, name: str) -> str:
    """Keep a box that holds what a config makes, if it is not kept yet; its name."""
    if not (box.outside / name).exists():
        box.fill("finished")
        if name == "unfinished":
            box.command(("runs", "rm", "run"))
            box.command(FIT, Trouble(at=250, fault="KILL", code=OFTEN))
        elif name == "unfinished sweep":
            shutil.rmtree(box.run)
            box.keep("no run")
            words = ("sweep", "sweep.yaml", "--run-dir", "run", *ONE)
            calls = box.command(words, Trouble(code=OFTEN)).calls
            box.fill("no run")
            done = next(
                call["number"]
                for call in calls
                if call["call"] == "replace" and "trials/" in call["path"] and "metrics.json" in call["path"]
            )
            box.command(words, Trouble(at=done + 1, fault="KILL", code=OFTEN))
        else:
            shutil.rmtree(box.run)
            begun = ("sweep",) if name == "sweep" else ("fit", "--trust-code") if name == "code" else ("fit",)
            succeed(box, (*begun, f"{name}.yaml", "--run-dir", "run", *ONE))
        box.keep(name)
    return name


def succeed(box: Box, words: Sequence[str], trouble: Trouble | None = None) -> None:
    """Run a command that has no reason to fail."""
    ended = box.command(words, trouble)
    assert ended.code == 0, ended.stderr
