"""The commands that are put into the fault box."""

from __future__ import annotations

from collections.abc import Callable

from tests.faults.box import Box, Case
from tests.faults.cases import (
    TRACKER,
    changes_nothing,
    continues,
    fits,
    keeps_in_the_run,
    removes,
    resumes,
    sweeps,
    warms,
    writes_a_file,
)

ONE = ("--threads", "1")
CASES: dict[str, Callable[[Box], Case]] = {
    "fit": fits("tiny"),
    "resume": resumes,
    "check": changes_nothing(("check", "--data", "tiny.yaml")),
    "evaluate": changes_nothing(("evaluate", "run", *ONE)),
    "evaluate --data": keeps_in_the_run(("evaluate", "run", "--data", "rows.csv", "--json", *ONE), ("results_data.svg",)),
    "trace": changes_nothing(("trace", "run", "--row", "0", *ONE)),
    "runs": changes_nothing(("runs", "--runs", ".")),
    "init": writes_a_file(("init", "rows.csv", "--target", "y", "-o", "out.yaml"), "out.yaml"),
    "init series": writes_a_file(("init", "shops.csv", "--target", "sold", "--series", "day", "-o", "out.yaml"), "out.yaml"),
    "predict": writes_a_file(("predict", "run", "--data", "rows.csv", "-o", "out.csv", *ONE), "out.csv"),
    "predict jsonl": writes_a_file(
        ("predict", "run", "--data", "rows.csv", "-o", "out.jsonl", "--format", "jsonl", *ONE), "out.jsonl"
    ),
    "predict parquet": writes_a_file(
        ("predict", "run", "--data", "rows.csv", "-o", "out.parquet", "--format", "parquet", *ONE), "out.parquet"
    ),
    "compare": writes_a_file(("compare", "run", "other", "-o", "out.png"), "out.png"),
    "export": writes_a_file(("export", "run", "-o", "out.keras"), "out.keras"),
    "export saved_model": writes_a_file(("export", "run", "--format", "saved_model", "-o", "out"), "out"),
    "export onnx": writes_a_file(("export", "run", "-o", "out.onnx"), "out.onnx"),
    "export tflite": writes_a_file(("export", "run", "-o", "out.tflite"), "out.tflite"),
    "runs rm": removes("finished", ("runs", "rm", "run")),
    "sweep": sweeps("stacked"),
    "sweep in processes": sweeps("processes"),
    # what fits differ in
    "fit answers": fits("answers"),
    "fit code": fits("code", "--trust-code"),
    "fit weights": fits("weights", filled="finished"),
    "fit members": fits("members"),
    "fit labels": fits("labels"),
    "fit series": fits("series"),
    "fit extends": fits("extends"),
    "fit quantiles": fits("quantiles"),
    "fit masks": fits("masks"),
    "fit boards": fits("boards"),
    "fit tracked": fits("tracked"),
    "fit workers": fits("tiny", "--workers", "2"),
    # what is made of such runs
    "evaluate --data masks": keeps_in_the_run(
        ("evaluate", "run", "--data", "asked", "--json", *ONE), ("results_data.svg", "masks_data.png"), "masks"
    ),
    "evaluate --data quantiles": keeps_in_the_run(
        ("evaluate", "run", "--data", "shops.csv", "--json", *ONE), ("results_data.svg",), "quantiles"
    ),
    "evaluate masks": changes_nothing(("evaluate", "run", *ONE), "masks"),
    "evaluate quantiles": changes_nothing(("evaluate", "run", *ONE), "quantiles"),
    "predict masks": writes_a_file(("predict", "run", "--data", "asked/pictures", "--masks", "out", *ONE), "out", "masks"),
    "predict masks -o": writes_a_file(
        ("predict", "run", "--data", "asked/pictures", "--tiles", "8", "-o", "out.csv", *ONE), "out.csv", "masks"
    ),
    "predict quantiles": writes_a_file(("predict", "run", "--data", "shops.csv", "-o", "out.csv", *ONE), "out.csv", "quantiles"),
    "predict ahead": writes_a_file(("predict", "run", "--steps", "2", "-o", "out.csv", *ONE), "out.csv", "quantiles"),
    "predict --part": writes_a_file(("predict", "run", "--part", "test", "-o", "out.csv", *ONE), "out.csv"),
    "predict npz": writes_a_file(("predict", "run", "--data", "rows.csv", "-o", "out.npz", *ONE), "out.npz"),
    "export masks": writes_a_file(("export", "run", "-o", "out.onnx"), "out.onnx", "masks"),
    "export quantiles": writes_a_file(("export", "run", "-o", "out.tflite"), "out.tflite", "quantiles"),
    "report masks": writes_a_file(("report", "run", "-o", "out.html"), "out.html", "masks"),
    "log": changes_nothing(("log", "run"), code=TRACKER),
    "log members": changes_nothing(("log", "run"), "members", code=TRACKER),
    "log sweep": changes_nothing(("log", "run"), "sweep", code=TRACKER),
    "evaluate answers": changes_nothing(("evaluate", "run", *ONE), "answers"),
    "evaluate code": changes_nothing(("evaluate", "run", "--trust-code", *ONE), "code"),
    "evaluate members": changes_nothing(("evaluate", "run", *ONE), "members"),
    "evaluate labels": changes_nothing(("evaluate", "run", *ONE), "labels"),
    "evaluate --against": changes_nothing(("evaluate", "run", "--against", "other", *ONE)),
    "evaluate sweep": keeps_in_the_run(("evaluate", "run", "--trials", "2", *ONE), ("results_test.svg",), "sweep"),
    "evaluate --part": keeps_in_the_run(("evaluate", "run", "--part", "train", *ONE), ("results_train.svg",)),
    "evaluate --importance": keeps_in_the_run(
        ("evaluate", "run", "--importance", "--by", "c", *ONE), ("importance.svg", "state/findings.json")
    ),
    "predict answers": writes_a_file(("predict", "run", "--data", "rows.csv", "-o", "out.csv", *ONE), "out.csv", "answers"),
    "predict series": writes_a_file(("predict", "run", "--data", "shops.csv", "-o", "out.csv", *ONE), "out.csv", "series"),
    "predict labels": writes_a_file(("predict", "run", "--data", "rows.csv", "-o", "out.csv", *ONE), "out.csv", "labels"),
    "predict members": writes_a_file(("predict", "run", "--data", "rows.csv", "-o", "out.csv", *ONE), "out.csv", "members"),
    "predict code": writes_a_file(
        ("predict", "run", "--trust-code", "--data", "rows.csv", "-o", "out.csv", *ONE), "out.csv", "code"
    ),
    "predict sweep": writes_a_file(
        ("predict", "run", "--trials", "2", "--data", "rows.csv", "-o", "out.csv", *ONE), "out.csv", "sweep"
    ),
    "export answers": writes_a_file(("export", "run", "-o", "out.keras"), "out.keras", "answers"),
    "export members": writes_a_file(("export", "run", "-o", "out.keras"), "out.keras", "members"),
    "export sweep": writes_a_file(("export", "run", "--top", "2", "-o", "out.keras"), "out.keras", "sweep"),
    "report": writes_a_file(("report", "run", "-o", "out.html"), "out.html"),
    "report members": writes_a_file(("report", "run", "-o", "out.html"), "out.html", "members"),
    "report quantiles": writes_a_file(("report", "run", "-o", "out.md"), "out.md", "quantiles"),
    "report md": writes_a_file(("report", "run", "other", "-o", "out.md"), "out.md"),
    "report sweep": writes_a_file(("report", "run", "-o", "out.html"), "out.html", "sweep"),
    "trace --plot": writes_a_file(("trace", "run", "--plot", "out.png", *ONE), "out.png", "plane"),
    "find-rate": writes_a_file(("find-rate", "tiny.yaml", "-o", "out.png", *ONE), "out.png"),
    "sweep wider": continues("sweep", "--over", "training.optimizer.learning_rate=0.01,0.1,0.3"),
    "sweep resumed": continues("unfinished sweep"),
    "sweep jobs": sweeps("processes", "sweep", "--jobs", "2"),
    "sweep members": sweeps("processes", "members", "--over", "training.optimizer.learning_rate=0.01,0.1"),
    "runs prune": removes("unfinished", ("runs", "prune", "--yes", "--runs", ".")),
    # what only reads and prints
    "check code": changes_nothing(("check", "code.yaml")),
    "check extends": changes_nothing(("check", "extends.yaml", "--resolved")),
    "datasets get": changes_nothing(("datasets", "get", "digits")),
    "datasets": changes_nothing(("datasets", "digits")),
    "completion": changes_nothing(("completion", "bash")),
    "completion words": changes_nothing(("completion", "words", "zsh", "fit", "t")),
    "explain": changes_nothing(("explain", "training.optimizer")),
    "schema": changes_nothing(("schema",)),
    "warm start": warms("start"),
    "warm status": warms("status"),
    "warm stop": warms("stop"),
}
