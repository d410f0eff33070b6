"""What scores of many rows of many classes take in memory."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from dltrain.config import load_config_text
from dltrain.data.dataset import Part
from dltrain.data.look import read_facts
from dltrain.evaluation.metrics import metrics, verdicts
from dltrain.evaluation.metrics.report import report_part
from dltrain.model.heads.rules import heads_of

TEXT = """
data: {{source: noise, rows: 4000, shape: [4], classes: {classes}, split: {{test: 0.2}}}}
model: {{layers: [Dense: {{units: 4}}], logits: {logits}}}
training: {{epochs: 1}}
"""


@pytest.mark.parametrize("logits", [False, True])
def test_probabilities_are_kept_once_beside_the_outputs(logits, monkeypatch):
    monkeypatch.setattr(metrics, "_NUMBERS", 1 << 12)
    monkeypatch.setattr(verdicts, "MOST_RANKS", 1 << 12)
    rows, classes = 6000, 200
    config = load_config_text(TEXT.format(classes=classes, logits=str(logits).lower()), folder=Path())
    schema = read_facts(config.data, seed=1).schema
    assert schema is not None
    heads = heads_of(config, schema)
    random = np.random.default_rng(0)
    outputs = random.dirichlet(np.ones(classes), rows).astype(np.float32)
    outputs = np.log(np.maximum(outputs, 1e-30)) if logits else outputs
    codes = random.integers(0, classes, rows)
    part = Part({"x": np.zeros((rows, 1), np.float32)}, {heads[0].targets[0].name: codes}, None, np.arange(rows))
    reference = {heads[0].targets[0].name: codes}
    report_part("test", {"loss": 1.0}, heads, [outputs], part, reference)  # what is imported or drawn once
    tracemalloc.start()
    found = report_part("test", {"loss": 1.0}, heads, [outputs], part, reference)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # Eight bytes of each probability, and of logits eight more for a moment; all else belongs to rows or to classes.
    assert peak / outputs.size < (22 if logits else 17)
    assert set(found.intervals) >= {"accuracy", "log_loss"}
